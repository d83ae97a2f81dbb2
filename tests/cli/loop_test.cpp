// plan, run, verify: the loop on the CPU, and what may go wrong in it.

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <filesystem>

#include "tests/cli/aforo.h"
#include "tests/support/text.h"

using namespace aforo;
using test::Aforo;
using test::Answer;

namespace {

/// Losses of all steps of a log, in order.
std::vector<double> losses(const std::string& log) {
  std::vector<double> result;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const boost::json::value record = boost::json::parse(line);
    if (record.at("kind") == "step") result.push_back(record.at("loss").to_number<double>());
  }
  return result;
}

bool exists(const Aforo& aforo, const std::string& name) {
  return std::filesystem::exists(aforo.folder.path() / name);
}

}  // namespace

TEST_CASE("cli loop: plan, run and verify end to end") {
  const Aforo aforo;
  const Answer plan = aforo.plan("plan.yaml", 12);
  CAPTURE(plan.err);
  REQUIRE(plan.code == 0);
  CHECK(contains(plan.out, "why: "));
  CHECK(contains(aforo.folder.read("plan.yaml"), "fingerprint: "));

  const Answer run = aforo({"run", "plan.yaml", "--log", "run.jsonl"});
  CAPTURE(run.err);
  REQUIRE(run.code == 0);
  CHECK(contains(run.out, "step    12/12"));
  CHECK(contains(run.out, "validation after step 12: loss"));
  CHECK(contains(run.out, "optimizer_state"));
  CHECK(contains(run.out, "costliest ops"));
  const std::vector<double> all = losses(aforo.folder.read("run.jsonl"));
  REQUIRE(all.size() == 12);
  CHECK(all.back() < all.front());

  const Answer verify = aforo({"verify", "run.jsonl", "--tolerance", "100000%"});
  CHECK(verify.code == 0);
  CHECK(contains(verify.out, "within 100000 %"));
  const Answer strict = aforo({"verify", "run.jsonl", "--tolerance", "0.0001%"});
  CHECK(strict.code == 5);
  CHECK(contains(strict.out, "OUTSIDE: step time"));
  const Answer json = aforo({"verify", "run.jsonl", "--tolerance", "1000", "--json"});
  const boost::json::value value = boost::json::parse(json.out);
  CHECK(value.at("arena_bytes").at("predicted") == value.at("arena_bytes").at("measured"));
  CHECK(value.at("kept_bytes").at("weight").at("predicted").to_number<double>() > 0);
}

TEST_CASE("cli loop: a plan runs only as the program it was made for") {
  const Aforo aforo;
  REQUIRE(aforo.plan("plan.yaml", 4).code == 0);
  const std::string plan = aforo.folder.read("plan.yaml");
  aforo.folder.write("other.yaml", replaced(plan, "seq_len: 32", "seq_len: 16"));
  const Answer answer = aforo({"run", "other.yaml", "--log", "run.jsonl"});
  CHECK(answer.code == 2);
  CHECK(contains(answer.err, "aforo plan"));
  CHECK_FALSE(exists(aforo, "run.jsonl"));
  aforo.folder.write("newer.yaml", replaced(plan, "version: 3", "version: 7"));
  const Answer newer = aforo({"run", "newer.yaml"});
  CHECK(newer.code == 2);
  CHECK(contains(newer.err, "newer.yaml:"));
  CHECK(contains(newer.err, "7"));
}

TEST_CASE("cli loop: interrupted after a step it exits with 75, and goes on to the same losses") {
  const Aforo aforo;
  REQUIRE(aforo.plan("plan.yaml", 60).code == 0);
  const std::vector<std::string> whole = {"run", "plan.yaml", "--log", "whole.jsonl"};
  REQUIRE(aforo(whole).code == 0);

  const std::vector<std::string> part = {"run",        "plan.yaml",    "--log",
                                         "part.jsonl", "--checkpoint", "checkpoints"};
  const Answer stopped = aforo.interrupted(part, "step     2/");
  CHECK(stopped.code == 75);
  CHECK(contains(stopped.err, "--resume"));
  CHECK(losses(aforo.folder.read("part.jsonl")).size() < 60);
  std::vector<std::string> resume = part;
  resume.push_back("--resume");
  const Answer resumed = aforo(resume);
  CAPTURE(resumed.err);
  CHECK(resumed.code == 0);
  CHECK(losses(aforo.folder.read("part.jsonl")) == losses(aforo.folder.read("whole.jsonl")));
}

TEST_CASE("cli loop: data that cannot be trained on is refused before anything is written") {
  const Aforo aforo;
  const auto refused = [&](const std::string& name, std::string_view contents,
                           const std::string& words) {
    CAPTURE(name);
    aforo.folder.write(name, contents);
    REQUIRE(aforo.plan("plan.yaml", 4).code == 0);
    const std::string plan =
        replaced(aforo.folder.read("plan.yaml"), "path: text", "path: " + name);
    const bool is_bin = name.ends_with(".bin");
    aforo.folder.write("plan.yaml",
                       is_bin ? replaced(plan, "format: bytes", "format: uint16") : plan);
    const Answer answer = aforo({"run", "plan.yaml", "--log", "run.jsonl"});
    CAPTURE(answer.err);
    CHECK(answer.code == 2);
    CHECK(contains(answer.err, name));
    CHECK(contains(answer.err, words));
  };
  refused("empty", "", "empty");
  refused("short", "too short", "9");
  refused("odd.bin", std::string(8001, '\1'), "8001");
  refused("range.bin", std::string(8000, '\xee'), "61166");
}

TEST_CASE("cli loop: a log that was cut off is read up to its last whole line") {
  const Aforo aforo;
  REQUIRE(aforo.plan("plan.yaml", 8).code == 0);
  REQUIRE(aforo({"run", "plan.yaml", "--log", "run.jsonl"}).code == 0);
  const std::string log = aforo.folder.read("run.jsonl");
  aforo.folder.write("cut.jsonl", log.substr(0, log.size() - 20));
  const Answer cut = aforo({"verify", "cut.jsonl", "--tolerance", "1000"});
  CHECK(cut.code == 0);
  CHECK(contains(cut.out, "cut off"));
  aforo.folder.write("bad.jsonl", "{\"kind\": \"summary\"}\n" + log);
  const Answer bad = aforo({"verify", "bad.jsonl"});
  CHECK(bad.code == 2);
  CHECK(contains(bad.err, "bad.jsonl:1"));
}
