#include "planner/search/search.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "tests/support/tiny.h"

using namespace aforo;

namespace {

AcceleratorSpec small_card() {
  AcceleratorSpec card;
  card.name = "card";
  card.memory = card.usable_memory = Bytes(gibi);
  card.memory_bandwidth = BytesPerSecond(100e9);
  card.peak_dense = {{"fp32", FlopsPerSecond(1e12)}, {"bf16", FlopsPerSecond(2e12)}};
  card.launch_overhead = Seconds(1e-6);
  return card;
}

SearchRequest request(ModelSpec model) {
  SearchRequest request;
  request.job = tiny::job(std::move(model), 16);
  request.target = cuda_target();
  request.precisions = {Precision::bf16, Precision::fp32};
  return request;
}

}  // namespace

TEST_CASE("search: every ranked plan lowers, fits, and is ranked by time") {
  const auto model = spec_cost_model(small_card());
  SearchRequest req = request(tiny::llama(4));
  req.memory_limit = Bytes(34 * mebi);
  const SearchResult result = search(req, *model);
  REQUIRE(!result.ranked.empty());
  for (std::size_t i = 0; i < result.ranked.size(); ++i) {
    const Candidate& candidate = result.ranked[i];
    const StepProgram program = lower(req.job, candidate.plan, req.target);
    CHECK_NOTHROW(verify(program));
    CHECK(program.memory.arena + model->overhead(Dtype::bf16) <= *req.memory_limit);
    if (i > 0)
      CHECK(result.ranked[i - 1].estimate.step_time.mid <= candidate.estimate.step_time.mid);
  }
}

TEST_CASE("search: the chosen peak never rises when the memory limit falls") {
  const auto model = spec_cost_model(small_card());
  for (const ModelSpec& spec : {tiny::llama(6), tiny::gpt2(5), tiny::gemma(4)}) {
    SearchRequest req = request(spec);
    std::int64_t last = INT64_MAX;
    int found = 0;
    for (std::int64_t limit = 40 * mebi; limit > 32 * mebi; limit -= 64 * kibi) {
      req.memory_limit = Bytes(limit);
      const SearchResult result = search(req, *model);
      if (result.ranked.empty()) break;
      ++found;
      const std::int64_t peak = result.ranked.front().estimate.memory.value;
      CAPTURE(spec.name);
      CAPTURE(limit);
      CHECK(peak <= last);
      last = peak;
    }
    CHECK(found > 3);
  }
}

TEST_CASE("search: recomputes only as much as the limit asks for") {
  const auto model = spec_cost_model(small_card());
  SearchRequest req = request(tiny::llama(6));
  req.precisions = {Precision::bf16};
  req.micro_batch_sizes = {16};
  const SearchResult free = search(req, *model);
  REQUIRE(!free.ranked.empty());
  const auto recomputes = [](const Candidate& candidate) {
    return std::count_if(candidate.plan.recompute.begin(), candidate.plan.recompute.end(),
                         [](Recompute r) { return r != Recompute::none; });
  };
  CHECK(recomputes(free.ranked.front()) == 0);
  req.memory_limit = free.ranked.front().estimate.memory - Bytes(1);
  const SearchResult tight = search(req, *model);
  REQUIRE(!tight.ranked.empty());
  CHECK(recomputes(tight.ranked.front()) > 0);
  CHECK(recomputes(tight.ranked.front()) < 6);
}

TEST_CASE(
    "search: when nothing fits, the answer says what the smallest plan needs and what is there") {
  const auto model = spec_cost_model(small_card());
  SearchRequest req = request(tiny::llama());
  req.memory_limit = Bytes(mebi);
  const SearchResult result = search(req, *model);
  CHECK(result.ranked.empty());
  REQUIRE(result.rejected.size() == 2);
  CHECK(result.rejected[0].what == "bf16, micro_batch_size 1");
  CHECK(result.rejected[0].reason.find("even with recompute full") != std::string::npos);
}

TEST_CASE("search: no plan over budget or past the deadline is ranked") {
  const auto model = spec_cost_model(small_card());
  SearchRequest req = request(tiny::llama());
  req.price_per_device = DollarsPerHour(1);
  const SearchResult free = search(req, *model);
  REQUIRE(free.ranked.size() > 2);
  const double middle = free.ranked[free.ranked.size() / 2].cost->mid;
  req.budget = Dollars(middle);
  const SearchResult limited = search(req, *model);
  for (const Candidate& candidate : limited.ranked) CHECK(candidate.cost->mid <= middle);
  CHECK(limited.ranked.size() < free.ranked.size());
  req.budget.reset();
  req.deadline = Seconds(0);
  const SearchResult late = search(req, *model);
  CHECK(late.ranked.empty());
  CHECK(std::all_of(late.rejected.begin(), late.rejected.end(),
                    [](const Rejection& r) { return r.over_budget; }));
}

TEST_CASE(
    "search: a precision the card lacks is rejected with the reason, the others are searched") {
  const auto model = spec_cost_model(small_card());
  SearchRequest req = request(tiny::gpt2());
  req.precisions = {Precision::fp16, Precision::fp32};
  const SearchResult result = search(req, *model);
  REQUIRE(!result.ranked.empty());
  CHECK(result.ranked.front().plan.precision == Precision::fp32);
  REQUIRE(!result.rejected.empty());
  CHECK(result.rejected.front().what == "fp16");
}

TEST_CASE("search: bisection finds the same recomputation as trying the whole path") {
  const auto model = spec_cost_model(small_card());
  SearchRequest req = request(tiny::gpt2(5));
  req.precisions = {Precision::bf16};
  req.micro_batch_sizes = {16};
  const auto path = recompute_path(5);
  CHECK(path.size() == 11);
  for (std::int64_t limit = 40 * mebi; limit > 32 * mebi; limit -= 100 * kibi) {
    req.memory_limit = Bytes(limit);
    const SearchResult result = search(req, *model);
    std::optional<std::vector<Recompute>> expected;
    for (const auto& layers : path) {
      Plan plan{Precision::bf16, layers, 16, {}};
      if (lower(req.job, plan, req.target).memory.arena + model->overhead(Dtype::bf16) >
          Bytes(limit))
        continue;
      expected = layers;
      break;
    }
    CAPTURE(limit);
    REQUIRE(result.ranked.empty() == !expected.has_value());
    if (expected) CHECK(result.ranked.front().plan.recompute == *expected);
  }
}
