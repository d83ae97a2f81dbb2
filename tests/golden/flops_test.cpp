// Published FLOP counts, rates, days and utilisations that follow from a model's shape alone.

#include <doctest/doctest.h>

#include <cmath>

#include "planner/base/units.h"
#include "planner/spec/model_file.h"
#include "tests/golden/megatron_models.h"

namespace aforo {
namespace {

using test::MegatronModel;
using test::sc21_models;

constexpr double a100_peak = 312e12;
constexpr double day = 86400;

/// Equal once both are rounded to four digits.
bool four_digits(double got, double want) {
  return std::abs(got - want) <= 0.5e-3 * std::pow(10, std::floor(std::log10(want)));
}

double full_square(const MegatronModel& m, double sequences) {
  return flops_per_token(m.spec(), 2048).full_square * 2048 * sequences;
}

}  // namespace

TEST_CASE("flops: llama-2-70b on 2T tokens, in three conventions") {
  const FlopsPerToken f = flops_per_token(find_model("llama-2-70b"), 4096);
  CHECK(four_digits(f.six_n * 2e12, 8.277e23));
  CHECK(four_digits(f.causal * 2e12, 8.568e23));
  CHECK(four_digits(f.full_square * 2e12, 8.890e23));
}

TEST_CASE("flops: llama-2-7b at 4096, per token, in three conventions") {
  const FlopsPerToken f = flops_per_token(find_model("llama-2-7b"), 4096);
  CHECK(four_digits(f.six_n, 4.043e10));
  CHECK(four_digits(f.causal, 4.286e10));
  CHECK(four_digits(f.full_square, 4.608e10));
  // "6ND" leaves out 5.7 % of the causal count and 12.3 % of the full one.
  CHECK(1 - f.six_n / f.causal == doctest::Approx(0.057).epsilon(0.01));
  CHECK(1 - f.six_n / f.full_square == doctest::Approx(0.123).epsilon(0.01));
}

TEST_CASE("flops: published totals of 6ND") {
  // Llama 3.1 (arXiv 2407.21783): 405B on 15.6T tokens, 3.8e25. BLOOM: 366B tokens.
  CHECK(four_digits(flops_per_token(find_model("llama-3.1-405b"), 8192).six_n * 15.6e12, 3.799e25));
  CHECK(four_digits(flops_per_token(find_model("bloom-176b"), 2048).six_n * 366e9, 3.870e23));
}

TEST_CASE("flops: SC'21 models have the parameters of the paper's formula, and one more norm") {
  for (const MegatronModel& m : sc21_models) {
    CAPTURE(m.billions);
    const double count = static_cast<double>(count_parameters(m.spec()).total());
    // Both are whole numbers below 2^53, so only the formula's own rounding is left.
    CHECK(count == doctest::Approx(m.parameters() + 2 * m.h()).epsilon(1e-14));
    CHECK(std::abs(count / 1e9 - m.billions) <= 0.0501);  // table 1 has one decimal
  }
  CHECK(count_parameters(sc21_models[0].spec()).total() / 1e9 ==
        doctest::Approx(1.6522).epsilon(3e-5));
  CHECK(count_parameters(sc21_models[9].spec()).total() / 1e9 ==
        doctest::Approx(1008.0387).epsilon(1e-7));
}

TEST_CASE("flops: full_square is Korthikanti's count of model FLOPs") {
  for (const MegatronModel& m : sc21_models)
    CHECK(full_square(m, 64) == doctest::Approx(m.model_flops(64)).epsilon(1e-12));
}

TEST_CASE("flops: full_square and one more forward pass of the layers is Narayanan's count") {
  // Per token and layer, forward: 2 x 12 h^2 in matrices, 4 s h in attention.
  for (const MegatronModel& m : sc21_models) {
    const double again = m.L() * (24 * m.h() * m.h() + 4 * m.s * m.h()) * m.s * 64;
    CHECK(full_square(m, 64) + again == doctest::Approx(m.recomputed_flops(64)).epsilon(1e-12));
  }
}

TEST_CASE("flops: the trillion-parameter iteration and its time at the published rate") {
  const MegatronModel& trillion = sc21_models[9];
  CHECK(four_digits(trillion.recomputed_flops(3072), 5.139e19));
  // 163 TFLOP/s on each of 3,072 GPUs: 102.6 s.
  CHECK(trillion.recomputed_flops(3072) / (3072 * 163e12) == doctest::Approx(102.6).epsilon(1e-3));
}

TEST_CASE("flops: days of training by 8TP/nX, which is six_n with every forward pass done twice") {
  const auto days = [](const MegatronModel& m, double tokens, double n, double rate) {
    return flops_per_token(m.spec(), 2048).six_n * 8 / 6 * tokens / (n * rate) / day;
  };
  const MegatronModel gpt3{175, 96, 12288, 96};
  // "34 days" and "84 days" in section 5 of the paper.
  CHECK(std::lround(days(gpt3, 300e9, 1024, 140e12)) == 34);
  CHECK(std::lround(days(sc21_models[9], 450e9, 3072, 163e12)) == 84);
}

TEST_CASE("flops: MFU of Korthikanti's table 5") {
  struct Row {
    MegatronModel model;
    double sequences, gpus, seconds, mfu;
  };
  const Row rows[] = {{{22, 64, 6144, 48}, 4, 8, 1.10, 0.415},
                      {{175, 96, 12288, 96}, 64, 64, 13.75, 0.514},
                      {{530, 128, 20480, 105}, 280, 280, 37.83, 0.560},
                      {{1000, 160, 25600, 128}, 512, 512, 71.49, 0.563}};
  for (const Row& row : rows) {
    CAPTURE(row.model.billions);
    const double mfu = full_square(row.model, row.sequences) / (row.seconds * row.gpus * a100_peak);
    // Times have hundredths of a second, percentages one decimal.
    const double tolerance = 0.0005 + mfu * 0.005 / row.seconds;
    CHECK(std::abs(mfu - row.mfu) <= tolerance);
  }
}

TEST_CASE("flops: Megatron-Turing 530B at three sizes of cluster") {
  const MegatronModel m = sc21_models[8];
  struct Row {
    double gpus, seconds, teraflops;
  };
  // arXiv 2201.11990, batch 1,920, rates with recomputation.
  for (const Row& row : {Row{2240, 60.1, 126}, Row{2800, 50.2, 121}, Row{3360, 44.4, 113}}) {
    const double teraflops = m.recomputed_flops(1920) / (row.seconds * row.gpus) / 1e12;
    // Rates are whole numbers, times have one decimal.
    CHECK(std::abs(teraflops - row.teraflops) <= 0.5 + teraflops * 0.05 / row.seconds);
  }
  // The PaLM paper (arXiv 2204.02311, table 3) gives 29.7 % without attention and 30.2 % with it.
  const FlopsPerToken f = flops_per_token(m.spec(), 2048);
  const double tokens_per_second = 1920 * 2048 / 60.1;
  CHECK(tokens_per_second * f.six_n / (2240 * a100_peak) == doctest::Approx(0.297).epsilon(3e-3));
  CHECK(tokens_per_second * f.full_square / (2240 * a100_peak) ==
        doctest::Approx(0.302).epsilon(3e-3));
}

TEST_CASE("flops: PaLM 540B, 238.3K tokens/s on 6,144 TPU v4") {
  // arXiv 2204.02311, tables 1 and 3: MFU 45.7 % without attention, 46.2 % with it.
  ModelSpec palm;
  palm.name = "palm-540b";
  palm.n_layers = 118;
  palm.d_model = 18432;
  palm.vocab_size = 256000;
  palm.max_seq_len = 2048;
  palm.tie_embeddings = true;
  palm.block = BlockKind::parallel_one_norm;
  palm.norm = {NormKind::layer_norm, 1e-6, true, false};
  palm.attention.n_heads = 48;
  palm.attention.n_kv_heads = 1;
  palm.attention.head_dim = 256;
  palm.mlp = {73728, ActivationKind::swiglu, false};
  CHECK(static_cast<double>(count_parameters(palm).total()) ==
        doctest::Approx(540.35e9).epsilon(1e-4));
  const FlopsPerToken f = flops_per_token(palm, 2048);
  const double per_peak = 238.3e3 / (6144 * 275e12);
  CHECK(f.six_n * per_peak == doctest::Approx(0.457).epsilon(1.2e-3));
  CHECK(f.full_square * per_peak == doctest::Approx(0.462).epsilon(1.2e-3));
}

TEST_CASE("flops: llm.c's count for gpt2 is the causal one, up to biases, norms and positions") {
  const ModelSpec gpt2 = find_model("gpt2");
  const FlopsPerToken f = flops_per_token(gpt2, 1024);
  // train_gpt2.cu: 6 x parameters + 6 x layers x channels x tokens.
  const double llm_c = f.six_n + 6.0 * 12 * 768 * 1024;
  const double small =
      static_cast<double>(count_parameters(gpt2).positions) + 12 * 13 * 768 + 2 * 768;
  CHECK(llm_c - f.causal == doctest::Approx(6 * small).epsilon(1e-12));
}

TEST_CASE("flops: llm.c's price for training gpt2 follows from its steps") {
  // karpathy/llm.c#481: 18,865 steps of 300 ms on eight A100 at $14 an hour: 94 minutes, $20 or so.
  const Seconds time(18865 * 0.3);
  CHECK(time.value / 60 == doctest::Approx(94.3).epsilon(1e-3));
  CHECK((DollarsPerHour(14) * time).value == doctest::Approx(22.0).epsilon(1e-3));
}

}  // namespace aforo
