// A request without a plan is told the smallest changes that give it one.

#include "planner/search/suggest.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

using namespace aforo;

namespace {

const std::vector<AcceleratorSpec>& cards() {
  static const std::vector<AcceleratorSpec> specs = all_accelerators();
  return specs;
}

/// Full fine-tuning of a model on one card of 40 GB.
LatticeRequest request(const ModelSpec& model, const std::string& engine, int n_devices) {
  static const fast::Constants constants = fast::Constants::load();
  static const std::vector<fast::EngineSpec> engines = fast::all_engines();
  static const AcceleratorSpec card = find_accelerator("a100-sxm-40");
  LatticeRequest r;
  r.base.model = &model;
  r.base.seq_len = 2048;
  r.base.global_batch_size = 16;
  r.base.device.context = static_cast<double>(card.context_memory.value);
  r.cluster = {&card, 1, 8, card.link.all_reduce.value, 25e9};
  r.engine = &fast::find_engine(engines, engine);
  r.constants = &constants;
  r.space.n_devices = {n_devices};
  return r;
}

const Suggestion* find(const std::vector<Suggestion>& all, Change change) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Suggestion& s) { return s.change == change; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

TEST_CASE("suggest: an 8B model that one 40 GB card cannot train in full gets every way out") {
  const ModelSpec model = find_model("llama-3.1-8b");
  const LatticeRequest r = request(model, "deepspeed", 1);
  REQUIRE(search_lattice(r).best.empty());
  const std::vector<Suggestion> all = suggest_changes(r, cards());
  CHECK(find(all, Change::recompute) == nullptr);      // is allowed already
  CHECK(find(all, Change::half_sequence) == nullptr);  // 128 GB of states do not shrink
  CHECK(find(all, Change::eight_bit_states) == nullptr);
  REQUIRE(find(all, Change::more_devices) != nullptr);
  CHECK(find(all, Change::more_devices)->plan.n_devices == 8);
  REQUIRE(find(all, Change::larger_card) != nullptr);
  CHECK(find(all, Change::lora) != nullptr);
  CHECK(find(all, Change::qlora) == nullptr);              // this engine trains no 4-bit bases
  LatticeRequest one_layout = request(model, "torch", 1);  // else a smaller base buys speed
  one_layout.space.micro_batch_sizes = {1};
  one_layout.space.selective = one_layout.space.full_recompute = false;
  const std::vector<Suggestion> torch = suggest_changes(one_layout, cards());
  REQUIRE(find(torch, Change::lora) != nullptr);
  REQUIRE(find(torch, Change::qlora) != nullptr);
  CHECK(find(torch, Change::qlora)->plan.memory < find(torch, Change::lora)->plan.memory);
}

TEST_CASE("suggest: changes come least invasive first, and their plans fit") {
  const ModelSpec model = find_model("llama-3.1-8b");
  for (const char* engine : {"deepspeed", "torch", "native"}) {
    const LatticeRequest r = request(model, engine, 1);
    const std::vector<Suggestion> all = suggest_changes(r, cards());
    CAPTURE(engine);
    REQUIRE(!all.empty());
    CHECK(std::is_sorted(all.begin(), all.end(), [](const Suggestion& a, const Suggestion& b) {
      return a.change < b.change;
    }));
    for (const Suggestion& suggestion : all) {
      CAPTURE(suggestion.text);
      CHECK(suggestion.plan.step_s > 0);
      if (suggestion.change != Change::larger_card)
        CHECK(suggestion.plan.memory <=
              static_cast<double>(r.cluster.accelerator->usable_memory.value));
    }
  }
}

TEST_CASE("suggest: the smaller of the cards that do, and the fewer of the devices") {
  const ModelSpec model = find_model("llama-3.1-8b");
  const LatticeRequest r = request(model, "torch", 2);
  const std::vector<Suggestion> all = suggest_changes(r, cards());
  const Suggestion* devices = find(all, Change::more_devices);
  REQUIRE(devices != nullptr);
  LatticeRequest half = r;
  half.space.n_devices = {devices->plan.n_devices / 2};
  CHECK(search_lattice(half).best.empty());
  const Suggestion* larger = find(all, Change::larger_card);
  REQUIRE(larger != nullptr);
  for (const AcceleratorSpec& card : cards()) {
    if (card.kind != "gpu" || card.vendor != r.cluster.accelerator->vendor) continue;
    if (larger->text.find(card.name + " ") == std::string::npos) continue;
    CHECK(larger->plan.memory <= static_cast<double>(card.usable_memory.value));
  }
}

TEST_CASE("suggest: recomputation comes first where it was forbidden and would do") {
  const ModelSpec model = find_model("gpt2");
  LatticeRequest r = request(model, "torch", 1);
  r.base.seq_len = 1024;
  r.base.global_batch_size = 8;
  r.memory_limit = 1;
  const double with = search_lattice(r).least_memory;
  r.space.selective = r.space.full_recompute = false;
  const double without = search_lattice(r).least_memory;
  r.memory_limit = (with + without) / 2;
  REQUIRE(search_lattice(r).best.empty());
  const std::vector<Suggestion> all = suggest_changes(r, cards());
  REQUIRE(!all.empty());
  CHECK(all.front().change == Change::recompute);
  CHECK(all.front().plan.memory <= r.memory_limit);
  CHECK(find(all, Change::eight_bit_states) != nullptr);
  CHECK(find(all, Change::half_sequence) != nullptr);
}

TEST_CASE("suggest: native is not told to do what it cannot") {
  const ModelSpec model = find_model("llama-3.1-8b");
  const std::vector<Suggestion> all = suggest_changes(request(model, "native", 1), cards());
  for (Change change :
       {Change::offload_states, Change::offload_activations, Change::eight_bit_states,
        Change::more_devices, Change::lora, Change::qlora})
    CHECK(find(all, change) == nullptr);
  CHECK(find(all, Change::larger_card) != nullptr);
}

TEST_CASE("suggest: nothing is suggested where no single change helps") {
  const ModelSpec model = find_model("gpt3-175b");
  LatticeRequest r = request(model, "native", 1);
  r.memory_limit = 1e9;
  CHECK(suggest_changes(r, {}).empty());
}
