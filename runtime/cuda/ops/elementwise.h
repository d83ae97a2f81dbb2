#pragma once
#include <cuda_runtime_api.h>

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::cuda {

/// c = a + b. c may be a or b.
cudaError_t launch_add(const void* a, const void* b, void* c, Dtype dtype, std::int64_t numel,
                       cudaStream_t stream);

/// target = source, to nearest even, between any two of fp32, bf16 and fp16.
cudaError_t launch_cast(const void* source, Dtype source_type, void* target, Dtype target_type,
                        std::int64_t numel, cudaStream_t stream);

/// out = value; fp64, fp32, bf16 or fp16.
cudaError_t launch_fill(void* out, Dtype dtype, float value, std::int64_t numel,
                        cudaStream_t stream);

}  // namespace aforo::cuda
