// The lattice search against every plan of small spaces, evaluated one by one.

#include "planner/search/lattice.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "planner/spec/hardware_file.h"
#include "tests/search/brute_force.h"

using namespace aforo;

namespace {

const fast::EngineSpec& engine(const std::string& name) {
  static const std::vector<fast::EngineSpec> engines = fast::all_engines();
  return fast::find_engine(engines, name);
}

const AcceleratorSpec& card() {
  static const AcceleratorSpec spec = find_accelerator("a100-sxm-80");
  return spec;
}

ModelSpec dense(int n_layers = 4) {
  ModelSpec model;
  model.name = "dense";
  model.n_layers = n_layers;
  model.d_model = 1024;
  model.vocab_size = 32000;
  model.max_seq_len = 4096;
  model.attention.n_heads = 8;
  model.attention.n_kv_heads = 4;
  model.attention.head_dim = 128;
  model.mlp = {2816, ActivationKind::swiglu, false};
  return model;
}

ModelSpec experts() {
  ModelSpec model = dense(4);
  model.name = "experts";
  model.moe.n_experts = 8;
  model.moe.top_k = 2;
  model.moe.d_ff = 1024;
  model.moe.first_dense_layers = 1;
  return model;
}

LatticeRequest request(const ModelSpec& model, const std::string& engine_name,
                       std::vector<int> n_devices) {
  static const fast::Constants constants = fast::Constants::load();
  LatticeRequest r;
  r.base.model = &model;
  r.base.seq_len = 2048;
  r.base.global_batch_size = 8;
  r.base.device.context = card().context_memory.value;
  r.cluster = {&card(), 1, 4, card().link.all_reduce.value, 25e9};
  r.engine = &engine(engine_name);
  r.constants = &constants;
  r.space.n_devices = std::move(n_devices);
  r.space.offload_states = r.space.offload_activations = true;
  r.n_tokens = 1e9;
  r.usd_per_device_hour = 2;
  r.keep = 4096;
  return r;
}

double best_step(const std::vector<LatticePlan>& plans) {
  double best = std::numeric_limits<double>::infinity();
  for (const LatticePlan& plan : plans) best = std::min(best, plan.step_s);
  return best;
}

std::vector<LatticePlan> all_plans(const LatticeRequest& r) {
  std::vector<LatticePlan> plans;
  brute::for_each_plan(r, [&](const LatticePlan& plan) { plans.push_back(plan); });
  return plans;
}

/// The share-th smallest memory of the plans: limits that let more and more of them in.
double memory_at(const std::vector<LatticePlan>& plans, double share) {
  std::vector<double> bytes;
  for (const LatticePlan& plan : plans) bytes.push_back(plan.memory);
  std::sort(bytes.begin(), bytes.end());
  return bytes[static_cast<std::size_t>(share * static_cast<double>(bytes.size() - 1))];
}

std::int64_t n_rejected(const LatticeResult& result) {
  std::int64_t sum = 0;
  for (std::int64_t n : result.rejected) sum += n;
  return sum;
}

struct Space {
  ModelSpec model;
  const char* engine;
  std::vector<int> n_devices;
};

std::vector<Space> spaces() {
  return {{dense(4), "megatron", {8}},       {dense(6), "megatron", {4, 8}},
          {dense(4), "torch", {1, 8}},       {dense(4), "deepspeed", {4, 8}},
          {experts(), "megatron", {4}},      {dense(3), "native", {1, 2}},
          {dense(10), "megatron-2022", {4}}, {dense(7), "megatron", {4}},
          {dense(6), "megatron-zb", {4}}};
}

constexpr double limits[] = {0, 0.02, 0.1, 0.3, 0.6, 1};

}  // namespace

TEST_CASE("lattice: the search finds the fastest of all plans that fit, as brute force does") {
  for (const Space& space : spaces()) {
    LatticeRequest r = request(space.model, space.engine, space.n_devices);
    const std::vector<LatticePlan> plans = all_plans(r);
    REQUIRE(plans.size() > 20);
    for (double share : limits) {
      r.memory_limit = memory_at(plans, share);
      double fastest = std::numeric_limits<double>::infinity();
      for (const LatticePlan& plan : plans)
        if (plan.memory <= r.memory_limit) fastest = std::min(fastest, plan.step_s);
      const LatticeResult result = search_lattice(r);
      CAPTURE(space.engine);
      CAPTURE(space.model.name);
      CAPTURE(share);
      CAPTURE(plans.size());
      REQUIRE(!result.best.empty());
      CHECK(best_step(result.best) / fastest == doctest::Approx(1).epsilon(1e-9));
      CHECK(result.best.front().step_s <= 1.01 * fastest);
    }
    r.memory_limit = memory_at(plans, 0) * 0.999;
    CHECK(search_lattice(r).best.empty());
  }
}

TEST_CASE("lattice: within a budget the search finds what brute force finds, by time or money") {
  for (const Space& space : spaces()) {
    LatticeRequest r = request(space.model, space.engine, space.n_devices);
    const std::vector<LatticePlan> plans = all_plans(r);
    r.memory_limit = memory_at(plans, 0.5);
    std::vector<double> dollars;
    for (const LatticePlan& plan : plans)
      if (plan.memory <= r.memory_limit) dollars.push_back(plan.usd);
    std::sort(dollars.begin(), dollars.end());
    r.budget_usd = dollars[dollars.size() / 4];
    double fastest = std::numeric_limits<double>::infinity();
    for (const LatticePlan& plan : plans)
      if (plan.memory <= r.memory_limit && plan.usd <= *r.budget_usd)
        fastest = std::min(fastest, plan.step_s);
    CAPTURE(space.engine);
    const LatticeResult result = search_lattice(r);
    CHECK(best_step(result.best) / fastest == doctest::Approx(1).epsilon(1e-9));
    r.objective = Objective::money;
    double cheapest = std::numeric_limits<double>::infinity();
    for (const LatticePlan& plan : search_lattice(r).best) cheapest = std::min(cheapest, plan.usd);
    CHECK(cheapest / dollars.front() == doctest::Approx(1).epsilon(1e-9));
  }
}

TEST_CASE("lattice: what fits and what is rejected add up to what was considered") {
  for (const Space& space : spaces()) {
    LatticeRequest r = request(space.model, space.engine, space.n_devices);
    for (double gigabytes : {1.0, 6.0, 12.0, 80.0}) {
      r.memory_limit = gigabytes * 1e9;
      r.budget_usd = 50;
      const LatticeResult result = search_lattice(r);
      CAPTURE(space.engine);
      CHECK(result.n_fit + n_rejected(result) == result.n_considered);
    }
  }
}

TEST_CASE("lattice: as the memory limit falls, the chosen peak never rises and time never falls") {
  for (const Space& space : spaces()) {
    LatticeRequest r = request(space.model, space.engine, space.n_devices);
    r.keep = 1;  // the fastest alone: nothing simpler can come first
    double last_peak = std::numeric_limits<double>::infinity(), last_time = 0;
    int found = 0;
    for (double limit = 30e9; limit > 0.5e9; limit *= 0.9) {
      r.memory_limit = limit;
      const LatticeResult result = search_lattice(r);
      if (result.best.empty()) break;
      ++found;
      CAPTURE(space.engine);
      CAPTURE(limit);
      CHECK(result.best.front().memory <= limit);
      CHECK(result.best.front().memory <= last_peak);
      CHECK(result.best.front().step_s >= last_time);
      last_peak = result.best.front().memory;
      last_time = result.best.front().step_s;
    }
    CHECK(found > 5);
  }
}

TEST_CASE("lattice: nothing over budget or past the deadline is returned") {
  const ModelSpec model = dense(4);
  LatticeRequest r = request(model, "torch", {1, 2, 4, 8});
  const LatticeResult free = search_lattice(r);
  REQUIRE(free.best.size() > 10);
  r.budget_usd = free.best[free.best.size() / 2].usd;
  r.deadline_hours = free.best[free.best.size() / 2].hours;
  const LatticeResult limited = search_lattice(r);
  for (const auto* plans : {&limited.best, &limited.pareto})
    for (const LatticePlan& plan : *plans) {
      CHECK(plan.usd <= *r.budget_usd);
      CHECK(plan.hours <= *r.deadline_hours);
    }
  r.deadline_hours = 0;
  CHECK(search_lattice(r).best.empty());
}

TEST_CASE("lattice: a simpler plan comes first only if it loses at most 1 %") {
  for (const Space& space : spaces()) {
    LatticeRequest r = request(space.model, space.engine, space.n_devices);
    const LatticeResult result = search_lattice(r);
    CHECK(result.best.front().step_s <= 1.01 * best_step(result.best));
    for (const LatticePlan& plan : result.best)
      if (plan.step_s <= 1.01 * best_step(result.best))
        CHECK(complexity(result.best.front()) <= complexity(plan));
  }
}

TEST_CASE("lattice: two threads give the same result as one") {
  for (const Space& space : spaces()) {
    LatticeRequest r = request(space.model, space.engine, space.n_devices);
    r.keep = 20;
    const LatticeResult one = search_lattice(r);
    r.n_threads = 2;
    const LatticeResult two = search_lattice(r);
    REQUIRE(one.best.size() == two.best.size());
    for (std::size_t i = 0; i < one.best.size(); ++i) {
      CHECK(describe(one.best[i]) == describe(two.best[i]));
      CHECK(one.best[i].step_s == two.best[i].step_s);
    }
    REQUIRE(one.pareto.size() == two.pareto.size());
    for (std::size_t i = 0; i < one.pareto.size(); ++i)
      CHECK(describe(one.pareto[i]) == describe(two.pareto[i]));
    CHECK(one.n_considered == two.n_considered);
    CHECK(one.rejected == two.rejected);
  }
}

TEST_CASE("lattice: the Pareto front holds no dominated plan and misses none") {
  const ModelSpec model = dense(4);
  LatticeRequest r = request(model, "torch", {1, 2, 4, 8});
  const std::vector<LatticePlan> plans = all_plans(r);
  r.memory_limit = memory_at(plans, 0.6);
  const LatticeResult result = search_lattice(r);
  REQUIRE(result.pareto.size() > 1);
  for (const LatticePlan& a : result.pareto)
    for (const LatticePlan& b : result.pareto)
      if (&a != &b) CHECK_FALSE((a.hours <= b.hours && a.usd <= b.usd));
  for (const LatticePlan& plan : plans) {
    if (plan.memory > r.memory_limit) continue;
    CHECK(std::any_of(result.pareto.begin(), result.pareto.end(), [&](const LatticePlan& front) {
      return front.hours <= plan.hours * (1 + 1e-9) && front.usd <= plan.usd * (1 + 1e-9);
    }));
  }
}

TEST_CASE("lattice: the cost of an evaluation does not grow with depth") {
  using Clock = std::chrono::steady_clock;
  const ModelSpec shallow = dense(8), deep = dense(512);
  for (const char* name : {"megatron", "native"}) {
    const auto seconds = [&](const ModelSpec& model) {
      LatticeRequest r = request(model, name, {1});
      const fast::Rates rates =
          fast::rate_recipe(*r.constants, r.cluster, *r.engine).rates(*r.constants);
      double least = 1e9, sum = 0;
      for (int i = 0; i < 7; ++i) {
        const auto start = Clock::now();
        for (int full : {0, 3, 8}) {
          r.base.recompute.full_layers = full;
          sum += fast::time_parts(r.base, r.cluster, rates).step;
          sum += fast::memory_parts(r.base, *r.engine).device();
        }
        least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
      }
      CHECK(sum > 0);
      return least;
    };
    CAPTURE(name);
    CHECK(seconds(deep) < 4 * seconds(shallow));  // 64 times the layers; slack for a busy machine
  }
}
