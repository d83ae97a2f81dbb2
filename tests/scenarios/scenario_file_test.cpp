// scenarios.yaml: what is read, what is refused and where.

#include "planner/scenarios/scenario_file.h"

#include <doctest/doctest.h>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "tests/base/mutate.h"
#include "tests/scenarios/world.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"

namespace aforo::scenarios {
namespace {

std::string scenario_error(const std::string& keys) {
  return message_of<InputError>([&] { test::scenario(keys); });
}

}  // namespace

TEST_CASE("hardware: owned and rented, counts in front or behind, any card") {
  const Hardware h = parse_hardware("owned:4x3090, rent:any,rent:8xh100,owned:rtx-4090:2,rent:l4",
                                    test::shipped_world().cards);
  REQUIRE(h.owned.size() == 2);
  CHECK(h.owned[0].accelerator == "rtx-3090");
  CHECK(h.owned[0].count == 4);
  CHECK(h.owned[1].count == 2);
  REQUIRE(h.rented.size() == 3);
  CHECK(h.rented[0].accelerator.empty());
  CHECK(h.rented[1].accelerator == "h100-sxm");
  CHECK(h.rented[1].count == 8);
  CHECK(h.rented[2].count == 0);
  const auto refused = [](const char* text) {
    return message_of<InputError>([&] { parse_hardware(text, test::shipped_world().cards); });
  };
  CHECK(contains(refused("4x3090"), "owned:[Nx]CARD"));
  CHECK(contains(refused("owned:rtx-490"), "rtx-4090"));
  CHECK(contains(refused(""), "no hardware is named"));
  CHECK(contains(refused("owned:999999999x3090"), "expected 1 to"));
}

TEST_CASE("scenario: keys, units and defaults") {
  const Scenario s = test::scenario(
      "model: gpt2\ngpus: rent:any\nbudget_usd: 20\ndeadline: 36 h\nspot: only\nobjective: time\n"
      "tokens: 10B\nbill: {setup: 30 min, download: 90 GB, repeated_share: 0, usd_per_kwh: 0.3}\n");
  CHECK(s.job.n_tokens == 10'000'000'000);
  CHECK(s.job.seq_len == 1024);
  CHECK(s.job.global_batch_size == 512);  // 2^19 tokens
  CHECK(*s.budget_usd == 20);
  CHECK(*s.deadline_hours == 36);
  CHECK(s.spot == SpotPolicy::only);
  CHECK(s.objective == Objective::time);
  CHECK(s.bill.setup_hours->mid == doctest::Approx(0.5));
  CHECK(*s.bill.download_gb == doctest::Approx(90));
  const Scenario plain = test::scenario("model: llama-3.2-1b\nmethod: qlora\ngpus: owned:3090\n");
  CHECK(plain.job.global_batch_size == 16);
  CHECK(plain.job.n_tokens == 20 * count_parameters(plain.job.model).total());
  CHECK(plain.objective == Objective::money);
}

TEST_CASE("scenario: what is wrong is named with its place") {
  CHECK(contains(scenario_error("model: gpt9\ngpus: rent:any\n"), "s.yaml:2:8"));
  CHECK(contains(scenario_error("model: gpt2\ngpus: rent:h1000\n"), "s.yaml:3:7"));
  CHECK(contains(scenario_error("model: gpt2\ngpus: rent:any\nbudget: 20\n"), "budget_usd"));
  CHECK(contains(scenario_error("model: gpt2\ngpus: rent:any\ndeadline: 36\n"), "36 h"));
  CHECK(contains(scenario_error("model: gpt2\ngpus: rent:any\nspot: maybe\n"), "never"));
  CHECK(contains(scenario_error("model: gpt2\ngpus: rent:any\nbudget_usd: 0\n"), "expected more"));
  CHECK(contains(scenario_error("model: gpt2\n"), "gpus"));
  const auto file = [](const std::string& text) {
    return message_of<InputError>(
        [&] { read_scenarios(YamlNode::load_text(text, "f.yaml"), test::shipped_world().cards); });
  };
  const std::string one = "  - {name: a, model: gpt2, gpus: \"rent:any\"}\n";
  CHECK(contains(file("scenarios:\n" + one + one), "two scenarios have the name"));
  CHECK(contains(file("scenarios: []\n"), "empty"));
}

TEST_CASE("fuzz: a broken scenario file is refused or usable") {
  const std::string whole = read_file(AFORO_SOURCE_DIR "/examples/scenarios.yaml");
  std::size_t end = 0;
  for (int line = 0; line < 24; ++line) end = whole.find('\n', end) + 1;
  aforo::test::check_mutations(whole.substr(0, end), 91, 400, [](const std::string& text) {
    for (const Scenario& s :
         read_scenarios(YamlNode::load_text(text, "f.yaml"), test::shipped_world().cards)) {
      CHECK(s.job.n_tokens > 0);
      CHECK(s.job.global_batch_size > 0);
    }
  });
}

}  // namespace aforo::scenarios
