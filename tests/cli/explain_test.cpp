// `aforo explain`: keys of its JSON, exit codes, refusals.

#include <doctest/doctest.h>

#include "tests/cli/json_answer.h"
#include "tests/support/text.h"

using namespace aforo;
using test::Aforo;
using test::Answer;
using test::number;
using test::parsed;

namespace json = boost::json;

namespace {

void check_strategy(const json::value& row) {
  CAPTURE(json::serialize(row.at("name")));
  CHECK(row.as_object().contains("claim"));
  CHECK(row.as_object().contains("removed_from_best"));
  if (!row.at("applies").as_bool()) {
    CHECK_FALSE(row.at("absent_because").as_string().empty());
    return;
  }
  for (const char* key : {"engine", "native", "time_limited_by", "memory_limited_by", "verdict",
                          "because", "cost_change_usd", "with_best_micro_batch"})
    CHECK(row.as_object().contains(key));
  const double was = number(row.at("before").at("step_time_s"));
  const double is = number(row.at("after").at("step_time_s"));
  CHECK(number(row.at("speedup")) == doctest::Approx(was / is));
  CHECK(number(row.at("memory_change_bytes")) ==
        doctest::Approx(number(row.at("after").at("memory_bytes")) -
                        number(row.at("before").at("memory_bytes"))));
}

}  // namespace

TEST_CASE(
    "cli explain: JSON has every strategy, with figures that agree, on two models and cards") {
  const Aforo aforo;
  for (const auto& [model, gpu] : {std::pair("gpt2", "rtx-4090"), {"llama-3.1-8b", "h100:8"}}) {
    const Answer answer = aforo({"explain", "--model", model, "--gpu", gpu, "--seq-len", "1024",
                                 "--price", "2 USD/h", "--json"});
    CAPTURE(answer.err);
    CHECK(answer.code == 0);
    const json::object e = parsed(answer);
    CHECK(e.at("schema_version") == 1);
    CHECK(e.at("model") == model);
    CHECK(e.at("best_plan").at("fits").as_bool());
    CHECK(e.at("strategies").as_array().size() > 12);
    for (const json::value& row : e.at("strategies").as_array()) check_strategy(row);
    const double hours = number(e.at("baseline").at("hours"));
    CHECK(number(e.at("baseline").at("cost_usd")) ==
          doctest::Approx(2 * hours * number(e.at("device").at("count"))));
  }
}

TEST_CASE("cli explain: other cards come cheapest first") {
  const Aforo aforo;
  const json::object e =
      parsed(aforo({"explain", "--model", "gpt2", "--gpu", "rtx-4090", "--json"}));
  const json::array& cards = e.at("other_cards").as_array();
  REQUIRE(cards.size() > 2);
  for (std::size_t i = 1; i < cards.size(); ++i)
    CHECK(number(cards[i - 1].at("cost_usd")) <= number(cards[i].at("cost_usd")));
}

TEST_CASE("cli explain: what cannot fit is an answer, with exit code 3") {
  const Aforo aforo;
  const Answer answer = aforo({"explain", "--model", "gpt3-175b", "--gpu", "rtx-4090"});
  CHECK(answer.code == 3);
  CHECK(contains(answer.out, "Nothing here fits"));
}

TEST_CASE("cli explain: refusals name the option, its value and the way out") {
  const Aforo aforo;
  const auto refused = [&](std::vector<std::string> args) {
    args.insert(args.begin(), {"explain", "--model", "gpt2"});
    const Answer answer = aforo(args);
    CHECK(answer.code == 2);
    CHECK(answer.out.empty());
    return answer.err;
  };
  CHECK(contains(refused({}), "give --gpu"));
  CHECK(contains(refused({"--gpu", "h100", "--method", "lra"}), "expected full, lora, qlora"));
  CHECK(contains(refused({"--gpu", "h100", "--engine", "megatro"}), "did you mean megatron"));
  CHECK(contains(refused({"--gpu", "h100:4", "--global-batch-size", "6"}), "multiple of 4"));
  CHECK(contains(refused({"--gpu", "h100", "--lora-rank", "0"}), "at least 1"));
}
