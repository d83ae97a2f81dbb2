#pragma once
// Element types inside kernels: every kernel reads and writes its operands as fp32.

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

using Bf16 = __nv_bfloat16;
using Fp16 = __half;

__device__ inline float to_float(float x) { return x; }
__device__ inline float to_float(Bf16 x) { return __bfloat162float(x); }
__device__ inline float to_float(Fp16 x) { return __half2float(x); }

/// To nearest even; fp16 overflows to infinity. NaN stays NaN.
template <typename T>
__device__ T from_float(float x);
template <>
__device__ inline float from_float<float>(float x) {
  return x;
}
template <>
__device__ inline Bf16 from_float<Bf16>(float x) {
  return __float2bfloat16_rn(x);
}
template <>
__device__ inline Fp16 from_float<Fp16>(float x) {
  return __float2half_rn(x);
}

/// Calls f(T{}) with the C++ type of an activation: float, Bf16 or Fp16. Another type is an invalid
/// value.
template <typename F>
cudaError_t with_type(Dtype dtype, F f) {
  switch (dtype) {
    case Dtype::fp32:
      return f(float{});
    case Dtype::bf16:
      return f(Bf16{});
    case Dtype::fp16:
      return f(Fp16{});
    default:
      return cudaErrorInvalidValue;
  }
}

}  // namespace aforo::cuda
