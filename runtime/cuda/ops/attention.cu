// Causal attention over packed qkv and its gradient, without storing scores. Everything in fp32.
//
//   q, k, v  rows of qkv (B*T, (H + 2 K)*E);  out, dout (B*T, H*E);  lse, delta (B, H, T)
//
// Forward, delta and dq: a warp owns one query of one head. dk and dv: a warp owns one key of one
// kv head and walks over the query heads and queries that see it. A lane owns elements e = lane,
// lane + 32, ... of the head, so rows are read whole; a score is a sum over the warp. Softmax is
// kept as a running maximum and sum.
//
// FLOPs per visible (query, key, head): 4 E forward; 14 E backward (dq 6 E, dk and dv 8 E; the cost
// model counts 10 E, a kernel that finds dq, dk, dv in one pass). Keys and values come from the
// level 2 cache once per query: this is the plain version, bound by that traffic and by the sums
// over the warp, far below a tiled kernel on tensor cores. Deterministic: no atomics, keys
// (queries) in ascending order.
#include "runtime/cuda/ops/attention.h"
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/launch.cuh"
#include "runtime/cuda/ops/reduce.cuh"

namespace aforo::cuda {
namespace {

constexpr int warps_per_block = block_threads / warp_size;

/// The part of a head's row that one lane owns.
template <int dims>
struct LaneRow {
  float values[dims];
};

template <int dims, typename T>
__device__ LaneRow<dims> load_row(const T* row, std::int64_t head_dim) {
  LaneRow<dims> result;
  for (int d = 0; d < dims; ++d) {
    const int e = threadIdx.x % warp_size + d * warp_size;
    result.values[d] = e < head_dim ? to_float(row[e]) : 0.0f;
  }
  return result;
}

template <int dims, typename T>
__device__ void store_row(T* row, LaneRow<dims> x, float factor, std::int64_t head_dim) {
  for (int d = 0; d < dims; ++d) {
    const int e = threadIdx.x % warp_size + d * warp_size;
    if (e < head_dim) row[e] = from_float<T>(x.values[d] * factor);
  }
}

/// The same bits in every lane.
template <int dims>
__device__ float dot(const LaneRow<dims>& a, const LaneRow<dims>& b) {
  float sum = 0;
  for (int d = 0; d < dims; ++d) sum += a.values[d] * b.values[d];
  return warp_sum(sum);
}

/// sum = sum * keep + factor * x.
template <int dims>
__device__ void accumulate(LaneRow<dims>& sum, float keep, float factor, const LaneRow<dims>& x) {
  for (int d = 0; d < dims; ++d) sum.values[d] = sum.values[d] * keep + factor * x.values[d];
}

// Elements from the start of a tensor to position t of a head.
__device__ std::int64_t q_at(const AttentionShape& s, std::int64_t b, std::int64_t t,
                             std::int64_t head) {
  return ((b * s.seq_len + t) * (s.n_heads + 2 * s.n_kv_heads) + head) * s.head_dim;
}
__device__ std::int64_t k_at(const AttentionShape& s, std::int64_t b, std::int64_t t,
                             std::int64_t kv_head) {
  return q_at(s, b, t, s.n_heads + kv_head);
}
__device__ std::int64_t v_at(const AttentionShape& s, std::int64_t b, std::int64_t t,
                             std::int64_t kv_head) {
  return q_at(s, b, t, s.n_heads + s.n_kv_heads + kv_head);
}
__device__ std::int64_t out_at(const AttentionShape& s, std::int64_t b, std::int64_t t,
                               std::int64_t head) {
  return ((b * s.seq_len + t) * s.n_heads + head) * s.head_dim;
}
__device__ std::int64_t lse_at(const AttentionShape& s, std::int64_t b, std::int64_t t,
                               std::int64_t head) {
  return (b * s.n_heads + head) * s.seq_len + t;
}

/// Slope of the ALiBi paper (Press et al., 2021): 2^(-8 (h+1) / n) for a power of two; another
/// number of heads takes the slopes of the next lower power, then every second one of the next
/// higher.
__device__ float slope_of(const AttentionShape& s, std::int64_t head) {
  if (!s.alibi) return 0;
  std::int64_t power = 1;
  while (power * 2 <= s.n_heads) power *= 2;
  const double step = 8.0 / static_cast<double>(power);
  const double exponent = head < power ? step * static_cast<double>(head + 1)
                                       : step * (static_cast<double>(head - power) + 0.5);
  return static_cast<float>(exp2(-exponent));
}

__device__ float score(const AttentionShape& s, float product, float slope, std::int64_t key,
                       std::int64_t query) {
  return s.scale * product + slope * static_cast<float>(key - query);
}

/// Keys [first_key, query] are visible to a query; queries [key, end_query) see a key.
__device__ std::int64_t first_key(const AttentionShape& s, std::int64_t query) {
  return s.window > 0 && query >= s.window ? query - s.window + 1 : 0;
}
__device__ std::int64_t end_query(const AttentionShape& s, std::int64_t key) {
  return s.window > 0 && key + s.window < s.seq_len ? key + s.window : s.seq_len;
}

/// The (sequence, head, position) that a warp owns; positions vary fastest, so neighbours share
/// keys in the cache.
struct WarpPlace {
  std::int64_t b, head, t;
  bool inside;
};

__device__ WarpPlace warp_place(std::int64_t n_sequences, std::int64_t n_heads,
                                std::int64_t seq_len) {
  const std::int64_t warp =
      static_cast<std::int64_t>(blockIdx.x) * warps_per_block + threadIdx.x / warp_size;
  return {warp / seq_len / n_heads, warp / seq_len % n_heads, warp % seq_len,
          warp < n_sequences * n_heads * seq_len};
}

template <int dims, typename T>
__global__ void attention(const T* qkv, T* out, float* lse, AttentionShape s) {
  const WarpPlace at = warp_place(s.batch, s.n_heads, s.seq_len);
  if (!at.inside) return;
  const std::int64_t kv_head = at.head / (s.n_heads / s.n_kv_heads);
  const float slope = slope_of(s, at.head);
  const LaneRow<dims> q = load_row<dims>(qkv + q_at(s, at.b, at.t, at.head), s.head_dim);
  LaneRow<dims> sum{};
  float max = -3.40282347e38f, denominator = 0;  // finite: exp(-infinity - -infinity) would be NaN
  for (std::int64_t j = first_key(s, at.t); j <= at.t; ++j) {
    const LaneRow<dims> k = load_row<dims>(qkv + k_at(s, at.b, j, kv_head), s.head_dim);
    const LaneRow<dims> v = load_row<dims>(qkv + v_at(s, at.b, j, kv_head), s.head_dim);
    const float x = score(s, dot(q, k), slope, j, at.t);
    const float new_max = fmaxf(max, x), keep = expf(max - new_max), p = expf(x - new_max);
    accumulate(sum, keep, p, v);
    denominator = denominator * keep + p;
    max = new_max;
  }
  store_row(out + out_at(s, at.b, at.t, at.head), sum, 1.0f / denominator, s.head_dim);
  if (threadIdx.x % warp_size == 0) lse[lse_at(s, at.b, at.t, at.head)] = max + logf(denominator);
}

template <int dims, typename T>
__global__ void attention_delta(AttentionGradient g, AttentionShape s) {
  const WarpPlace at = warp_place(g.n, s.n_heads, s.seq_len);
  if (!at.inside) return;
  const std::int64_t row = out_at(s, g.first + at.b, at.t, at.head);
  const LaneRow<dims> dout = load_row<dims>(static_cast<const T*>(g.dout) + row, s.head_dim);
  const LaneRow<dims> out = load_row<dims>(static_cast<const T*>(g.out) + row, s.head_dim);
  const float delta = dot(dout, out);
  if (threadIdx.x % warp_size == 0) g.delta[lse_at(s, at.b, at.t, at.head)] = delta;
}

/// dq[t] = scale sum_j p[t, j] (dout[t] . v[j] - delta[t]) k[j],  p = exp(score - lse).
template <int dims, typename T>
__global__ void attention_dq(AttentionGradient g, AttentionShape s) {
  const WarpPlace at = warp_place(g.n, s.n_heads, s.seq_len);
  if (!at.inside) return;
  const T* qkv = static_cast<const T*>(g.qkv);
  const std::int64_t b = g.first + at.b, kv_head = at.head / (s.n_heads / s.n_kv_heads);
  const float slope = slope_of(s, at.head);
  const float lse = g.lse[lse_at(s, b, at.t, at.head)],
              delta = g.delta[lse_at(s, at.b, at.t, at.head)];
  const LaneRow<dims> q = load_row<dims>(qkv + q_at(s, b, at.t, at.head), s.head_dim);
  const LaneRow<dims> dout =
      load_row<dims>(static_cast<const T*>(g.dout) + out_at(s, b, at.t, at.head), s.head_dim);
  LaneRow<dims> dq{};
  for (std::int64_t j = first_key(s, at.t); j <= at.t; ++j) {
    const LaneRow<dims> k = load_row<dims>(qkv + k_at(s, b, j, kv_head), s.head_dim);
    const LaneRow<dims> v = load_row<dims>(qkv + v_at(s, b, j, kv_head), s.head_dim);
    const float p = expf(score(s, dot(q, k), slope, j, at.t) - lse);
    accumulate(dq, 1.0f, p * (dot(dout, v) - delta), k);
  }
  store_row(static_cast<T*>(g.dqkv) + q_at(s, b, at.t, at.head), dq, s.scale, s.head_dim);
}

/// dv[j] = sum_t p[t, j] dout[t];  dk[j] = scale sum_t p[t, j] (dout[t] . v[j] - delta[t]) q[t];
/// both over all query heads.
template <int dims, typename T>
__global__ void attention_dkv(AttentionGradient g, AttentionShape s) {
  const WarpPlace at = warp_place(g.n, s.n_kv_heads, s.seq_len);
  if (!at.inside) return;
  const T *qkv = static_cast<const T*>(g.qkv), *dout_rows = static_cast<const T*>(g.dout);
  const std::int64_t b = g.first + at.b, group = s.n_heads / s.n_kv_heads, end = end_query(s, at.t);
  const LaneRow<dims> k = load_row<dims>(qkv + k_at(s, b, at.t, at.head), s.head_dim);
  const LaneRow<dims> v = load_row<dims>(qkv + v_at(s, b, at.t, at.head), s.head_dim);
  LaneRow<dims> dk{}, dv{};
  for (std::int64_t head = at.head * group; head < (at.head + 1) * group; ++head) {
    const float slope = slope_of(s, head);
    for (std::int64_t t = at.t; t < end; ++t) {
      const LaneRow<dims> q = load_row<dims>(qkv + q_at(s, b, t, head), s.head_dim);
      const LaneRow<dims> dout = load_row<dims>(dout_rows + out_at(s, b, t, head), s.head_dim);
      const float p = expf(score(s, dot(q, k), slope, at.t, t) - g.lse[lse_at(s, b, t, head)]);
      accumulate(dv, 1.0f, p, dout);
      accumulate(dk, 1.0f, p * (dot(dout, v) - g.delta[lse_at(s, at.b, t, head)]), q);
    }
  }
  T* dqkv = static_cast<T*>(g.dqkv);
  store_row(dqkv + k_at(s, b, at.t, at.head), dk, s.scale, s.head_dim);
  store_row(dqkv + v_at(s, b, at.t, at.head), dv, 1.0f, s.head_dim);
}

/// A number as a type.
template <int n>
struct Dims {
  static constexpr int dims = n;
};

/// Calls f(T{}, Dims<n>{}), n elements a lane.
template <typename F>
cudaError_t dispatch(Dtype dtype, std::int64_t head_dim, F f) {
  return with_type(dtype, [&]<typename T>(T zero) {
    if (head_dim <= 64) return f(zero, Dims<2>{});
    if (head_dim <= 128) return f(zero, Dims<4>{});
    if (head_dim <= most_head_dim) return f(zero, Dims<8>{});
    return cudaErrorInvalidValue;
  });
}

std::int64_t warp_blocks(std::int64_t n_warps) { return parts_of(n_warps, warps_per_block); }

}  // namespace

cudaError_t launch_attention(const void* qkv, void* out, float* lse, Dtype dtype,
                             AttentionShape shape, cudaStream_t stream) {
  return dispatch(dtype, shape.head_dim, [&]<typename T, typename D>(T, D) {
    return launch(stream, warp_blocks(shape.batch * shape.n_heads * shape.seq_len), block_threads,
                  attention<D::dims, T>, static_cast<const T*>(qkv), static_cast<T*>(out), lse,
                  shape);
  });
}

cudaError_t launch_attention_delta(AttentionGradient gradient, Dtype dtype, AttentionShape shape,
                                   cudaStream_t stream) {
  return dispatch(dtype, shape.head_dim, [&]<typename T, typename D>(T, D) {
    return launch(stream, warp_blocks(gradient.n * shape.n_heads * shape.seq_len), block_threads,
                  attention_delta<D::dims, T>, gradient, shape);
  });
}

cudaError_t launch_attention_dq(AttentionGradient gradient, Dtype dtype, AttentionShape shape,
                                cudaStream_t stream) {
  return dispatch(dtype, shape.head_dim, [&]<typename T, typename D>(T, D) {
    return launch(stream, warp_blocks(gradient.n * shape.n_heads * shape.seq_len), block_threads,
                  attention_dq<D::dims, T>, gradient, shape);
  });
}

cudaError_t launch_attention_dkv(AttentionGradient gradient, Dtype dtype, AttentionShape shape,
                                 cudaStream_t stream) {
  return dispatch(dtype, shape.head_dim, [&]<typename T, typename D>(T, D) {
    return launch(stream, warp_blocks(gradient.n * shape.n_kv_heads * shape.seq_len), block_threads,
                  attention_dkv<D::dims, T>, gradient, shape);
  });
}

}  // namespace aforo::cuda
