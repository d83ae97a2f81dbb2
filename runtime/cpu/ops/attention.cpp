// Causal attention, flash style: scores exist for one panel of queries and one block of keys at a
// time.
//
// A thread takes a few panels of one head, packs each block of keys and values that they see, and
// for every panel computes s = k q^T, updates the softmax online in fp32 and adds v^T p to the
// panel's o^T. Invisible blocks, and invisible rows of visible blocks, are skipped. Every query is
// computed by itself, so the result does not depend on how queries are shared out. Backward:
// attention_backward.cpp.

#include <cmath>
#include <cstdint>

#include "runtime/cpu/kernel.h"
#include "runtime/cpu/kernel_error.h"
#include "runtime/cpu/ops/attention_tile.h"
#include "runtime/cpu/parallel.h"
#include "runtime/cpu/vector.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

/// Panels that share one packing of the keys and values: packing costs some 7% of the products at
/// 256 queries, twice that at 128.
constexpr std::int64_t most_panels = 256 / tile_cols;

/// One panel's queries and running results.
struct Panel {
  float* q;    ///< packed, scaled
  float* o;    ///< [dim_rows, tile_cols]: sum of p v, relative to max
  float* max;  ///< of the scores so far
  float* sum;  ///< of exp(score - max)
};

/// A thread's share of the workspace.
struct ForwardScratch {
  float* keys;
  float* values;
  float* scores;
  Panel panels[most_panels];
  std::int64_t size;

  ForwardScratch(const AttentionShape& shape, std::int64_t n_panels, float* first) {
    Scratch scratch(first);
    keys = scratch.take(key_block * shape.head_dim + panel_slack);
    values = scratch.take(key_block * shape.dim_rows() + panel_slack);
    scores = scratch.take(key_block * tile_cols);
    for (std::int64_t i = 0; i < n_panels; ++i)
      panels[i] = {scratch.take(shape.head_dim * tile_cols),
                   scratch.take(shape.dim_rows() * tile_cols), scratch.take(tile_cols),
                   scratch.take(tile_cols)};
    size = scratch.taken();
  }
};

template <typename T>
class Forward {
 public:
  Forward(const Attention& op, const KernelArgs& args)
      : shape_(op),
        qkv_(args.in<T>(0)),
        out_(args.out<T>(0)),
        lse_(args.out<float>(1)),
        workspace_(reinterpret_cast<float*>(args.workspace)),
        n_threads_(args.n_threads) {
    const std::int64_t floats = args.workspace_bytes / 4;
    // Fewer where the heads are too few for the threads, or the workspace is too small.
    const std::int64_t heads = shape_.batch * shape_.n_heads;
    panels_per_item_ = smaller(most_panels, shape_.n_panels());
    while (panels_per_item_ > 1 && (shape_.n_panels() * heads < 4 * n_threads_ * panels_per_item_ ||
                                    floats / n_threads_ < share()))
      --panels_per_item_;
    n_threads_ = static_cast<int>(smaller(n_threads_, floats / share()));
    if (n_threads_ < 1) kernel_error("attention: the workspace is too small for one block of keys");
  }

  void run() const {
    const std::int64_t n_groups = (shape_.n_panels() + panels_per_item_ - 1) / panels_per_item_;
    const std::int64_t n_heads = shape_.batch * shape_.n_heads;
    parallel_items(n_groups * n_heads, n_threads_, [&](std::int64_t item, int thread) {
      const std::int64_t group =
          n_groups - 1 - item / n_heads;  // the last queries see the most keys
      const std::int64_t head = item % n_heads;
      run_panels(head / shape_.n_heads, head % shape_.n_heads, group * panels_per_item_,
                 ForwardScratch(shape_, panels_per_item_, workspace_ + thread * share()));
    });
  }

 private:
  std::int64_t share() const { return ForwardScratch(shape_, panels_per_item_, nullptr).size; }

  void run_panels(std::int64_t b, std::int64_t head, std::int64_t first,
                  const ForwardScratch& scratch) const {
    const std::int64_t n = smaller(panels_per_item_, shape_.n_panels() - first);
    for (std::int64_t i = 0; i < n; ++i)
      begin_panel(b, head, (first + i) * tile_cols, scratch.panels[i]);
    const std::int64_t begin = visible_blocks(shape_, first * tile_cols).begin;
    const std::int64_t end = visible_blocks(shape_, (first + n - 1) * tile_cols).end;
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t key = block * key_block;
      pack_keys(b, head / shape_.heads_per_kv(), key, scratch);
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t query = (first + i) * tile_cols;
        const KeyRange range = visible_keys(shape_, key, query);
        if (!range.empty()) add_block(head, key, query, range, scratch, scratch.panels[i]);
      }
    }
    for (std::int64_t i = 0; i < n; ++i)
      end_panel(b, head, (first + i) * tile_cols, scratch.panels[i]);
  }

  void begin_panel(std::int64_t b, std::int64_t head, std::int64_t query,
                   const Panel& panel) const {
    pack_queries(qkv_ + shape_.q_at(b, query, head), shape_.qkv_stride(), shape_.seq_len - query,
                 shape_.head_dim, shape_.scale, panel.q);
    for (std::int64_t i = 0; i < shape_.dim_rows() * tile_cols; i += width)
      store(panel.o + i, Vec{});
    for (int i = 0; i < tile_cols; ++i) {
      panel.max[i] = -__builtin_inff();
      panel.sum[i] = 0;
    }
  }

  void pack_keys(std::int64_t b, std::int64_t kv_head, std::int64_t key,
                 const ForwardScratch& scratch) const {
    const std::int64_t n = smaller(key_block, shape_.seq_len - key), stride = shape_.qkv_stride();
    pack_steps_adjacent<tile_rows>(qkv_ + shape_.k_at(b, key, kv_head), stride, n, shape_.head_dim,
                                   scratch.keys);
    pack_lanes_adjacent<tile_rows>(qkv_ + shape_.v_at(b, key, kv_head), stride, shape_.head_dim,
                                   shape_.head_dim, n, scratch.values);
  }

  void add_block(std::int64_t head, std::int64_t key, std::int64_t query, KeyRange range,
                 const ForwardScratch& scratch, const Panel& panel) const {
    multiply_keys(shape_.head_dim, range, scratch.keys, panel.q, scratch.scores);
    mask_scores(shape_, shape_.slope(head), key, query, range, scratch.scores);
    for (int v = 0; v < tile_cols; v += width) update_softmax(range, scratch.scores + v, v, panel);
    const std::int64_t n_keys = smaller(key_block, shape_.seq_len - key);
    for (std::int64_t d = 0; d < shape_.head_dim; d += tile_rows)
      multiply_tile<true>(
          range.end - range.begin, scratch.values + d * n_keys + range.begin * tile_rows,
          scratch.scores + range.begin * tile_cols, panel.o + d * tile_cols, tile_cols);
  }

  /// Turns scores into exp(score - max) for width queries; rescales what was summed under the
  /// former maximum.
  void update_softmax(KeyRange range, float* s, int v, const Panel& panel) const {
    const Vec before = load(panel.max + v);
    Vec most = before;
    for (std::int64_t r = range.begin; r < range.end; ++r)
      most = max(load(s + r * tile_cols), most);
    // A query of a sliding window may see none of the keys so far: exp(-inf - 0) is 0, exp(-inf +
    // inf) is not.
    const Vec shift = most == splat(-__builtin_inff()) ? Vec{} : most;
    const Vec factor = exp(before - shift);
    Vec total = load(panel.sum + v) * factor;
    for (std::int64_t r = range.begin; r < range.end; ++r) {
      const Vec p = exp(load(s + r * tile_cols) - shift);
      store(s + r * tile_cols, p);
      total += p;
    }
    store(panel.max + v, most);
    store(panel.sum + v, total);
    for (std::int64_t d = 0; d < shape_.head_dim; ++d) {
      float* o = panel.o + d * tile_cols + v;
      store(o, load(o) * factor);
    }
  }

  void end_panel(std::int64_t b, std::int64_t head, std::int64_t query, const Panel& panel) const {
    const std::int64_t n = smaller(tile_cols, shape_.seq_len - query);
    alignas(64) float factor[tile_cols];
    for (int i = 0; i < tile_cols; ++i) {
      factor[i] = 1 / panel.sum[i];
      if (i < n) lse_[shape_.lse_at(b, query + i, head)] = panel.max[i] + std::log(panel.sum[i]);
    }
    store_transposed(panel.o, shape_.head_dim, n, factor, out_ + shape_.out_at(b, query, head),
                     shape_.out_stride());
  }

  AttentionShape shape_;
  const T* qkv_;
  T* out_;
  float* lse_;
  float* workspace_;
  int n_threads_;
  std::int64_t panels_per_item_;
};

}  // namespace

void run(const Attention& op, const KernelArgs& args) {
  with_type(args.read_types[0], Attention::name,
            [&]<typename T>(T) { Forward<T>(op, args).run(); });
}

}  // namespace aforo::cpu::AFORO_ISA
