#pragma once
// Instruction sets of the matrix kernels: those of this machine, and "wide", 16 lanes compiled
// for 8.

#include <variant>

#include "planner/base/error.h"
#include "tests/ops/claims.h"

namespace aforo::cpu::wide {
void run(const Attention&, const KernelArgs&);
void run(const AttentionBackward&, const KernelArgs&);
void run(const Gemm&, const KernelArgs&);
void run(const Rope&, const KernelArgs&);
}  // namespace aforo::cpu::wide

namespace aforo::test {

template <typename Op>
void run_wide(const OpAttrs& attrs, const cpu::KernelArgs& args) {
  cpu::wide::run(std::get<Op>(attrs), args);
}

template <typename Op>
std::vector<Isa> matrix_isas() {
  std::vector<Isa> isas = available_isas();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    isas.push_back({"wide", run_wide<Op>});
  return isas;
}

constexpr Dtype activation_types[] = {Dtype::fp32, Dtype::bf16, Dtype::fp16};

/// The values as an operand of this type holds them.
inline Doubles rounded_all(Doubles values, Dtype dtype) {
  for (double& value : values) value = rounded(value, dtype);
  return values;
}

/// Half a unit in the last place of a 16-bit result; nothing for fp32, whose roundings the callers
/// count themselves.
inline double rounding_of(double value, Dtype dtype) {
  return dtype == Dtype::fp32 ? 0 : ulp(value, format_of(dtype)) / 2 * (1 + 1e-6);
}

}  // namespace aforo::test
