#include "planner/validate/constants_fit.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>

using namespace aforo;
using namespace aforo::validate;

namespace {

/// Runs on one card over sizes and engines, with measured times made by known constants.
std::vector<Run> made_up_runs() {
  std::vector<Run> runs;
  for (const char* card : {"A100-80GB", "H100-80GB"})
    for (int seq_len : {1024, 2048, 4096, 8192})
      for (int gpus : {8, 32}) {
        Run run;
        run.id = fmt::format("{}-{}-{}", card, seq_len, gpus);
        run.repo = card;
        run.family = run.id;
        run.gpu_class = card;
        run.framework = "torchtitan";
        run.model_name = "Llama-3-8B";
        run.n_layers = 32, run.d_model = 4096, run.n_heads = 32, run.n_kv_heads = 8;
        run.d_ff = 14336, run.vocab = 128256, run.n_params = 8030261248;
        run.gpu_count = gpus, run.nodes = gpus / 8;
        run.seq_len = seq_len, run.global_batch_seqs = gpus, run.micro_batch_seqs = 1;
        run.precision = "bf16", run.sharding = "fsdp", run.quality = "A";
        runs.push_back(run);
      }
  return runs;
}

}  // namespace

TEST_CASE("fit: times made with known constants are explained, and without data priors stay") {
  const Catalogue catalogue = Catalogue::load();
  std::vector<Run> runs = made_up_runs();
  fast::Constants truth = fast::Constants::load();
  for (std::size_t i = 0; i < truth.all().size(); ++i) truth.set(i, truth.all()[i].prior);
  truth.set(truth.find("card.h100-sxm.gemm_16"), 0.9);
  truth.set(truth.find("engine.torch.pass_factor"), 3.0);
  std::deque<Case> cases = cases_of(runs, catalogue);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const fast::Rates rates =
        fast::rate_recipe(truth, cases[i].cluster, *cases[i].engine).rates(truth);
    runs[i].measured.step_time_s = fast::time_parts(cases[i].setup, cases[i].cluster, rates).step;
  }
  const std::vector<TimedCase> timed = timed_cases(cases, truth);
  REQUIRE(timed.size() == runs.size());
  const fast::Constants fitted = fit_constants(timed, truth, 15);
  for (const TimedCase& one : timed)
    CHECK(std::abs(std::log(predict(one, fitted).step / one.measured)) < 0.02);
  const int tpu = fitted.find("card.tpu-v5e.gemm_16");  // no run of it
  CHECK(fitted.all()[tpu].value == doctest::Approx(fitted.all()[tpu].prior));
}
