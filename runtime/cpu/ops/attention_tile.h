#pragma once
// What attention and its gradient share: how a block of keys meets a panel of queries.
//
// Scores are computed transposed, s[key, query] = k[key] . q[query], with tile_cols queries side by
// side in the vector lanes: softmax then runs down the rows without crossing lanes, and the result
// already is the packed panel that the next product reads. Names: a *panel* is tile_cols queries of
// one head, a *block* is key_block keys.

#include <cmath>
#include <cstdint>

#include "runtime/cpu/ops/tile.h"

namespace aforo::cpu::AFORO_ISA {

/// Keys per block: its packed keys and values (96 * head_dim floats each) stay in the second-level
/// cache. Constant, because the online softmax rescales once per block: another size rounds
/// differently.
constexpr std::int64_t key_block = 96;
static_assert(key_block % tile_rows == 0 && key_block % width == 0);

/// The numbers of an attention op, and where its heads lie in a packed row.
struct AttentionShape {
  std::int64_t batch, seq_len, n_heads, n_kv_heads, head_dim, window;
  float scale;
  bool alibi;

  template <typename Op>
  explicit AttentionShape(const Op& op)
      : batch(op.batch),
        seq_len(op.seq_len),
        n_heads(op.n_heads),
        n_kv_heads(op.n_kv_heads),
        head_dim(op.head_dim),
        window(op.window),
        scale(op.scale),
        alibi(op.alibi) {}

  std::int64_t heads_per_kv() const { return n_heads / n_kv_heads; }
  std::int64_t qkv_stride() const { return (n_heads + 2 * n_kv_heads) * head_dim; }
  std::int64_t out_stride() const { return n_heads * head_dim; }
  /// Elements from the start of a packed qkv to position t of a head: of q, k and v.
  std::int64_t q_at(std::int64_t b, std::int64_t t, std::int64_t head) const {
    return (b * seq_len + t) * qkv_stride() + head * head_dim;
  }
  std::int64_t k_at(std::int64_t b, std::int64_t t, std::int64_t kv_head) const {
    return q_at(b, t, n_heads + kv_head);
  }
  std::int64_t v_at(std::int64_t b, std::int64_t t, std::int64_t kv_head) const {
    return q_at(b, t, n_heads + n_kv_heads + kv_head);
  }
  std::int64_t out_at(std::int64_t b, std::int64_t t, std::int64_t head) const {
    return (b * seq_len + t) * out_stride() + head * head_dim;
  }
  std::int64_t lse_at(std::int64_t b, std::int64_t t, std::int64_t head) const {
    return (b * n_heads + head) * seq_len + t;
  }

  std::int64_t n_panels() const { return (seq_len + tile_cols - 1) / tile_cols; }
  std::int64_t n_blocks() const { return (seq_len + key_block - 1) / key_block; }
  /// head_dim as rows of tiles (o^T, dq^T) and as columns of tiles (dk, dv).
  std::int64_t dim_rows() const { return rounded_up(head_dim, tile_rows); }
  std::int64_t dim_cols() const { return rounded_up(head_dim, tile_cols); }

  /// Slope of the ALiBi paper (Press et al., 2021): 2^(-8 (h+1) / n) for a power of two; another
  /// number of heads takes the slopes of the next lower power, then every second one of the next
  /// higher.
  float slope(std::int64_t head) const {
    if (!alibi) return 0;
    std::int64_t power = 1;
    while (power * 2 <= n_heads) power *= 2;
    const double step = 8.0 / static_cast<double>(power);
    const double exponent = head < power ? step * static_cast<double>(head + 1)
                                         : step * (static_cast<double>(head - power) + 0.5);
    return static_cast<float>(std::exp2(-exponent));
  }
};

/// Keys of a block, relative to its first, that a panel can see. `begin` is a multiple of
/// tile_rows.
struct KeyRange {
  std::int64_t begin, end;
  bool empty() const { return begin >= end; }
};

inline KeyRange visible_keys(const AttentionShape& shape, std::int64_t key, std::int64_t query) {
  const std::int64_t end =
      smaller(smaller(key_block, shape.seq_len - key), query + tile_cols - key);
  const std::int64_t first = shape.window > 0 ? query - shape.window + 1 - key : 0;
  return {first > 0 ? first / tile_rows * tile_rows : 0, end};
}

/// Blocks [begin, end) that a panel can see, and panels [begin, end) that can see a block.
inline KeyRange visible_blocks(const AttentionShape& shape, std::int64_t query) {
  const std::int64_t first = shape.window > 0 ? larger(0, query - shape.window + 1) : 0;
  return {first / key_block, smaller(shape.seq_len - 1, query + tile_cols - 1) / key_block + 1};
}
inline KeyRange visible_panels(const AttentionShape& shape, std::int64_t key) {
  const std::int64_t last_key = smaller(shape.seq_len, key + key_block) - 1;
  const std::int64_t last = shape.window > 0
                                ? smaller(shape.seq_len - 1, last_key + shape.window - 1)
                                : shape.seq_len - 1;
  return {key / tile_cols, last / tile_cols + 1};
}

/// s[key, query] for the keys of `range`, up to a whole tile; `keys` are packed along head_dim,
/// `queries` scaled.
AFORO_INLINE void multiply_keys(std::int64_t head_dim, KeyRange range, const float* keys,
                                const float* queries, float* s) {
  for (std::int64_t r = range.begin; r < range.end; r += tile_rows)
    multiply_tile<false>(head_dim, keys + r * head_dim, queries, s + r * tile_cols, tile_cols);
}

/// Adds the ALiBi term and sets to -infinity what the causal window hides.
inline void mask_scores(const AttentionShape& shape, float slope, std::int64_t key,
                        std::int64_t query, KeyRange range, float* s) {
  const std::int64_t window = shape.window > 0 ? shape.window : shape.seq_len;
  const Vec hidden = splat(-__builtin_inff());
  for (std::int64_t r = range.begin; r < rounded_up(range.end, tile_rows); ++r) {
    const std::int64_t nearest = query - (key + r);  // distance of the panel's first query
    if (slope == 0 && nearest >= 0 && nearest + tile_cols - 1 < window) continue;
    for (int v = 0; v < 2; ++v) {
      const Mask distance = lane_numbers() + static_cast<std::int32_t>(nearest + v * width);
      float* p = s + r * tile_cols + v * width;
      const Vec x = load(p) - splat(slope) * __builtin_convertvector(distance, Vec);
      store(p, (distance >= 0) & (distance < static_cast<std::int32_t>(window)) ? x : hidden);
    }
  }
}

/// Packs the first n rows (queries; at most tile_cols are taken) of head_dim along head_dim, times
/// `factor`.
template <typename T>
void pack_queries(const T* rows, std::int64_t stride, std::int64_t n, std::int64_t head_dim,
                  float factor, float* panel) {
  pack_steps_adjacent<tile_cols>(rows, stride, smaller(n, tile_cols), head_dim, panel);
  if (factor == 1) return;
  for (std::int64_t i = 0; i < head_dim * tile_cols; i += width)
    store(panel + i, load(panel + i) * splat(factor));
}

/// rows[query, d] = panel[d, query] * factor[query] for n queries.
template <typename T>
void store_transposed(const float* panel, std::int64_t head_dim, std::int64_t n,
                      const float* factor, T* rows, std::int64_t stride) {
  for (int v = 0; v < 2; ++v) {
    const Vec by = load(factor + v * width);
    for (std::int64_t d = 0; d < head_dim; d += width) {
      Vec block[width];
      for (int i = 0; i < width; ++i)
        block[i] = d + i < head_dim ? load(panel + (d + i) * tile_cols + v * width) * by : Vec{};
      transpose(block);
      for (std::int64_t i = 0; i < width && v * width + i < n; ++i) {
        T* to = rows + (v * width + i) * stride + d;
        if (d + width <= head_dim) {
          store(to, block[i]);
        } else {
          store_part(to, block[i], head_dim - d);
        }
      }
    }
  }
}

/// Hands out pieces of a thread's share of the workspace, each on a cache line of its own. With no
/// memory it only counts.
class Scratch {
 public:
  explicit Scratch(float* first) : first_(first) {}
  float* take(std::int64_t n) {
    float* piece = first_ != nullptr ? first_ + taken_ : nullptr;
    taken_ += rounded_up(n, 16);
    return piece;
  }
  std::int64_t taken() const { return taken_; }

 private:
  float* first_;
  std::int64_t taken_ = 0;
};

}  // namespace aforo::cpu::AFORO_ISA
