#include <doctest/doctest.h>

#include <cmath>

#include "tests/cuda/op_case.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

struct Sizes {
  std::int64_t m, n, k;
};
constexpr Sizes sizes[] = {{1, 1, 1}, {7, 61, 33}, {64, 128, 256}, {130, 96, 40}};

struct Types {
  Dtype in, out;
};
constexpr Types types[] = {{Dtype::fp32, Dtype::fp32},
                           {Dtype::bf16, Dtype::bf16},
                           {Dtype::bf16, Dtype::fp32},
                           {Dtype::fp16, Dtype::fp16},
                           {Dtype::fp16, Dtype::fp32}};

OpCase case_of(const Gemm& gemm, Types type) {
  OpCase op_case{.attrs = gemm, .type = type.in, .output_type = type.out};
  if (gemm.accumulate) op_case.same.push_back({gemm.has_bias ? 3 : 2, 0});
  return op_case;
}

void check_product(const Gemm& gemm, Types type) {
  CAPTURE(name_of(type.in));
  CAPTURE(name_of(type.out));
  CAPTURE(gemm.m);
  CAPTURE(gemm.trans_a);
  CAPTURE(gemm.trans_b);
  CAPTURE(gemm.has_bias);
  CAPTURE(gemm.accumulate);
  const OpCase op_case = case_of(gemm, type);
  // A sum of k products of order 1 has terms of 2^-24 and grows like sqrt(k): two orders differ by
  // about k 2^-24. cuBLASLt reads the bias, of order 1, rounded to the type of C: half a spacing.
  const double absolute =
      4 * static_cast<double>(gemm.k) * 0x1p-24 + (gemm.has_bias ? 2 * spacing(type.out) : 0);
  check_close(run_case(device(), op_case)[0], run_case(cpu(), op_case)[0], spacing(type.out),
              absolute, "C");
}

}  // namespace

TEST_CASE("gemm: cuda equals cpu for every layout, type, bias and accumulation") {
  for (const Types& type : types)
    for (const Sizes& s : sizes)
      for (int flags = 0; flags < 16; ++flags)
        check_product(
            {s.m, s.n, s.k, (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0},
            type);
}

TEST_CASE("gemm: fp32 operands are multiplied in fp32, not in TF32") {
  // 1 + 2^-12 squared is 1 + 2^-11 + 2^-24; TF32 has 10 bits of mantissa and would see 1.
  const Values a(64, 1 + 0x1p-12);
  const OpCase op_case{.attrs = Gemm{8, 8, 8, false, true, false, false},
                       .reads = {{0, a}, {1, a}}};
  check_close(run_case(device(), op_case)[0], Values(64, 8 * (1 + 0x1p-11)), 4 * 0x1p-24, 0, "C");
}

TEST_CASE("gemm: two runs agree bit for bit") {
  for (const Types& type : types) {
    CAPTURE(name_of(type.in));
    const auto runs =
        run_repeatedly(device(), case_of({96, 160, 512, true, false, false, true}, type), 3);
    check_equal(runs[1][0], runs[0][0], "C");
    check_equal(runs[2][0], runs[0][0], "C");
  }
}
