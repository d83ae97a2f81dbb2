// CrossEntropy: softmax cross entropy of rows of logits [rows, vocab], with the gradient, and
// SumLoss.
//
// CrossEntropy: a block of 256 threads owns a row, a thread its columns v, v + 256, ... One pass
// keeps a running maximum and a sum of exponentials that is rescaled when the maximum grows; the
// gradient pass reads the row again, from the level 2 cache while the rows in flight fit it. About
// 6 FLOPs an element, one exp per element and pass; logits cross memory once, the gradient once.
// Arithmetic in fp32, log in fp64. A row's result depends on nothing but the row: threads are
// combined in a fixed order.
//
// SumLoss: one block; a warp owns a sequence, loads 32 losses at a time and every lane adds them in
// order (so all lanes have the same bits), in fp64; one thread adds the sequences in order. This is
// the CPU's order too, so the sums agree bit for bit.
#include "runtime/cuda/ops/cross_entropy.h"
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/launch.cuh"
#include "runtime/cuda/ops/reduce.cuh"

namespace aforo::cuda {
namespace {

/// Of some logits: sum over v of exp(logits[v]) = sum * exp(max).
struct Softmax {
  float max, sum;
};

/// The start is finite: exp(-infinity - -infinity) would be NaN.
__device__ Softmax empty_softmax() { return {-3.40282347e38f, 0.0f}; }

__device__ Softmax with(Softmax a, float x) {
  if (x > a.max) return {x, a.sum * expf(a.max - x) + 1.0f};
  return {a.max, a.sum + expf(x - a.max)};  // NaN goes here and stays in the sum
}

__device__ Softmax combined(Softmax a, Softmax b) {
  const float max = fmaxf(a.max, b.max);
  return {max, a.sum * expf(a.max - max) + b.sum * expf(b.max - max)};
}

/// Over all threads of the block, the same bits in every thread. All threads must call it, once per
/// kernel.
__device__ Softmax block_combined(Softmax mine) {
  __shared__ Softmax of_warp[block_threads / warp_size];
  for (int distance = warp_size / 2; distance > 0; distance /= 2) {
    // Down, not xor: a fused product makes `combined` depend on the order of its arguments, so only
    // lane 0's result counts.
    const Softmax other{__shfl_down_sync(all_lanes, mine.max, distance),
                        __shfl_down_sync(all_lanes, mine.sum, distance)};
    mine = combined(mine, other);
  }
  if (threadIdx.x % warp_size == 0) of_warp[threadIdx.x / warp_size] = mine;
  __syncthreads();
  Softmax all = of_warp[0];
  for (int warp = 1; warp < block_threads / warp_size; ++warp) all = combined(all, of_warp[warp]);
  return all;
}

template <typename T>
__device__ void fill_row(T* row, std::int64_t n, float value) {
  for (std::int64_t v = threadIdx.x; v < n; v += block_threads) row[v] = from_float<T>(value);
}

/// dlogits may be the logits: a thread reads its columns before it writes them, and `target_logit`
/// was read before.
template <typename T>
__device__ void write_gradient(const T* logits, T* dlogits, std::int64_t vocab, std::int32_t target,
                               float target_logit, Softmax softmax, float scale) {
  const float factor = scale / softmax.sum;
  // p - 1 and the scale apart, so that p near 1 keeps its digits.
  const float p = expf(target_logit - softmax.max) / softmax.sum;
  for (std::int64_t v = threadIdx.x; v < vocab; v += block_threads) {
    const float d =
        v == target ? (p - 1.0f) * scale : expf(to_float(logits[v]) - softmax.max) * factor;
    dlogits[v] = from_float<T>(d);
  }
}

template <typename T>
__global__ void cross_entropy(const T* logits, const std::int32_t* targets, const float* loss_scale,
                              float* losses, T* dlogits, std::int64_t vocab, float gradient_scale) {
  const std::int64_t row = blockIdx.x;
  const T* in = logits + row * vocab;
  T* out = dlogits ? dlogits + row * vocab : nullptr;
  const std::int32_t target = targets[row];
  if (target < 0 || target >= vocab) {  // the same for all threads
    if (threadIdx.x == 0) losses[row] = nanf("");
    if (out) fill_row(out, vocab, nanf(""));
    return;
  }
  const float target_logit = to_float(in[target]);
  Softmax mine = empty_softmax();
  for (std::int64_t v = threadIdx.x; v < vocab; v += block_threads)
    mine = with(mine, to_float(in[v]));
  const Softmax softmax = block_combined(mine);  // synchronises: every thread has read target_logit
  if (threadIdx.x == 0) {
    const double shifted = static_cast<double>(target_logit) - softmax.max;
    losses[row] = static_cast<float>(log(static_cast<double>(softmax.sum)) - shifted);
  }
  if (out)
    write_gradient(in, out, vocab, target, target_logit, softmax, gradient_scale * *loss_scale);
}

/// Sum of n values in order, by one warp; the same bits in every lane.
__device__ double ordered_sum(const float* values, std::int64_t n) {
  const int lane = threadIdx.x % warp_size;
  double sum = 0;
  for (std::int64_t begin = 0; begin < n; begin += warp_size) {
    const float mine = begin + lane < n ? values[begin + lane] : 0.0f;
    for (int i = 0; i < warp_size; ++i) sum += __shfl_sync(all_lanes, mine, i);
  }
  return sum;
}

__global__ void sum_loss(const float* losses, const double* before, double* after,
                         std::int64_t rows, std::int64_t seq_len) {
  constexpr int n_warps = block_threads / warp_size;
  __shared__ double sequences[n_warps];
  const int warp = threadIdx.x / warp_size;
  double total = *before;
  for (std::int64_t first = 0; first < rows; first += n_warps * seq_len) {
    const std::int64_t begin = first + warp * seq_len;
    const std::int64_t left = rows - begin;
    const double sum = ordered_sum(losses + begin, left < seq_len ? left : seq_len);
    if (threadIdx.x % warp_size == 0) sequences[warp] = sum;
    __syncthreads();
    for (int i = 0; i < n_warps; ++i)
      total += sequences[i];  // a warp past the last row has added 0
    __syncthreads();
  }
  if (threadIdx.x == 0) *after = total;
}

}  // namespace

cudaError_t launch_cross_entropy(const void* logits, const std::int32_t* targets,
                                 const float* loss_scale, float* losses, void* dlogits, Dtype dtype,
                                 std::int64_t rows, std::int64_t vocab, float gradient_scale,
                                 cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, rows, block_threads, cross_entropy<T>, static_cast<const T*>(logits),
                  targets, loss_scale, losses, static_cast<T*>(dlogits), vocab, gradient_scale);
  });
}

cudaError_t launch_sum_loss(const float* losses, const double* before, double* after,
                            std::int64_t rows, std::int64_t seq_len, cudaStream_t stream) {
  return launch(stream, 1, block_threads, sum_loss, losses, before, after, rows, seq_len);
}

}  // namespace aforo::cuda
