// `aforo export`, `lint`, `diff` and `estimate --from` as a user meets them.

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <filesystem>

#include "tests/cli/aforo.h"
#include "tests/support/text.h"

using namespace aforo;
using test::Aforo;
using test::Answer;

namespace {

/// Writes a plan of llama-3.1-8b on 8 h100 to `output`.
Answer estimate_plan(const Aforo& aforo, const std::string& output,
                     const std::vector<std::string>& further) {
  std::vector<std::string> args = {
      "estimate", "--model", "llama-3.1-8b", "--gpu", "h100:8",
      "--tokens", "1B",      "--seq-len",    "2048",  "--global-batch-size",
      "32",       "--price", "2 USD/h",      "-o",    output};
  args.insert(args.end(), further.begin(), further.end());
  return aforo(args);
}

}  // namespace

TEST_CASE("cli export: a layout becomes a file that lint and estimate --from read back") {
  const Aforo aforo;
  REQUIRE(
      estimate_plan(aforo, "plan.yaml", {"--sharding", "zero3", "--engine", "deepspeed"}).code ==
      0);
  const Answer exported = aforo({"export", "plan.yaml", "--to", "deepspeed", "-o", "ds.json"});
  CHECK(exported.code == 0);
  CHECK(contains(exported.out, "Wrote ds.json"));
  CHECK(contains(exported.err, "note: "));
  const Answer linted =
      aforo({"lint", "ds.json", "--model", "llama-3.1-8b", "--gpu", "h100:8", "--seq-len", "2048"});
  CAPTURE(linted.out);
  CHECK(linted.code == 0);
  CHECK(contains(linted.out, "ds.json: deepspeed, nothing found"));

  const Answer direct = estimate_plan(aforo, "again.yaml",
                                      {"--sharding", "zero3", "--engine", "deepspeed", "--json"});
  const Answer imported =
      aforo({"estimate", "--from", "ds.json", "--model", "llama-3.1-8b", "--gpu", "h100:8",
             "--tokens", "1B", "--seq-len", "2048", "--price", "2 USD/h", "--json"});
  const auto a = boost::json::parse(direct.out), b = boost::json::parse(imported.out);
  CHECK(a.at("step_time_s") == b.at("step_time_s"));
  CHECK(a.at("memory") == b.at("memory"));
  CHECK(a.at("plan") == b.at("plan"));
  CHECK(b.at("imported").as_array().size() > 5);
}

TEST_CASE("cli export: standard output is the file, notes go to standard error") {
  const Aforo aforo;
  REQUIRE(estimate_plan(aforo, "plan.yaml", {"--sharding", "fsdp", "--recompute", "full"}).code ==
          0);
  for (const char* target :
       {"accelerate", "axolotl", "skypilot", "slurm", "torchtitan", "transformers", "vast"}) {
    CAPTURE(target);
    const Answer answer = aforo({"export", "plan.yaml", "--to", target});
    CHECK(answer.code == 0);
    CHECK(contains(answer.out, "Written by aforo"));
    CHECK(contains(answer.out, "$2.000 an hour and device (given)"));
    CHECK_FALSE(contains(answer.out, "note: "));
    const Answer json = aforo({"export", "plan.yaml", "--to", target, "--json"});
    const auto parsed = boost::json::parse(json.out);
    CHECK(parsed.at("schema_version") == 1);
    CHECK(parsed.at("contents").as_string() == std::string_view(answer.out));
  }
}

TEST_CASE("cli export: what a target cannot say is refused, and no file is written") {
  const Aforo aforo;
  REQUIRE(estimate_plan(aforo, "plan.yaml", {"--sharding", "zero1", "--engine", "torch"}).code >=
          0);
  const Answer answer = aforo({"export", "plan.yaml", "--to", "yafsdp", "-o", "out.py"});
  CHECK(answer.code == 2);
  CHECK(contains(answer.err, "yafsdp cannot express sharding zero1 (it has yafsdp)"));
  CHECK(contains(answer.err, "aforo plan --sharding yafsdp"));
  CHECK_FALSE(std::filesystem::exists(aforo.folder.path() / "out.py"));
  CHECK(contains(aforo({"export", "plan.yaml", "--to", "slurn"}).err, "did you mean slurm?"));
  CHECK(contains(aforo({"export", "plan.yaml"}).err, "to is missing"));
}

TEST_CASE("cli plan: layouts stay within what was asked for") {
  const Aforo aforo;
  const Answer answer = aforo({"plan",
                               "--model",
                               "llama-3.1-8b",
                               "--gpu",
                               "h100:8",
                               "--seq-len",
                               "2048",
                               "--global-batch-size",
                               "64",
                               "--engine",
                               "torch",
                               "--sharding",
                               "fsdp,hsdp",
                               "--recompute",
                               "none",
                               "--offload-activations",
                               "none",
                               "--tp",
                               "1",
                               "--cp",
                               "1",
                               "--json"});
  REQUIRE(answer.code == 0);
  const auto ranking = boost::json::parse(answer.out);
  for (const auto& layout : ranking.at("ranked").as_array()) {
    const auto& plan = layout.at("plan");
    CHECK((plan.at("sharding") == "fsdp" || plan.at("sharding") == "hsdp"));
    CHECK(plan.at("offload_activations") == "none");
    CHECK(plan.at("recompute_full_layers") == 0);
    CHECK_FALSE(plan.at("recompute_selective").as_bool());
    CHECK(plan.at("tp") == 1);
    CHECK(plan.at("cp") == 1);
  }
  CHECK(contains(aforo({"plan", "--model", "gpt2", "--gpu", "h100:8", "--sharding", "zero4"}).err,
                 "zero4"));
}

TEST_CASE("cli lint: places, codes and what will not fit") {
  const Aforo aforo;
  aforo.folder.write("bad.json",
                     "{\n  \"train_micro_batch_size_per_gpu\": 16,\n  \"gradient_cliping\": 1,\n"
                     "  \"bf16\": {\"enabled\": true}\n}\n");
  const Answer plain = aforo({"lint", "bad.json"});
  CHECK(plain.code == 3);
  CHECK(contains(plain.out,
                 "bad.json:3:3: warning: unknown key \"gradient_cliping\"; is "
                 "gradient_clipping meant?"));
  const Answer fit = aforo(
      {"lint", "bad.json", "--model", "llama-3.1-8b", "--gpu", "h100:8", "--seq-len", "4096"});
  CHECK(contains(fit.out, "bad.json:2:3: error: needs "));
  CHECK(contains(fit.out, "of 79.6 GiB on h100-sxm: does not fit"));
  const auto json = boost::json::parse(aforo({"lint", "bad.json", "--json"}).out);
  CHECK(json.at("n_findings") == 1);
  CHECK(json.at("files").at(0).at("findings").at(0).at("rule") == "unknown-key");
  CHECK(aforo({"lint"}).code == 2);
  CHECK(contains(aforo({"lint", "bad.json", "--gpu", "h100"}).err, "go together"));
  CHECK(contains(aforo({"lint", "bad.json", "--as", "deepsped"}).err, "deepspeed"));
}

TEST_CASE("cli lint: the time limit of a batch file against the estimate") {
  const Aforo aforo;
  aforo.folder.write("run.sbatch",
                     "#!/bin/bash\n#SBATCH --nodes=1\n#SBATCH --gpus-per-node=8\n"
                     "#SBATCH --time=10\nsrun torchrun --nproc_per_node=8 train.py --bf16 True "
                     "--gradient_checkpointing True --deepspeed ds.json\n");
  const Answer answer = aforo({"lint", "run.sbatch", "--model", "llama-3.1-8b", "--gpu", "h100",
                               "--tokens", "1B", "--seq-len", "2048"});
  CHECK(answer.code == 3);
  CHECK(contains(answer.out, "run.sbatch:4:9: error: the limit is 10.0 min, but the job takes"));
}

TEST_CASE("cli estimate --from: the command line overrules the file, and says so") {
  const Aforo aforo;
  aforo.folder.write("a.yaml",
                     "distributed_type: FSDP\nmixed_precision: bf16\nnum_processes: 8\n"
                     "fsdp_config: {fsdp_version: 2, fsdp_activation_checkpointing: true}\n");
  const Answer answer = aforo({"estimate", "--from", "a.yaml", "--model", "llama-3.1-8b", "--gpu",
                               "h100", "--seq-len", "2048", "--recompute", "none"});
  CHECK(answer.code == 0);
  CHECK(contains(answer.out, "8 x h100-sxm"));
  CHECK(contains(answer.out, "taken from a.yaml:1:1 (distributed_type is \"FSDP\")"));
  CHECK(contains(answer.out, "not used: the command line says otherwise"));
  CHECK(contains(answer.out, "assumed: the training script decides; give --micro-batch-size"));
  CHECK(aforo({"estimate", "--from", "no.yaml", "--model", "gpt2", "--gpu", "h100"}).code == 2);
}

TEST_CASE("cli diff: exit 4 over the limit, Markdown and JSON") {
  const Aforo aforo;
  REQUIRE(estimate_plan(aforo, "a.yaml", {"--sharding", "fsdp"}).code == 0);
  REQUIRE(estimate_plan(aforo, "b.yaml", {"--sharding", "fsdp", "--recompute", "full"}).code == 0);
  CHECK(aforo({"diff", "a.yaml", "b.yaml"}).code == 0);
  const Answer over = aforo({"diff", "a.yaml", "b.yaml", "--fail-over", "10%"});
  CHECK(over.code == 4);
  CHECK(contains(over.out, "recompute  none    full"));
  CHECK(contains(over.out, "over +10 %: cost +"));
  CHECK(aforo({"diff", "a.yaml", "b.yaml", "--fail-over", "0.9"}).code == 0);
  CHECK(aforo({"diff", "a.yaml", "b.yaml", "--fail-over", "1%", "--of", "memory"}).code == 0);
  const Answer markdown = aforo({"diff", "a.yaml", "b.yaml", "--format", "md"});
  CHECK(contains(markdown.out, "| setting | before | after |\n|---|---|---|\n"));
  const auto json =
      boost::json::parse(aforo({"diff", "a.yaml", "b.yaml", "--fail-over", "10%", "--json"}).out);
  CHECK(json.at("over_limit").at(0) == "cost");
  CHECK(aforo({"diff", "a.yaml", "b.yaml", "--fail-over", "much"}).code == 2);
  CHECK(contains(aforo({"diff", "a.yaml"}).err, "after is missing"));
}
