#pragma once
// The functions of runtime/cpu/vector.h, compiled for each instruction set.

#include <cstdint>

#include "planner/base/dtype.h"

namespace aforo::test {

struct VectorProbe {
  const char* name;
  /// y[i] = f(x[i]); n is a multiple of 16.
  void (*exp)(const float* x, float* y, std::int64_t n);
  void (*tanh)(const float* x, float* y, std::int64_t n);
  void (*erf)(const float* x, float* y, std::int64_t n);
  void (*sigmoid)(const float* x, float* y, std::int64_t n);
  /// Conversions from and to bf16 or fp16 bits.
  void (*widen)(Dtype from, const std::uint16_t* x, float* y, std::int64_t n);
  void (*narrow)(Dtype to, const float* x, std::uint16_t* y, std::int64_t n);
  /// Sum and maximum of one vector of 16 floats or fewer, as wide as the instruction set.
  int width;
  float (*sum)(const float* x);
  float (*max)(const float* x);
};

}  // namespace aforo::test

namespace aforo::cpu {
namespace avx512 {
extern const test::VectorProbe vector_probe;
}
namespace avx2 {
extern const test::VectorProbe vector_probe;
}
namespace baseline {
extern const test::VectorProbe vector_probe;
}
namespace wide {
extern const test::VectorProbe vector_probe;
}
}  // namespace aforo::cpu
