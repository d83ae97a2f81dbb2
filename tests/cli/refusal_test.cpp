// Bad input and asks that cannot be met: a place, both values, the way out, a stable exit code, and
// no half file.

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/cli/aforo.h"
#include "tests/support/text.h"

using namespace aforo;
using test::Aforo;
using test::Answer;

namespace {

const char* const model_yaml = R"(name: mine
n_layers: 2
d_model: 64
vocab_size: 256
max_seq_len: 128
attention: {n_heads: 4, n_kv_heads: 2}
mlp: {d_ff: 128, activation: swiglu}
norm: {kind: rms_norm}
position: {kind: rope}
tie_embeddings: true
)";

}  // namespace

TEST_CASE("cli refusals: a model file is refused with file, line, column and both values") {
  const Aforo aforo;
  aforo.folder.write("mine.yaml", model_yaml);
  const Answer good = aforo({"fit", "mine.yaml", "--gpu", "rtx-3090"});
  CAPTURE(good.err);
  REQUIRE(good.code == 0);
  const auto refused = [&](const std::string& from, const std::string& to, const std::string& place,
                           const std::string& words) {
    CAPTURE(to);
    aforo.folder.write("mine.yaml", replaced(model_yaml, from, to));
    const Answer answer = aforo({"fit", "mine.yaml"});
    CAPTURE(answer.err);
    CHECK(answer.code == 2);
    CHECK(answer.out == "");
    CHECK(contains(answer.err, "mine.yaml:" + place));
    CHECK(contains(answer.err, words));
  };
  refused("n_layers: 2", "n_layer: 2", "2:1", "n_layers");
  refused("n_layers: 2", "n_layers: two", "2:11", "two");
  refused("n_layers: 2", "n_layers: 2\nn_layers: 3", "3:1", "n_layers");
  refused("n_kv_heads: 2", "n_kv_heads: 3", "6:37",
          "n_kv_heads is 3, which does not divide n_heads (4)");
  refused("d_model: 64", "d_model: -64", "3:10", "-64");
  refused("activation: swiglu", "activation: swish", "7:", "swiglu");
  refused("rms_norm}", "rms_norm", "", "");
}

TEST_CASE("cli refusals: units and counts of options") {
  const Aforo aforo;
  const auto refused = [&](std::vector<std::string> further, const std::string& words) {
    std::vector<std::string> args = {"plan", "--model", "gpt2", "--gpu", "rtx-4090"};
    args.insert(args.end(), further.begin(), further.end());
    const Answer answer = aforo(args);
    CAPTURE(answer.err);
    CHECK(answer.code == 2);
    CHECK(contains(answer.err, words));
  };
  refused({"--memory-limit", "20"}, "GiB");
  refused({"--deadline", "soon"}, "36 h");
  refused({"--tokens", "many"}, "300B");
  refused({"--tokens", "1B", "--steps", "4"}, "twice");
  refused({"--global-batch-size", "0"}, "at least 1");
  refused({"--seq-len", "4096"}, "learned positions for 1024");
  refused({"--micro-batch-size", "3", "--global-batch-size", "16"}, "does not divide");
  refused({"--budget-usd", "-3"}, "more than 0");
  refused({"--data", "nothing.txt"}, "nothing.txt");
}

TEST_CASE("cli refusals: asks that no plan meets are answers with codes of their own") {
  const Aforo aforo;
  const std::vector<std::string> ask = {"plan",     "--model",  "gpt2",     "--gpu",
                                        "rtx-4090", "--tokens", "10B",      "--global-batch-size",
                                        "64",       "-o",       "plan.yaml"};
  const auto code = [&](std::vector<std::string> further) {
    std::vector<std::string> args = ask;
    args.insert(args.end(), further.begin(), further.end());
    const Answer answer = aforo(args);
    CHECK(contains(answer.err, "no plan"));
    CHECK_FALSE(std::filesystem::exists(aforo.folder.path() / "plan.yaml"));
    return answer.code;
  };
  CHECK(code({"--memory-limit", "1 GiB"}) == 3);
  CHECK(code({"--deadline", "1 min"}) == 4);
  CHECK(code({"--budget-usd", "0.01"}) == 4);
}

TEST_CASE("cli refusals: paths that cannot be read or written") {
  const Aforo aforo;
  const auto error = [&](std::vector<std::string> args) {
    const Answer answer = aforo(std::move(args));
    CHECK(answer.code == 2);
    return answer.err;
  };
  CHECK(contains(error({"run", "no.yaml"}), "no.yaml: cannot read"));
  CHECK(contains(error({"verify", "no.jsonl"}), "no.jsonl: cannot read"));
  CHECK(contains(error({"fit", "no.yaml"}), "no.yaml"));
  CHECK(contains(error({"plan", "--model", "gpt2", "--gpu", "h100", "-o", "no/plan.yaml"}),
                 "no/plan.yaml: cannot write"));
  CHECK(contains(error({"plan", "--model", "gpt2", "--gpu", "h100", "-o", "."}), "cannot write"));
  REQUIRE(aforo.plan("plan.yaml", 2).code == 0);
  CHECK(contains(error({"run", "plan.yaml", "--log", "no/run.jsonl"}), "no/run.jsonl"));
  CHECK(contains(error({"run", "plan.yaml", "--resume"}), "--checkpoint"));
  CHECK(contains(error({"run", "plan.yaml", "--resume", "--checkpoint", "none"}), "none"));
  CHECK(contains(error({"plan", "--model", "gpt-tiny"}), "aforo calibrate"));
}

TEST_CASE("cli refusals: what native cannot execute is refused, and nothing else is printed") {
  const Aforo aforo;
  const Answer answer =
      aforo({"estimate", "--model", "deepseek-v3", "--gpu", "h100", "--engine", "native"});
  CHECK(answer.code == 2);
  CHECK(answer.out == "");
  CHECK(contains(answer.err, "engine native does not do mixtures of experts"));
  CHECK(
      contains(aforo({"fit", "mixtral-8x7b", "--gpu", "h100"}).out, "native does not execute it"));
  CHECK(contains(aforo({"fit", "gpt2", "--method", "lorra"}).err, "expected full, lora, qlora"));
  // Another engine's memory is estimated, and does not suffice.
  CHECK(aforo({"estimate", "--model", "deepseek-v3", "--gpu", "h100"}).code == 3);
  CHECK(aforo({"plan", "--model", "deepseek-v3", "--gpu", "h100"}).code == 3);
}

TEST_CASE("cli refusals: missing data of aforo is the environment's fault") {
  const Aforo aforo;
  setenv("AFORO_DATA", "/nowhere", 1);
  const Answer answer = aforo({"models"});
  unsetenv("AFORO_DATA");
  CHECK(answer.code == 6);
  CHECK(contains(answer.err, "AFORO_DATA"));
}
