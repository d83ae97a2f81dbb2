// Add, Cast, Fill over numel elements. Flat: a thread owns elements i, i + step, ... (launch.cuh).
// Each operand crosses memory once: 3, 2 and 1 of them; 1, 0 and 0 FLOPs an element. Arithmetic in
// fp32. Deterministic. Plain version: one element per load, nothing tried against it yet.
#include "runtime/cuda/ops/element.cuh"
#include "runtime/cuda/ops/elementwise.h"
#include "runtime/cuda/ops/launch.cuh"

namespace aforo::cuda {
namespace {

template <typename T>
__global__ void add(const T* a, const T* b, T* c, std::int64_t numel) {
  for (std::int64_t i = flat_begin(); i < numel; i += flat_step())
    c[i] = from_float<T>(to_float(a[i]) + to_float(b[i]));
}

template <typename From, typename To>
__global__ void cast(const From* source, To* target, std::int64_t numel) {
  for (std::int64_t i = flat_begin(); i < numel; i += flat_step())
    target[i] = from_float<To>(to_float(source[i]));
}

template <typename T>
__global__ void fill(T* out, T value, std::int64_t numel) {
  for (std::int64_t i = flat_begin(); i < numel; i += flat_step()) out[i] = value;
}

template <typename T>
__global__ void fill_rounded(T* out, float value, std::int64_t numel) {
  for (std::int64_t i = flat_begin(); i < numel; i += flat_step()) out[i] = from_float<T>(value);
}

}  // namespace

cudaError_t launch_add(const void* a, const void* b, void* c, Dtype dtype, std::int64_t numel,
                       cudaStream_t stream) {
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, flat_blocks(numel), block_threads, add<T>, static_cast<const T*>(a),
                  static_cast<const T*>(b), static_cast<T*>(c), numel);
  });
}

cudaError_t launch_cast(const void* source, Dtype source_type, void* target, Dtype target_type,
                        std::int64_t numel, cudaStream_t stream) {
  return with_type(source_type, [&]<typename From>(From) {
    return with_type(target_type, [&]<typename To>(To) {
      return launch(stream, flat_blocks(numel), block_threads, cast<From, To>,
                    static_cast<const From*>(source), static_cast<To*>(target), numel);
    });
  });
}

cudaError_t launch_fill(void* out, Dtype dtype, float value, std::int64_t numel,
                        cudaStream_t stream) {
  if (dtype == Dtype::fp64)
    return launch(stream, flat_blocks(numel), block_threads, fill<double>,
                  static_cast<double*>(out), static_cast<double>(value), numel);
  return with_type(dtype, [&]<typename T>(T) {
    return launch(stream, flat_blocks(numel), block_threads, fill_rounded<T>, static_cast<T*>(out),
                  value, numel);
  });
}

}  // namespace aforo::cuda
