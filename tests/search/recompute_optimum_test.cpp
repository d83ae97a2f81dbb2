// The per-layer recompute optimum against every choice of small models, and its monotony.

#include "planner/search/recompute_optimum.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "planner/fast/setup_of_job.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

using namespace aforo;

namespace {

struct RecomputeQuestion {
  ModelSpec model = find_model("llama-3.2-1b");
  AcceleratorSpec card = find_accelerator("h100");
  std::vector<fast::EngineSpec> engines = fast::all_engines();
  fast::Constants constants = fast::Constants::load();
  TrainingJob job;
  RecomputeRequest request;

  explicit RecomputeQuestion(const char* engine_name, int n_layers = 7, int micro_batch_size = 4) {
    model.n_layers = n_layers;
    job.model = model;
    job.seq_len = 4096;
    job.global_batch_size = micro_batch_size;
    Plan plan;
    plan.recompute.assign(n_layers, Recompute::none);
    plan.micro_batch_size = micro_batch_size;
    request.engine = &fast::find_engine(engines, engine_name);
    request.setup = fast::setup_of(job, plan, *request.engine, card);
    request.cluster = fast::cluster_of(card, 1);
    request.rates = fast::rate_recipe(constants, request.cluster, *request.engine).rates(constants);
  }
  RecomputeQuestion(const RecomputeQuestion&) = delete;

  /// Every choice of the engine that fits, evaluated as a whole; the least time.
  double by_force(double limit, bool offloaded) const {
    double least = std::numeric_limits<double>::infinity();
    fast::Setup s = request.setup;
    s.offload_activations = offloaded ? OffloadTo::cpu : OffloadTo::none;
    const int n = model.n_layers;
    for (int full = 0; full <= n; ++full)
      for (int selective = 0; full + selective <= n; ++selective) {
        const int plain = n - full - selective;
        if (selective > 0 && plain > 0 && !request.engine->supports.recompute_per_layer) continue;
        s.recompute = {};
        s.recompute.full_layers = full;
        s.recompute.plain_layers = selective > 0 ? plain : 0;
        s.recompute.norm = s.recompute.activation = selective > 0;
        if (fast::memory_parts(s, *request.engine).device() > limit) continue;
        least = std::min(least, fast::time_parts(s, request.cluster, request.rates).step);
      }
    return least;
  }
};

double gib_of(double value) { return value * gibi; }

}  // namespace

TEST_CASE("recompute: the optimum is the fastest of all choices that fit, as brute force says") {
  for (const char* engine : {"torch", "megatron", "deepspeed"}) {
    RecomputeQuestion question(engine);
    const auto choices = recompute_choices(question.request);
    const double most = choices[0].device, fewest = choices[2].device;
    int found = 0;
    for (int i = -1; i <= 24; ++i) {
      const double limit = fewest + (most - fewest) * i / 24 + 1;
      question.request.memory_limit = limit;
      const auto best = best_recompute(question.request, false);
      const double least = question.by_force(limit, false);
      CAPTURE(engine);
      CAPTURE(limit);
      CHECK(best.has_value() == (least < 1e9));
      if (!best) continue;
      ++found;
      CHECK(best->step_s / least == doctest::Approx(1).epsilon(1e-9));
      CHECK(best->device <= limit);
    }
    CHECK(found > 20);
  }
}

TEST_CASE("recompute: with more memory a step never takes longer") {
  for (const char* engine : {"torch", "megatron"})
    for (bool offloaded : {false, true}) {
      RecomputeQuestion question(engine, 32, 2);
      double last = std::numeric_limits<double>::infinity();
      for (double limit = 5; limit < 80; limit += 0.5) {
        question.request.memory_limit = gib_of(limit);
        const auto best = best_recompute(question.request, offloaded);
        if (!best) continue;
        CHECK(best->step_s <= last);
        last = best->step_s;
      }
      CHECK(last < 1e9);
    }
}

TEST_CASE("recompute: mixing sorts of layers beats every uniform choice where none fits exactly") {
  RecomputeQuestion question("torch", 32);
  question.request.memory_limit = 1e15;
  const auto choices = recompute_choices(question.request);
  REQUIRE(choices.size() == 5);
  const double selective = choices[1].device, full = choices[2].device;
  REQUIRE(full < selective);
  question.request.memory_limit = (full + selective) / 2;
  const auto mixed = recompute_choices(question.request);
  CHECK(mixed[3].name == "optimal");
  CHECK(mixed[3].step_s < mixed[2].step_s);
  CHECK(mixed[3].counts.full_layers > 0);
  CHECK(mixed[3].counts.full_layers < 32);
  CHECK_FALSE(mixed[0].fits);
  CHECK_FALSE(mixed[1].fits);
}

TEST_CASE(
    "recompute: activations on the host free the device and are priced by what is not hidden") {
  RecomputeQuestion question("torch", 32);
  question.request.memory_limit = 1e15;
  const auto choices = recompute_choices(question.request);
  const RecomputeChoice& host = choices.back();
  CHECK(host.name == "activations on the host");
  CHECK(host.offload_activations == OffloadTo::cpu);
  question.request.memory_limit = 1;  // nothing fits: still priced
  const auto none = recompute_choices(question.request);
  CHECK(none.back().device < none.front().device);
  CHECK(none.back().host > 0);
  CHECK_FALSE(none.back().fits);
}

TEST_CASE("recompute: numbers of layers are told front first") {
  fast::RecomputeCounts counts;
  CHECK(describe(counts, 8) == "none");
  counts.full_layers = 3;
  CHECK(describe(counts, 8) == "full x3, none x5");
  counts.norm = true, counts.plain_layers = 2;
  CHECK(describe(counts, 8) == "full x3, selective x3, none x2");
  counts.full_layers = 8;
  CHECK(describe(counts, 8) == "full");
}
