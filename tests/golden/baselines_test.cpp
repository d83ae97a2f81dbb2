// The field's closed forms give the figures that their papers print.

#include <doctest/doctest.h>

#include "planner/baselines/korthikanti.h"

namespace aforo::baselines {
namespace {

struct Published {
  KorthikantiCase shape;
  double tensor_parallel, selective, states;  ///< GiB
};

// Korthikanti et al., figure 1, s = 2048: 22B, 175B (GPT-3), 530B (Megatron-Turing), 1T.
const Published figure_1[] = {
    {{48, 6144, 64, 2048, 4, 8, 1, 1}, 59.25, 9.5625, 45.5625},
    {{96, 12288, 96, 2048, 1, 8, 8, 3}, 66.84375, 12.3515625, 45.5625},
    {{105, 20480, 128, 2048, 1, 8, 35, 3}, 114.0234375, 23.076171875, 31.640625},
    {{128, 25600, 160, 2048, 1, 8, 64, 1}, 131.25, 26.5625, 32.958984375},
};

double gib(Bytes bytes) { return static_cast<double>(bytes.value) / 0x1p30; }

}  // namespace

TEST_CASE("baselines: Korthikanti's closed forms give figure 1 to the last digit") {
  for (const Published& p : figure_1) {
    CAPTURE(p.shape.d_model);
    CHECK(gib(korthikanti_activations(p.shape, KorthikantiMethod::tensor_parallel)) ==
          p.tensor_parallel);
    CHECK(gib(korthikanti_activations(p.shape, KorthikantiMethod::sequence_parallel_selective)) ==
          p.selective);
    CHECK(gib(korthikanti_states(p.shape)) == p.states);
  }
}

TEST_CASE("baselines: sequence parallelism divides what tensor parallelism leaves whole") {
  const KorthikantiCase one{48, 6144, 64, 2048, 4, 1, 1, 1};
  CHECK(korthikanti_activations(one, KorthikantiMethod::tensor_parallel) ==
        korthikanti_activations(one, KorthikantiMethod::sequence_parallel));
  KorthikantiCase eight = one;
  eight.tp = 8;
  CHECK(korthikanti_activations(eight, KorthikantiMethod::sequence_parallel) * 8.0 ==
        korthikanti_activations(one, KorthikantiMethod::sequence_parallel));
}

}  // namespace aforo::baselines
