#include <doctest/doctest.h>

#include "tests/cuda/op_case.h"

using namespace aforo;
using namespace aforo::cuda_test;

namespace {

constexpr ActivationKind kinds[] = {
    ActivationKind::gelu, ActivationKind::gelu_tanh, ActivationKind::relu, ActivationKind::relu2,
    ActivationKind::silu, ActivationKind::swiglu,    ActivationKind::geglu};

// exp and erf are within 2 (device) and 3 (CPU) ulp of fp32, followed by fewer than 10 roundings:
// 16 spacings of fp32 relative to the largest term, which is below 4 here (normal inputs); and one
// spacing of the type for the last rounding.
constexpr double absolute = 64 * 0x1p-23;

struct Extent {
  std::int64_t rows, cols;
};
constexpr Extent shapes[] = {{1, 1}, {3, 33}, {5, 1000}};

}  // namespace

TEST_CASE("activation: cuda equals cpu within one spacing of the type, for every kind") {
  for (ActivationKind kind : kinds)
    for (Dtype type : activation_types())
      for (const Extent& shape : shapes) {
        CAPTURE(static_cast<int>(kind));
        CAPTURE(name_of(type));
        CAPTURE(shape.cols);
        const OpCase forward{.attrs = Activation{shape.rows, shape.cols, kind}, .type = type};
        check_close(run_case(device(), forward)[0], run_case(cpu(), forward)[0], spacing(type),
                    absolute, "y");
        const OpCase backward{.attrs = ActivationBackward{shape.rows, shape.cols, kind},
                              .type = type};
        check_close(run_case(device(), backward)[0], run_case(cpu(), backward)[0], spacing(type),
                    absolute, "dx");
      }
}

TEST_CASE("activation: large inputs give the limits, not NaN") {
  for (ActivationKind kind :
       {ActivationKind::gelu, ActivationKind::gelu_tanh, ActivationKind::silu}) {
    CAPTURE(static_cast<int>(kind));
    const Values x = {-1e4, -200, -20, 20, 200, 1e4};
    const OpCase forward{.attrs = Activation{1, 6, kind}, .reads = {{0, x}}};
    check_close(run_case(device(), forward)[0], {0, 0, 0, 20, 200, 1e4}, 1e-6, 1e-7, "y");
    const OpCase backward{.attrs = ActivationBackward{1, 6, kind},
                          .reads = {{0, Values(6, 1.0)}, {1, x}}};
    check_close(run_case(device(), backward)[0], {0, 0, 0, 1, 1, 1}, 1e-6, 1e-7, "dx");
  }
}

TEST_CASE("activation: overwriting an operand gives the same bits as not") {
  for (ActivationKind kind : kinds) {
    CAPTURE(static_cast<int>(kind));
    OpCase forward{.attrs = Activation{7, 300, kind}, .type = Dtype::bf16};
    OpCase backward{.attrs = ActivationBackward{7, 300, kind}, .type = Dtype::bf16};
    const Values y = run_case(device(), forward)[0], dx = run_case(device(), backward)[0];
    for (const InPlacePair& pair : in_place_pairs(backward.attrs)) {
      backward.in_place = pair.read;
      check_equal(run_case(device(), backward)[0], dx, "dx");
    }
    if (is_gated(kind)) continue;
    forward.in_place = 0;
    check_equal(run_case(device(), forward)[0], y, "y");
  }
}
