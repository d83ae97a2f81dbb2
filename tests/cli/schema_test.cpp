// --json of every command against the schema that is published for it, in docs/schemas.

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "tests/cli/json_answer.h"
#include "tests/cli/json_schema.h"

using namespace aforo;
using test::Aforo;
using test::Answer;

namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

/// Commands that need nothing but the program.
const std::vector<Words> asked = {
    {"models"},
    {"models", "mixtral-8x7b"},
    {"hardware"},
    {"hardware", "--machines"},
    {"doctor"},
    {"fit", "gpt2", "--gpu", "rtx-4090", "--seq", "512,1024"},
    {"fit", "mixtral-8x7b", "--gpu", "h100"},
    {"estimate", "--model", "gpt2", "--gpu", "rtx-4090"},
    {"estimate", "--model", "gpt2", "--gpu", "rtx-4090", "--price", "0.3 USD/h"},
    {"estimate", "--model", "llama-3.1-8b", "--gpu", "h100:8", "--seq-len", "4096"},
    {"estimate", "--model", "mixtral-8x7b", "--gpu", "h100:64", "--tp", "4", "--pp", "2"},
    {"estimate", "--model", "llama-3.1-8b", "--gpu", "rtx-4090", "--method", "qlora"},
    {"plan", "--model", "gpt2", "--gpu", "rtx-4090", "--tokens", "1B"},
    {"plan", "--model", "llama-3.1-8b", "--gpu", "h100:8", "--tokens", "1B"},
    {"explain", "--model", "gpt2", "--gpu", "rtx-4090:2", "--seq-len", "1024"},
    {"dump", "--model", "gpt-tiny", "--seq-len", "32"},
    {"prices", "list"},
    {"prices", "show", "h100-sxm"},
    {"prices", "age"},
    {"completions", "bash"},
    {"man", "plan"},
};

/// Commands on files that earlier ones made: two plans, a run.
const std::vector<Words> on_files = {
    {"verify", "run.jsonl", "--tolerance", "1000"},
    {"report", "plan.yaml", "run.jsonl"},
    {"report", "card.yaml"},
    {"trace", "plan.yaml", "-o", "trace.json"},
    {"bill", "card.yaml"},
    {"compare", "card.yaml", "layout.yaml"},
    {"diff", "card.yaml", "card.yaml"},
    {"export", "layout.yaml", "--to", "slurm", "--command", "true"},
    {"lint", "ds_config.json"},
    {"validate", "--runs", "runs.csv"},
};

/// A configuration with something to find, and a published run.
constexpr const char* ds_config =
    R"({"train_batch_size": 8, "train_micro_batch_size_per_gpu": 3, "zero_optimisation": {"stage": 2}})";
constexpr const char* runs =
    "id,repo,family,quality,gpu,gpu_class,gpu_count,nodes,framework,model_name,n_layers,d_model,"
    "n_heads,n_kv_heads,d_ff,vocab,seq_len,global_batch_seqs,micro_batch_seqs,precision,act_ckpt,"
    "sharding,tp,pp,cp,ep,tokens_per_s_total,oom\n"
    "a,src,fam,A,H100,H100-80GB,8,1,torchtitan,Llama-3-8B,32,4096,32,8,14336,128256,8192,16,2,bf16,"
    "full,fsdp,1,1,1,1,45000,false\n";

/// Where scripts/json_schemas.py finds examples; null: nothing is kept.
const char* examples_folder() { return std::getenv("AFORO_SCHEMA_EXAMPLES"); }

std::string schema_file(const std::string& command) {
  return std::string(AFORO_SOURCE_DIR) + "/docs/schemas/" + command + ".json";
}

void check_schema(const Words& words, const Answer& answer) {
  CAPTURE(words[0]);
  // 3: does not fit, and says by how much; lint: there are findings.
  CHECK((answer.code == 0 || answer.code == 3 || words[0] == "lint"));
  const boost::json::object got = test::parsed(answer);
  static std::map<std::string, int> n_examples;
  if (const char* folder = examples_folder())
    std::ofstream(fs::path(folder) /
                  (words[0] + "." + std::to_string(++n_examples[words[0]]) + ".json"))
        << boost::json::serialize(got);
  std::ifstream file(schema_file(words[0]));
  if (!file && examples_folder() != nullptr) return;  // being written
  REQUIRE(file);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  CHECK(test::schema_violation(got, boost::json::parse(text)) == "");
}

void check_all(const Aforo& aforo, const std::vector<Words>& commands) {
  for (Words words : commands) {
    words.emplace_back("--json");
    check_schema(words, aforo(words));
  }
}

}  // namespace

TEST_CASE("cli schema: what commands print is what is published") { check_all(Aforo(), asked); }

TEST_CASE("cli schema: also of commands on plans and runs") {
  const Aforo aforo;
  REQUIRE(aforo.plan("plan.yaml", 4).code == 0);
  check_schema({"run"}, aforo({"run", "plan.yaml", "--log", "run.jsonl", "--json"}));
  REQUIRE(
      aforo({"plan", "--model", "gpt2", "--gpu", "rtx-4090", "--tokens", "1B", "-o", "card.yaml"})
          .code == 0);
  REQUIRE(aforo({"plan", "--model", "llama-3.1-8b", "--gpu", "h100:8", "--tokens", "1B", "--engine",
                 "torch", "-o", "layout.yaml"})
              .code == 0);
  aforo.folder.write("ds_config.json", ds_config);
  aforo.folder.write("runs.csv", runs);
  check_all(aforo, on_files);
}

TEST_CASE("cli schema: a missing key, another type and a key too many are found") {
  const boost::json::value schema = boost::json::parse(
      R"({"type": "object", "required": ["a"], "additionalProperties": false,
          "properties": {"a": {"type": ["number", "null"]}, "b": {"type": "array", "items": {"type": "string"}}}})");
  const auto violation = [&](const char* text) {
    return test::schema_violation(boost::json::parse(text), schema);
  };
  CHECK(violation(R"({"a": null, "b": ["x"]})") == "");
  CHECK(violation(R"({"b": []})") == ".a is missing");
  CHECK(violation(R"({"a": "1"})") == ".a is \"1\", expected [\"number\",\"null\"]");
  CHECK(violation(R"({"a": 1, "c": 2})") == ".c is not in the schema");
  CHECK(violation(R"({"a": 1, "b": ["x", 2]})") == ".b[1] is 2, expected \"string\"");
}
