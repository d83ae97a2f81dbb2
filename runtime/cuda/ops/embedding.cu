// Embedding: x[r, :] = scale * wte[token[r], :] + wpe[r % seq_len, :] over rows of d_model, and the
// gradients of both tables. Arithmetic in fp32. Deterministic: no atomics, every sum in ascending
// order of rows.
//
// Forward: a block owns a row, a thread its columns c, c + 256, ... Looked-up rows are read, x is
// written: d_model or 2 d_model FLOPs a row.
//
// dwte: a block per row r, which owns token[r]'s row of the table if r is the token's first row,
// else ends. It looks through all tokens, 256 at a time, and adds each row of dx that has its
// token: a row of dx is read once, the table row read and written once per use. Looking costs
// rows^2 comparisons, from the level 2 cache: small beside the traffic up to about 10^5 rows.
//
// dwpe: a block owns a position, a thread its columns; the sequences are added in order.
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/embedding.h"
#include "runtime/cuda/ops/launch.cuh"
#include "runtime/cuda/ops/reduce.cuh"

namespace aforo::cuda {
namespace {

__device__ bool is_in(std::int32_t token, std::int64_t vocab) {
  return token >= 0 && token < vocab;
}

template <typename T>
__global__ void embedding(const std::int32_t* tokens, const T* wte, const T* wpe, T* x,
                          std::int64_t seq_len, std::int64_t d_model, std::int64_t vocab,
                          float scale) {
  const std::int64_t row = blockIdx.x;
  const std::int32_t token = tokens[row];
  const bool known = is_in(token, vocab);
  const T* token_row = wte + (known ? token * d_model : 0);
  for (std::int64_t c = threadIdx.x; c < d_model; c += blockDim.x) {
    float v = known ? scale * to_float(token_row[c]) : nanf("");
    if (wpe) v += to_float(wpe[row % seq_len * d_model + c]);
    x[row * d_model + c] = from_float<T>(v);
  }
}

template <typename T>
__global__ void embedding_tokens(const std::int32_t* tokens, const T* dx, float* dwte,
                                 std::int64_t rows, std::int64_t d_model, std::int64_t vocab,
                                 float scale) {
  __shared__ unsigned
      matches[block_threads / warp_size];  // a bit per token of the 256 being looked at
  const std::int64_t row = blockIdx.x;
  const std::int32_t token = tokens[row];
  if (!is_in(token, vocab)) return;
  float* table_row = dwte + token * d_model;
  for (std::int64_t begin = 0; begin < rows; begin += block_threads) {
    const std::int64_t mine = begin + threadIdx.x;
    const unsigned found = __ballot_sync(all_lanes, mine < rows && tokens[mine] == token);
    __syncthreads();  // the previous 256 are done with
    if (threadIdx.x % warp_size == 0) matches[threadIdx.x / warp_size] = found;
    __syncthreads();
    for (int warp = 0; warp < block_threads / warp_size; ++warp)
      for (unsigned left = matches[warp]; left != 0; left &= left - 1) {
        const std::int64_t r = begin + warp * warp_size + __ffs(static_cast<int>(left)) - 1;
        if (r < row) return;  // the same for all threads: an earlier row owns the token
        for (std::int64_t c = threadIdx.x; c < d_model; c += block_threads)
          table_row[c] += scale * to_float(dx[r * d_model + c]);
      }
  }
}

template <typename T>
__global__ void embedding_positions(const T* dx, float* dwpe, std::int64_t rows,
                                    std::int64_t seq_len, std::int64_t d_model, bool accumulate) {
  const std::int64_t position = blockIdx.x;
  float* out = dwpe + position * d_model;
  for (std::int64_t c = threadIdx.x; c < d_model; c += blockDim.x) {
    float sum = accumulate ? out[c] : 0.0f;
    if (position < seq_len)
      for (std::int64_t r = position; r < rows; r += seq_len) sum += to_float(dx[r * d_model + c]);
    out[c] = sum;
  }
}

}  // namespace

cudaError_t launch_embedding(const std::int32_t* tokens, const void* wte, const void* wpe, void* x,
                             Dtype dtype, std::int64_t rows, std::int64_t seq_len,
                             std::int64_t d_model, std::int64_t vocab, float scale,
                             cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, rows, block_threads, embedding<T>, tokens, static_cast<const T*>(wte),
                  static_cast<const T*>(wpe), static_cast<T*>(x), seq_len, d_model, vocab, scale);
  });
}

cudaError_t launch_embedding_tokens(const std::int32_t* tokens, const void* dx, float* dwte,
                                    Dtype dtype, std::int64_t rows, std::int64_t d_model,
                                    std::int64_t vocab, float scale, cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, rows, block_threads, embedding_tokens<T>, tokens,
                  static_cast<const T*>(dx), dwte, rows, d_model, vocab, scale);
  });
}

cudaError_t launch_embedding_positions(const void* dx, float* dwpe, Dtype dtype, std::int64_t rows,
                                       std::int64_t seq_len, std::int64_t d_model,
                                       std::int64_t positions, bool accumulate,
                                       cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, positions, block_threads, embedding_positions<T>,
                  static_cast<const T*>(dx), dwpe, rows, seq_len, d_model, accumulate);
  });
}

}  // namespace aforo::cuda
