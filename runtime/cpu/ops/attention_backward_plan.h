#pragma once
// How the gradient of attention is cut, and what a thread keeps of it in the workspace.

#include <cstdint>

#include "runtime/cpu/kernel.h"
#include "runtime/cpu/kernel_error.h"
#include "runtime/cpu/ops/attention_tile.h"

namespace aforo::cpu::AFORO_ISA {

/// Panels packed together: the sums of dk and dv run over their 128 queries in registers.
constexpr std::int64_t most_query_panels = 128 / tile_cols;

/// One panel's queries, packed along head_dim.
struct QueryPanel {
  float* q;  ///< scaled
  float* dout;
  float* lse;  ///< infinity past the last query, delta 0: p and ds vanish there
  float* delta;
};

/// A thread's share of the workspace.
struct BackwardScratch {
  float* keys;  ///< packed along head_dim
  float* values;
  float* keys_by_key;  ///< packed along the keys
  float* p;            ///< [key_block, tile_cols] of one panel
  float* ds;
  float* p_by_query;  ///< of all panels, packed along the queries
  float* ds_by_query;
  float* q_by_query;
  float* dout_by_query;
  float* dk;  ///< [key_block, dim_cols]
  float* dv;
  float* dq;  ///< n_dq panels [dim_rows, tile_cols]
  QueryPanel panels[most_query_panels];
  std::int64_t n_queries;  ///< that p_by_query and the others have room for
  std::int64_t size;

  BackwardScratch(const AttentionShape& shape, std::int64_t n_panels, std::int64_t n_dq,
                  float* first) {
    Scratch scratch(first);
    n_queries = n_panels * tile_cols;
    keys = scratch.take(key_block * shape.head_dim + panel_slack);
    values = scratch.take(key_block * shape.head_dim + panel_slack);
    keys_by_key = scratch.take(key_block * shape.dim_rows() + panel_slack);
    p = scratch.take(key_block * tile_cols);
    ds = scratch.take(key_block * tile_cols);
    p_by_query = scratch.take(key_block / tile_rows * by_query_stride());
    ds_by_query = scratch.take(key_block / tile_rows * by_query_stride());
    q_by_query = scratch.take(n_queries * shape.dim_cols());
    dout_by_query = scratch.take(n_queries * shape.dim_cols());
    dk = scratch.take(key_block * shape.dim_cols());
    dv = scratch.take(key_block * shape.dim_cols());
    dq = scratch.take(n_dq * shape.dim_rows() * tile_cols);
    for (std::int64_t i = 0; i < n_panels; ++i)
      panels[i] = {scratch.take(shape.head_dim * tile_cols),
                   scratch.take(shape.head_dim * tile_cols), scratch.take(tile_cols),
                   scratch.take(tile_cols)};
    size = scratch.taken();
  }

  /// Floats from one tile_rows keys to the next in p_by_query.
  std::int64_t by_query_stride() const { return n_queries * tile_rows + panel_slack; }
};

/// How the work is cut.
struct BackwardPlan {
  bool one_pass;
  int n_threads;
  std::int64_t n_panels;  ///< packed together
  std::int64_t n_dq;      ///< panels of dq in scratch
};

inline BackwardPlan backward_plan(const AttentionShape& shape, const KernelArgs& args) {
  const std::int64_t floats = args.workspace_bytes / 4;
  const auto plan = [&](bool one_pass) {
    BackwardPlan p{one_pass, 0, smaller(most_query_panels, shape.n_panels()), 0};
    p.n_dq = one_pass ? shape.heads_per_kv() * shape.n_panels() : p.n_panels;
    const auto fits = [&] {
      return floats / BackwardScratch(shape, p.n_panels, p.n_dq, nullptr).size;
    };
    while (p.n_panels > 1 && fits() < args.n_threads) {
      --p.n_panels;
      if (!one_pass) p.n_dq = p.n_panels;
    }
    p.n_threads = static_cast<int>(smaller(args.n_threads, fits()));
    return p;
  };
  const BackwardPlan one = plan(true), two = plan(false);
  if (two.n_threads < 1)
    kernel_error("attention_backward: the workspace is too small for one block of keys");
  if (one.n_threads < 1) return two;
  const std::int64_t n_heads = shape.batch * shape.n_kv_heads;
  const std::int64_t rounds = (n_heads + one.n_threads - 1) / one.n_threads;
  return 5 * rounds * two.n_threads <= 7 * n_heads ? one : two;
}

}  // namespace aforo::cpu::AFORO_ISA
