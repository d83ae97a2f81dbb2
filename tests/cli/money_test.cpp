// Prices, bills, scenarios and the budget guard as a user meets them.

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/cli/aforo.h"
#include "tests/support/text.h"

using namespace aforo;
using test::Aforo;
using test::Answer;

namespace {

boost::json::object money_json(const Answer& answer) {
  CAPTURE(answer.err);
  boost::json::error_code error;
  const boost::json::value value = boost::json::parse(answer.out, error);
  REQUIRE_FALSE(error);
  CHECK(value.at("schema_version") == 1);
  return value.as_object();
}

double amount(const boost::json::value& value) { return value.to_number<double>(); }

constexpr const char* some_prices =
    "provider,accelerator,count,kind,price_usd_per_hour,as_of\n"
    "me,rtx-4090,1,community,0.3,2026-09-01\n"
    "me,A100,1,on_demand,1.2,2026-09-01\n"
    "me,rtx-4090,2,community,60,2026-09-01\n";

constexpr const char* two_scenarios =
    "scenarios:\n"
    "  - {name: small, model: gpt2, seq_len: 1024, tokens: 100M, gpus: \"rent:1xrtx-4090\", "
    "budget_usd: 5}\n"
    "  - {name: poor, model: gpt2, tokens: 10T, gpus: \"rent:1xrtx-4090\", budget_usd: 1}\n";

}  // namespace

TEST_CASE("cli prices: bad rows are reported with their line; what is left is used from then on") {
  const Aforo aforo;
  aforo.folder.write("mine.csv", some_prices);
  const Answer import = aforo({"prices", "import", "mine.csv", "--today", "2026-09-11"});
  CAPTURE(import.err);
  CHECK(import.code == 0);
  CHECK(contains(import.out, "rows 3, offers 1, left out 2"));
  CHECK(contains(import.out, "  3  A100"));
  CHECK(contains(import.out, "a100-sxm-80"));
  CHECK(contains(import.out, "cents?"));
  const Answer list = aforo({"prices", "list", "--provider", "me", "--today", "2026-09-11"});
  CHECK(contains(list.out, "rtx-4090"));
  CHECK(contains(list.out, "10 days old"));
  const boost::json::object age = money_json(aforo({"prices", "age", "--json"}));
  CHECK(age.at("files").as_array().size() == 2);
}

TEST_CASE("cli prices: every answer bears the age of its prices") {
  const Aforo aforo;
  for (const std::vector<std::string>& args : std::vector<std::vector<std::string>>{
           {"prices", "list"}, {"prices", "show", "h100"}, {"prices", "age"}}) {
    std::vector<std::string> dated = args;
    dated.insert(dated.end(), {"--today", "2026-08-24"});
    const Answer answer = aforo(dated);
    CHECK(answer.code == 0);
    CHECK(contains(answer.out, "as of 2026-08-23, 1 day old"));
  }
}

TEST_CASE("cli prices: wrong words and files are refused with the way out") {
  const Aforo aforo;
  const auto refused = [&](std::vector<std::string> args, const char* words) {
    args.insert(args.begin(), "prices");
    const Answer answer = aforo(args);
    CAPTURE(answer.err);
    CHECK(answer.code == 2);
    CHECK(contains(answer.err, words));
  };
  refused({}, "action is missing");
  refused({"sell"}, "expected list, show, age, diff or import");
  refused({"show", "h1000"}, "there is no accelerator");
  refused({"import", "none.csv"}, "none.csv");
  refused({"list", "--today", "soon"}, "expected a date");
  aforo.folder.write("odd.csv", "a,b\n1,2\n");
  refused({"import", "odd.csv"}, "no known catalogue");
}

TEST_CASE("cli bill: llm.c's $672 is 24 hours of 8 x $3.50") {
  const Aforo aforo;
  const Answer answer =
      aforo({"bill", "--hours", "24h", "--gpu", "h100:8", "--price", "3.5 USD/h", "--setup", "0 s",
             "--repeated-share", "0", "--evaluation-share", "0", "--why"});
  CAPTURE(answer.err);
  CHECK(answer.code == 0);
  CHECK(contains(answer.out, "24.00 h x $28.000 = $672.00"));
}

TEST_CASE("cli bill: lines add up, and limits give exit code 4") {
  const Aforo aforo;
  const std::vector<std::string> job = {"bill",     "--model",  "gpt2",     "--gpu",
                                        "rtx-4090", "--tokens", "1B",       "--seq-len",
                                        "1024",     "--price",  "0.4 USD/h"};
  const auto with = [&](std::vector<std::string> further) {
    std::vector<std::string> args = job;
    args.insert(args.end(), further.begin(), further.end());
    return aforo(args);
  };
  const boost::json::object bill = money_json(with({"--json", "--deadline", "10 days"}));
  double sum = 0;
  for (const boost::json::value& line : bill.at("lines").as_array())
    sum += amount(line.at("usd").at("mid"));
  const double total = amount(bill.at("total_usd").at("mid"));
  CHECK(sum == doctest::Approx(total));
  CHECK(amount(bill.at("probability_in_time")) == doctest::Approx(1));
  CHECK(with({"--budget-usd", std::to_string(total * 0.9)}).code == 4);
  CHECK(with({"--budget-usd", std::to_string(total * 1.1)}).code == 0);
  CHECK(with({"--deadline", "1 s"}).code == 4);
  CHECK(aforo({"bill", "--model", "llama-2-70b", "--gpu", "l4"}).code == 3);
  CHECK(aforo({"bill", "--model", "gpt2"}).code == 2);
}

TEST_CASE("cli compare: one answer a scenario, none over its budget") {
  const Aforo aforo;
  aforo.folder.write("s.yaml", two_scenarios);
  const Answer text = aforo({"compare", "s.yaml"});
  CAPTURE(text.err);
  CHECK(text.code == 0);
  CHECK(contains(text.out, "<- chosen"));
  CHECK(contains(text.out, "10 % more money"));
  CHECK(contains(text.out, "over the budget of $1.00"));
  CHECK(contains(text.out, "days old"));
  const boost::json::object all = money_json(aforo({"compare", "s.yaml", "--json"}));
  const boost::json::array& scenarios = all.at("scenarios").as_array();
  REQUIRE(scenarios.size() == 2);
  CHECK(amount(scenarios[0].at("chosen").at("total_usd").at("mid")) <= 5);
  CHECK(scenarios[1].at("chosen").is_null());
  CHECK(scenarios[1].at("outcome") == "over_limits");
  CHECK(aforo({"compare", "s.yaml", "--only", "none"}).code == 2);
  CHECK(aforo({"compare", "none.yaml"}).code == 2);
}

TEST_CASE("cli plan --gpus: chooses, writes a plan that bill and compare read, or says 3 or 4") {
  const Aforo aforo;
  const std::vector<std::string> job = {"plan", "--model",  "gpt2", "--seq-len",
                                        "1024", "--tokens", "100M"};
  const auto with = [&](std::vector<std::string> further) {
    std::vector<std::string> args = job;
    args.insert(args.end(), further.begin(), further.end());
    return aforo(args);
  };
  const Answer found =
      with({"--gpus", "owned:1x3090,rent:1xrtx-4090", "--spot", "never", "-o", "p.yaml"});
  CAPTURE(found.err);
  CHECK(found.code == 0);
  CHECK(contains(found.out, "own box"));
  CHECK(contains(found.out, "<- chosen"));
  CHECK(contains(aforo({"bill", "p.yaml", "--price", "1 USD/h"}).out, "failed and repeated runs"));
  CHECK(with({"--gpus", "rent:1xrtx-4090", "-o", "q.yaml"}).code == 0);
  const Answer both = aforo({"compare", "p.yaml", "q.yaml"});
  CAPTURE(both.err);
  CHECK(both.code == 0);
  CHECK(contains(both.out, "p.yaml"));
  CHECK(contains(both.out, "<- cheapest"));
  CHECK(with({"--gpus", "rent:1xrtx-4090", "--budget-usd", "0.0001"}).code == 4);
  CHECK(aforo({"plan", "--model", "llama-2-70b", "--gpus", "owned:1x3090"}).code == 3);
  CHECK(with({"--gpus", "rent:any", "--gpu", "h100"}).code == 2);
  CHECK(with({"--gpus", "3090"}).code == 2);
  CHECK(with({"--spot", "only"}).code == 2);
}

TEST_CASE("cli run: stops before the budget is spent, after a checkpoint, and goes on with more") {
  const Aforo aforo;
  REQUIRE(aforo.plan("plan.yaml", 1'000'000).code == 0);
  const auto run = [&](double budget, std::vector<std::string> further) {
    // A dollar a second.
    std::vector<std::string> args = {
        "run",          "plan.yaml", "--log",          "run.jsonl",
        "--checkpoint", "ckpt",      "--budget-usd",   std::to_string(budget),
        "--threads",    "1",         "--usd-per-hour", "3600"};
    args.insert(args.end(), further.begin(), further.end());
    return aforo(args);
  };
  const auto spent = [&] {
    return amount(boost::json::parse(aforo.folder.read("ckpt/budget.json")).at("spent_usd"));
  };
  // What opening the run costs on this machine now, and two steps.
  REQUIRE(run(1000, {"--steps", "2"}).code == 0);
  const double budget = 1.5 * spent() + 1;
  const Answer stopped = run(budget, {});
  CAPTURE(stopped.err);
  REQUIRE(stopped.code == 4);
  CHECK(contains(stopped.err, "at $3,600.00 an hour"));
  // A million steps would take minutes; a second is what one step may be held up by others.
  CHECK(spent() < budget + 1);
  if (contains(stopped.err, "set-up alone")) return;  // the machine slowed down meanwhile
  CHECK(contains(stopped.err, "stopped at the budget after step"));
  // What was spent before counts: with the same budget little or nothing is left to do.
  CHECK(run(budget, {"--resume"}).code == 4);
  const std::size_t at = stopped.err.find("after step ") + 11;
  const int n_done = std::stoi(stopped.err.substr(at));
  const Answer more = run(budget + 1000, {"--resume", "--steps", std::to_string(n_done + 5)});
  CAPTURE(more.err);
  CHECK(more.code == 0);
  CHECK(spent() > budget - 1);
}

TEST_CASE("cli run: a budget without a price or a place for the checkpoint is refused") {
  const Aforo aforo;
  REQUIRE(aforo.plan("plan.yaml", 4).code == 0);
  const Answer no_price = aforo({"run", "plan.yaml", "--checkpoint", "c", "--budget-usd", "1"});
  CHECK(no_price.code == 2);
  CHECK(contains(no_price.err, "--usd-per-hour"));
  const Answer no_folder = aforo({"run", "plan.yaml", "--budget-usd", "1", "--usd-per-hour", "1"});
  CHECK(no_folder.code == 2);
  CHECK(contains(no_folder.err, "--checkpoint"));
  CHECK(aforo({"run", "plan.yaml", "--usd-per-hour", "1"}).code == 2);
  CHECK(aforo({"run", "plan.yaml", "--checkpoint", "c", "--budget-usd", "0", "--usd-per-hour", "1"})
            .code == 2);
}
