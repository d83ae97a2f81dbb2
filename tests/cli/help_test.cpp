// What a user meets first: help, wrong words, versions.

#include <doctest/doctest.h>

#include "tests/cli/aforo.h"
#include "tests/support/text.h"

using namespace aforo;
using test::Aforo;
using test::Answer;

namespace {
const std::vector<std::string> commands = {
    "fit",    "estimate", "explain",  "plan",   "run",    "verify",      "calibrate",
    "dump",   "models",   "hardware", "doctor", "prices", "bill",        "compare",
    "export", "lint",     "diff",     "report", "trace",  "completions", "man"};
}

TEST_CASE("cli: the overview names every command and leads with examples") {
  const Aforo aforo;
  const Answer answer = aforo({"--help"});
  CHECK(answer.code == 0);
  for (const std::string& command : commands) CHECK(contains(answer.out, "\n  " + command));
  CHECK(answer.out.find("$ aforo") < answer.out.find("\n  fit"));
  CHECK(answer.err == "");
}

TEST_CASE("cli: every command's help leads with examples that start with its name") {
  const Aforo aforo;
  for (const std::string& command : commands) {
    CAPTURE(command);
    const Answer answer = aforo({command, "--help"});
    CHECK(answer.code == 0);
    const std::size_t example = answer.out.find("  $ aforo " + command);
    CHECK(example != std::string::npos);
    CHECK(example < answer.out.find("usage: aforo " + command));
    CHECK(contains(answer.out, "--json"));
  }
}

TEST_CASE("cli: without a command it says what there is, and that this was no success") {
  const Aforo aforo;
  const Answer answer = aforo({});
  CHECK(answer.code == 2);
  CHECK(answer.out == "");
  CHECK(contains(answer.err, "estimate"));
}

TEST_CASE("cli: a mistyped word is met with the nearest that exists") {
  const Aforo aforo;
  const auto error = [&](std::vector<std::string> args) {
    const Answer answer = aforo(std::move(args));
    CHECK(answer.code == 2);
    CHECK(answer.out == "");
    return answer.err;
  };
  CHECK(contains(error({"estimat"}), "did you mean estimate?"));
  CHECK(contains(error({"fit", "gpt2", "--gpus", "a100"}), "did you mean --gpu?"));
  CHECK(contains(error({"fit", "gpt3"}), "gpt2"));
  CHECK(contains(error({"fit", "gpt2", "--gpu", "rtx-490"}), "rtx-4090"));
  CHECK(contains(error({"estimate", "--gpu", "h100"}), "model is missing"));
  CHECK(contains(error({"estimate", "--model", "gpt2", "--gpu", "h100", "--precision", "fp12"}),
                 "expected fp32, bf16, fp16"));
}

TEST_CASE("cli: nothing is coloured where no terminal reads it") {
  const Aforo aforo;
  const Answer answer = aforo({"fit", "gpt2"});
  CHECK(answer.code == 0);
  CHECK_FALSE(contains(answer.out, "\x1b"));
}
