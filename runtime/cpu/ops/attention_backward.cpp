// Gradient of attention: scores are computed again from lse, one panel of queries and one block of
// keys at a time.
//
//   p = exp(s - lse)   dv += p^T do   dp = do v^T   ds = p (dp - delta), delta = do . out   dq +=
//   ds k   dk += ds^T q
//
// A thread takes one key/value head: block after block of keys, for each all queries that see it.
// dk and dv of the block and dq of the whole sequence are summed in fp32 scratch. Where dq does not
// fit, or there are too few heads for the threads, two passes do the same with small scratch and 7
// products instead of 5: blocks for dk and dv, then panels for dq. Every sum runs over keys, or
// over heads and queries, in ascending order in both ways, so they agree bit for bit.

#include <cstdint>

#include "runtime/cpu/kernel.h"
#include "runtime/cpu/ops/attention_backward_plan.h"
#include "runtime/cpu/ops/attention_tile.h"
#include "runtime/cpu/parallel.h"
#include "runtime/cpu/vector.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

template <typename T>
class Backward {
 public:
  Backward(const AttentionBackward& op, const KernelArgs& args)
      : shape_(op),
        plan_(backward_plan(shape_, args)),
        dout_(args.in<T>(0)),
        qkv_(args.in<T>(1)),
        out_(args.in<T>(2)),
        lse_(args.in<float>(3)),
        dqkv_(args.out<T>(0)),
        workspace_(reinterpret_cast<float*>(args.workspace)) {}

  void run() const {
    const std::int64_t n_kv = shape_.batch * shape_.n_kv_heads;
    if (plan_.one_pass) {
      parallel_items(n_kv, plan_.n_threads, [&](std::int64_t item, int thread) {
        run_kv_head(item / shape_.n_kv_heads, item % shape_.n_kv_heads, scratch_of(thread));
      });
      return;
    }
    // The first keys are seen by most queries, the last queries see most keys.
    parallel_items(n_kv * shape_.n_blocks(), plan_.n_threads, [&](std::int64_t item, int thread) {
      const std::int64_t kv = item % n_kv;
      run_block(kv / shape_.n_kv_heads, kv % shape_.n_kv_heads, item / n_kv * key_block,
                scratch_of(thread));
    });
    const std::int64_t n_heads = shape_.batch * shape_.n_heads;
    const std::int64_t n_groups = (shape_.n_panels() + plan_.n_panels - 1) / plan_.n_panels;
    parallel_items(n_heads * n_groups, plan_.n_threads, [&](std::int64_t item, int thread) {
      const std::int64_t head = item % n_heads;
      run_queries(head / shape_.n_heads, head % shape_.n_heads,
                  (n_groups - 1 - item / n_heads) * plan_.n_panels, scratch_of(thread));
    });
  }

 private:
  BackwardScratch scratch_of(int thread) const {
    const std::int64_t share = BackwardScratch(shape_, plan_.n_panels, plan_.n_dq, nullptr).size;
    return BackwardScratch(shape_, plan_.n_panels, plan_.n_dq, workspace_ + thread * share);
  }

  std::int64_t dq_size() const { return shape_.dim_rows() * tile_cols; }

  /// One pass: everything of one key/value head.
  void run_kv_head(std::int64_t b, std::int64_t kv_head, const BackwardScratch& scratch) const {
    clear(scratch.dq, plan_.n_dq * dq_size());
    for (std::int64_t key = 0; key < shape_.seq_len; key += key_block)
      run_block(b, kv_head, key, scratch);
    for (std::int64_t i = 0; i < plan_.n_dq; ++i)
      store_dq(b, kv_head * shape_.heads_per_kv() + i / shape_.n_panels(),
               i % shape_.n_panels() * tile_cols, scratch.dq + i * dq_size());
  }

  /// dk and dv of one block; in one pass also its part of dq.
  void run_block(std::int64_t b, std::int64_t kv_head, std::int64_t key,
                 const BackwardScratch& scratch) const {
    pack_keys(b, kv_head, key, scratch);
    clear(scratch.dk, key_block * shape_.dim_cols());
    clear(scratch.dv, key_block * shape_.dim_cols());
    const KeyRange panels = visible_panels(shape_, key);
    for (std::int64_t g = 0; g < shape_.heads_per_kv(); ++g) {
      const std::int64_t head = kv_head * shape_.heads_per_kv() + g;
      for (std::int64_t first = panels.begin; first < panels.end; first += plan_.n_panels) {
        const std::int64_t n = smaller(plan_.n_panels, panels.end - first);
        pack_queries_of(b, head, first, n, scratch);
        pack_by_query(b, head, first, n, scratch);
        for (std::int64_t i = 0; i < n; ++i) {
          const std::int64_t query = (first + i) * tile_cols;
          const KeyRange range = visible_keys(shape_, key, query);
          if (range.empty()) continue;
          compute_ds(head, key, query, range, scratch, scratch.panels[i]);
          if (plan_.one_pass)
            add_dq(key, range, scratch,
                   scratch.dq + (g * shape_.n_panels() + first + i) * dq_size());
          transpose_ds(range, i, scratch);
        }
        add_dk_dv(key, first, n, scratch);
      }
    }
    store_rows(scratch.dk, key, shape_.scale, dqkv_ + shape_.k_at(b, key, kv_head));
    store_rows(scratch.dv, key, 1, dqkv_ + shape_.v_at(b, key, kv_head));
  }

  /// Second pass: dq of some panels of one head.
  void run_queries(std::int64_t b, std::int64_t head, std::int64_t first,
                   const BackwardScratch& scratch) const {
    const std::int64_t n = smaller(plan_.n_panels, shape_.n_panels() - first);
    pack_queries_of(b, head, first, n, scratch);
    clear(scratch.dq, n * dq_size());
    const std::int64_t begin = visible_blocks(shape_, first * tile_cols).begin;
    const std::int64_t end = visible_blocks(shape_, (first + n - 1) * tile_cols).end;
    for (std::int64_t key = begin * key_block; key < end * key_block; key += key_block) {
      pack_keys(b, head / shape_.heads_per_kv(), key, scratch);
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t query = (first + i) * tile_cols;
        const KeyRange range = visible_keys(shape_, key, query);
        if (range.empty()) continue;
        compute_ds(head, key, query, range, scratch, scratch.panels[i]);
        add_dq(key, range, scratch, scratch.dq + i * dq_size());
      }
    }
    for (std::int64_t i = 0; i < n; ++i)
      store_dq(b, head, (first + i) * tile_cols, scratch.dq + i * dq_size());
  }

  std::int64_t n_keys(std::int64_t key) const { return smaller(key_block, shape_.seq_len - key); }

  static void clear(float* p, std::int64_t n) {
    for (std::int64_t i = 0; i < n; i += width) store(p + i, Vec{});
  }

  void pack_keys(std::int64_t b, std::int64_t kv_head, std::int64_t key,
                 const BackwardScratch& scratch) const {
    const T* k = qkv_ + shape_.k_at(b, key, kv_head);
    const T* v = qkv_ + shape_.v_at(b, key, kv_head);
    const std::int64_t stride = shape_.qkv_stride(), dim = shape_.head_dim;
    pack_steps_adjacent<tile_rows>(k, stride, n_keys(key), dim, scratch.keys);
    pack_steps_adjacent<tile_rows>(v, stride, n_keys(key), dim, scratch.values);
    pack_lanes_adjacent<tile_rows>(k, stride, dim, dim, n_keys(key), scratch.keys_by_key);
  }

  void pack_queries_of(std::int64_t b, std::int64_t head, std::int64_t first, std::int64_t n,
                       const BackwardScratch& scratch) const {
    for (std::int64_t i = 0; i < n; ++i) {
      const std::int64_t query = (first + i) * tile_cols, rest = shape_.seq_len - query;
      const QueryPanel& panel = scratch.panels[i];
      const T* dout = dout_ + shape_.out_at(b, query, head);
      const T* out = out_ + shape_.out_at(b, query, head);
      pack_queries(qkv_ + shape_.q_at(b, query, head), shape_.qkv_stride(), rest, shape_.head_dim,
                   shape_.scale, panel.q);
      pack_queries(dout, shape_.out_stride(), rest, shape_.head_dim, 1, panel.dout);
      for (std::int64_t q = 0; q < tile_cols; ++q) {
        const std::int64_t at = q * shape_.out_stride();
        panel.lse[q] = q < rest ? lse_[shape_.lse_at(b, query + q, head)] : __builtin_inff();
        panel.delta[q] = q < rest ? dot(dout + at, out + at) : 0;
      }
    }
  }

  float dot(const T* a, const T* b) const {
    Vec total{};
    std::int64_t d = 0;
    for (; d + width <= shape_.head_dim; d += width) total += load(a + d) * load(b + d);
    if (d < shape_.head_dim)
      total += load_part(a + d, shape_.head_dim - d) * load_part(b + d, shape_.head_dim - d);
    return sum(total);
  }

  void pack_by_query(std::int64_t b, std::int64_t head, std::int64_t first, std::int64_t n,
                     const BackwardScratch& scratch) const {
    const std::int64_t query = first * tile_cols, dim = shape_.head_dim;
    const std::int64_t n_queries = smaller(n * tile_cols, shape_.seq_len - query);
    pack_lanes_adjacent<tile_cols>(qkv_ + shape_.q_at(b, query, head), shape_.qkv_stride(), dim,
                                   dim, n_queries, scratch.q_by_query);
    pack_lanes_adjacent<tile_cols>(dout_ + shape_.out_at(b, query, head), shape_.out_stride(), dim,
                                   dim, n_queries, scratch.dout_by_query);
  }

  /// p and ds of one panel and the block.
  void compute_ds(std::int64_t head, std::int64_t key, std::int64_t query, KeyRange range,
                  const BackwardScratch& scratch, const QueryPanel& panel) const {
    multiply_keys(shape_.head_dim, range, scratch.keys, panel.q, scratch.p);
    multiply_keys(shape_.head_dim, range, scratch.values, panel.dout, scratch.ds);
    mask_scores(shape_, shape_.slope(head), key, query, range, scratch.p);
    for (int v = 0; v < tile_cols; v += width) {
      const Vec lse = load(panel.lse + v), delta = load(panel.delta + v);
      for (std::int64_t r = range.begin; r < rounded_up(range.end, tile_rows); ++r) {
        float* p = scratch.p + r * tile_cols + v;
        float* ds = scratch.ds + r * tile_cols + v;
        const Vec probability = exp(load(p) - lse);
        store(p, probability);
        store(ds, probability * (load(ds) - delta));
      }
    }
  }

  void add_dq(std::int64_t key, KeyRange range, const BackwardScratch& scratch, float* dq) const {
    for (std::int64_t d = 0; d < shape_.head_dim; d += tile_rows)
      multiply_tile<true>(range.end - range.begin,
                          scratch.keys_by_key + d * n_keys(key) + range.begin * tile_rows,
                          scratch.ds + range.begin * tile_cols, dq + d * tile_cols, tile_cols);
  }

  /// Packs p and ds of panel i along its queries.
  void transpose_ds(KeyRange range, std::int64_t i, const BackwardScratch& scratch) const {
    for (std::int64_t r = range.begin; r < range.end; r += tile_rows) {
      const std::int64_t to = r / tile_rows * scratch.by_query_stride() + i * tile_cols * tile_rows;
      pack_steps_adjacent<tile_rows>(scratch.p + r * tile_cols, tile_cols, tile_rows, tile_cols,
                                     scratch.p_by_query + to);
      pack_steps_adjacent<tile_rows>(scratch.ds + r * tile_cols, tile_cols, tile_rows, tile_cols,
                                     scratch.ds_by_query + to);
    }
  }

  void add_dk_dv(std::int64_t key, std::int64_t first, std::int64_t n,
                 const BackwardScratch& scratch) const {
    const std::int64_t n_queries = smaller(n * tile_cols, shape_.seq_len - first * tile_cols);
    for (std::int64_t r = 0; r < n_keys(key); r += tile_rows) {
      const auto sees = [&](std::int64_t i) {
        const KeyRange range = visible_keys(shape_, key, (first + i) * tile_cols);
        return range.begin <= r && r < range.end;
      };
      std::int64_t begin = 0, end = n;  // panels that see these keys: one run of them
      while (begin < n && !sees(begin)) ++begin;
      while (end > begin && !sees(end - 1)) --end;
      const std::int64_t q = begin * tile_cols, n_q = smaller(end * tile_cols, n_queries) - q;
      if (n_q <= 0) continue;
      const std::int64_t by_query = r / tile_rows * scratch.by_query_stride() + q * tile_rows;
      for (std::int64_t d = 0; d < shape_.head_dim; d += tile_cols) {
        const std::int64_t packed = d * n_queries + q * tile_cols, at = r * shape_.dim_cols() + d;
        multiply_tile<true>(n_q, scratch.ds_by_query + by_query, scratch.q_by_query + packed,
                            scratch.dk + at, shape_.dim_cols());
        multiply_tile<true>(n_q, scratch.p_by_query + by_query, scratch.dout_by_query + packed,
                            scratch.dv + at, shape_.dim_cols());
      }
    }
  }

  void store_dq(std::int64_t b, std::int64_t head, std::int64_t query, const float* dq) const {
    alignas(64) float factor[tile_cols];
    for (float& f : factor) f = shape_.scale;
    store_transposed(dq, shape_.head_dim, smaller(tile_cols, shape_.seq_len - query), factor,
                     dqkv_ + shape_.q_at(b, query, head), shape_.qkv_stride());
  }

  void store_rows(const float* rows, std::int64_t key, float factor, T* to) const {
    for (std::int64_t r = 0; r < n_keys(key);
         ++r, rows += shape_.dim_cols(), to += shape_.qkv_stride()) {
      std::int64_t d = 0;
      for (; d + width <= shape_.head_dim; d += width)
        store(to + d, load(rows + d) * splat(factor));
      if (d < shape_.head_dim)
        store_part(to + d, load(rows + d) * splat(factor), shape_.head_dim - d);
    }
  }

  AttentionShape shape_;
  BackwardPlan plan_;
  const T* dout_;
  const T* qkv_;
  const T* out_;
  const float* lse_;
  T* dqkv_;
  float* workspace_;
};

}  // namespace

void run(const AttentionBackward& op, const KernelArgs& args) {
  with_type(args.read_types[0], AttentionBackward::name,
            [&]<typename T>(T) { Backward<T>(op, args).run(); });
}

}  // namespace aforo::cpu::AFORO_ISA
