#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/version.h"
#include "planner/base/format.h"
#include "planner/base/json.h"
#include "planner/report/table.h"
#include "planner/spec/model_file.h"

namespace aforo::cli {

namespace {

/// "8 x 14,336, top 2"; "-" without experts.
std::string experts(const MoeSpec& moe) {
  if (moe.n_experts == 0) return "-";
  return fmt::format("{} x {}, top {}", moe.n_experts, format_count(moe.d_ff), moe.top_k);
}

void write_experts(JsonWriter& json, const ModelSpec& model) {
  json.field("n_experts", model.moe.n_experts).field("top_k", model.moe.top_k);
  json.field("d_ff_expert", model.moe.d_ff).field("d_ff_shared", model.moe.d_ff_shared);
  json.field("n_moe_layers", model.n_moe_layers());
  json.field("kv_lora_rank", model.attention.mla.kv_lora_rank);
}

}  // namespace

int run_models(const CommandLine& command_line) {
  const Help help{"models",
                  "[PATTERN]",
                  "The models that are known: models/*.yaml. Active parameters are those that one "
                  "token meets, embedding and head included.",
                  {"aforo models", "aforo models llama", "aforo models qwen3 --json"},
                  "A model of your own is a YAML file (models/README.md) or a Hugging Face "
                  "config.json; every command takes its path."};
  po::options_description options("options");
  options.add_options()("pattern", po::value<std::string>(), "part of a name");
  const Arguments args(help, options, {"pattern"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const std::string pattern = args.find<std::string>("pattern").value_or("");
  Table table({{"model", Align::left},
               {"parameters"},
               {"active"},
               {"layers"},
               {"d_model"},
               {"heads"},
               {"kv"},
               {"d_ff"},
               {"experts"},
               {"vocab"},
               {"seq"}});
  JsonWriter json;
  json.begin_object().field("schema_version", schema_version).key("models").begin_array();
  for (const std::string& name : model_names()) {
    if (name.find(pattern) == std::string::npos) continue;
    const ModelSpec model = find_model(name);
    const std::int64_t count = count_parameters(model).total();
    const std::int64_t active = count_active_parameters(model).with_embedding;
    table.add({name, format_count(count), format_count(active), format_count(model.n_layers),
               format_count(model.d_model), format_count(model.attention.n_heads),
               format_count(model.attention.n_kv_heads),
               model.mlp.d_ff > 0 ? format_count(model.mlp.d_ff) : "-", experts(model.moe),
               format_count(model.vocab_size), format_count(model.max_seq_len)});
    json.begin_object()
        .field("name", name)
        .field("n_params", count)
        .field("n_active_params", active)
        .field("n_layers", model.n_layers);
    json.field("d_model", model.d_model).field("n_heads", model.attention.n_heads);
    json.field("n_kv_heads", model.attention.n_kv_heads).field("d_ff", model.mlp.d_ff);
    write_experts(json, model);
    json.field("vocab_size", model.vocab_size).field("max_seq_len", model.max_seq_len).end_object();
  }
  json.end_array().end_object();
  fmt::print("{}", args.json() ? json.text() + "\n" : table.text());
  return 0;
}

}  // namespace aforo::cli
