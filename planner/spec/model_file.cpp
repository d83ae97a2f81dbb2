#include "planner/spec/model_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <optional>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/nearest.h"
#include "planner/base/text.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/model_check.h"

namespace fs = std::filesystem;

namespace aforo {
namespace {

/// The widest bounds of first_problem, which has the rules and knows the other sizes.
int size(const YamlNode& node) { return static_cast<int>(node.integer(0, 1 << 27)); }
/// Of what turns its section on.
int positive(const YamlNode& node) { return static_cast<int>(node.integer(1, 1 << 27)); }
double real(const YamlNode& node) {
  return node.number(std::numeric_limits<double>::lowest(), std::numeric_limits<double>::max());
}
bool truth(const YamlNode& node) { return node.boolean(); }

template <typename T>
void read_if(const YamlNode& map, const char* key, T& target, T (*read)(const YamlNode&)) {
  if (const auto node = map.find(key)) target = read(*node);
}

PositionSpec read_position(const YamlNode& node) {
  PositionSpec position;
  position.kind = node.at("kind").enumeration<PositionKind>();
  read_if(node, "theta", position.theta, real);
  read_if(node, "fraction", position.fraction, real);
  read_if(node, "rows", position.rows, size);
  node.finish();
  return position;
}

NormSpec read_norm(const YamlNode& node) {
  NormSpec norm;
  norm.kind = node.at("kind").enumeration<NormKind>();
  norm.bias = norm.kind == NormKind::layer_norm;
  read_if(node, "epsilon", norm.epsilon, real);
  read_if(node, "weight", norm.weight, truth);
  read_if(node, "bias", norm.bias, truth);
  node.finish();
  return norm;
}

MlaSpec read_mla(const YamlNode& node) {
  MlaSpec mla;
  read_if(node, "q_lora_rank", mla.q_lora_rank, size);
  mla.kv_lora_rank = positive(node.at("kv_lora_rank"));
  mla.qk_nope_head_dim = size(node.at("qk_nope_head_dim"));
  mla.qk_rope_head_dim = size(node.at("qk_rope_head_dim"));
  mla.v_head_dim = size(node.at("v_head_dim"));
  node.finish();
  return mla;
}

AttentionSpec read_attention(const YamlNode& node, int d_model) {
  AttentionSpec attention;
  const YamlNode heads = node.at("n_heads");
  attention.n_heads = static_cast<int>(heads.integer(1, std::numeric_limits<int>::max()));
  attention.n_kv_heads = attention.n_heads;
  attention.head_dim = d_model / attention.n_heads;
  read_if(node, "n_kv_heads", attention.n_kv_heads, size);
  if (const auto mla = node.find("mla")) {
    attention.mla = read_mla(*mla);
    attention.head_dim = attention.mla.qk_nope_head_dim + attention.mla.qk_rope_head_dim;
  }
  if (const auto dim = node.find("head_dim"))
    attention.head_dim = size(*dim);
  else if (attention.mla == MlaSpec{} && d_model % attention.n_heads != 0)
    heads.fail(fmt::format("n_heads is {}, which does not divide d_model ({}); give head_dim",
                           attention.n_heads, d_model));
  read_if(node, "qkv_bias", attention.qkv_bias, truth);
  read_if(node, "out_bias", attention.out_bias, truth);
  if (const auto norm = node.find("qk_norm")) attention.qk_norm = norm->enumeration<QkNormKind>();
  read_if(node, "sliding_window", attention.sliding_window, size);
  read_if(node, "full_attention_every", attention.full_attention_every, size);
  read_if(node, "sinks", attention.sinks, truth);
  node.finish();
  return attention;
}

/// Without dense layers there is no d_ff; first_problem knows which layers are.
MlpSpec read_mlp(const YamlNode& node, bool is_moe) {
  MlpSpec mlp;
  if (!is_moe || node.find("d_ff")) mlp.d_ff = size(node.at("d_ff"));
  mlp.activation = node.at("activation").enumeration<ActivationKind>();
  read_if(node, "bias", mlp.bias, truth);
  node.finish();
  return mlp;
}

MoeSpec read_moe(const YamlNode& node) {
  MoeSpec moe;
  moe.n_experts = positive(node.at("n_experts"));
  moe.top_k = size(node.at("top_k"));
  moe.d_ff = size(node.at("d_ff"));
  read_if(node, "d_ff_shared", moe.d_ff_shared, size);
  read_if(node, "shared_gate", moe.shared_gate, truth);
  read_if(node, "first_dense_layers", moe.first_dense_layers, size);
  read_if(node, "every", moe.every, size);
  read_if(node, "router_bias", moe.router_bias, truth);
  read_if(node, "expert_bias", moe.expert_bias, truth);
  node.finish();
  return moe;
}

void check_source(const YamlNode& node) {
  for (const char* key : {"url", "note"})
    if (const auto text = node.find(key)) text->string();
  node.finish();
}

/// The place of "attention.n_heads", or of the nearest map around it that is in the file.
YamlNode node_at(YamlNode node, std::string key) {
  while (!key.empty()) {
    const std::size_t dot = std::min(key.find('.'), key.size());
    const auto child = node.find(key.substr(0, dot));
    if (!child) return node;
    node = *child;
    key.erase(0, dot + 1);
  }
  return node;
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

ModelSpec read_model_path(const fs::path& path) {
  if (path.extension() == ".json")
    return read_huggingface_config(read_file(path.string(), 16u << 20), path.string());
  return read_model(YamlNode::load_file(path.string()));
}

/// The file that a path means: itself, or the config.json in it.
std::optional<fs::path> model_path(const std::string& path) {
  if (path.empty()) return std::nullopt;
  if (is_file(path)) return path;
  if (is_file(fs::path(path) / "config.json")) return fs::path(path) / "config.json";
  return std::nullopt;
}

/// Somebody who writes this means a file, even if it is not there.
bool looks_like_a_path(const std::string& name) {
  return name.find('/') != std::string::npos || name.ends_with(".yaml") || name.ends_with(".json");
}

}  // namespace

ModelSpec read_model(const YamlNode& node) {
  ModelSpec model;
  model.name = node.at("name").string();
  model.n_layers = size(node.at("n_layers"));
  model.d_model = size(node.at("d_model"));
  model.vocab_size = size(node.at("vocab_size"));
  model.max_seq_len = size(node.at("max_seq_len"));
  read_if(node, "tie_embeddings", model.tie_embeddings, truth);
  model.position = read_position(node.at("position"));
  if (const auto block = node.find("block")) model.block = block->enumeration<BlockKind>();
  model.norm = read_norm(node.at("norm"));
  model.attention = read_attention(node.at("attention"), model.d_model);
  if (const auto moe = node.find("moe")) model.moe = read_moe(*moe);
  model.mlp = read_mlp(node.at("mlp"), model.is_moe());
  read_if(node, "lm_head_bias", model.lm_head_bias, truth);
  read_if(node, "embedding_norm", model.embedding_norm, truth);
  read_if(node, "embedding_scale", model.embedding_scale, real);
  if (const auto count = node.find("n_params")) model.n_params = count->integer(1);
  if (const auto source = node.find("source")) check_source(*source);
  node.finish();
  if (const auto problem = first_problem(model)) node_at(node, problem->key).fail(problem->message);
  return model;
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const std::string& path : files_in(data_root() + "/models", ".yaml"))
    names.push_back(fs::path(path).stem().string());
  return names;
}

ModelSpec find_model(const std::string& name_or_path) {
  if (looks_like_a_path(name_or_path)) {
    if (const auto path = model_path(name_or_path)) return read_model_path(*path);
    throw InputError(fmt::format(
        "{} is no file, and no folder with a config.json; `aforo models` lists the models that "
        "need no file",
        shown(name_or_path)));
  }
  const std::vector<std::string> names = model_names();
  for (const std::string& name : names)
    if (name == name_or_path) return read_model_path(data_root() + "/models/" + name + ".yaml");
  if (const auto path = model_path(name_or_path)) return read_model_path(*path);
  const std::string near = nearest(name_or_path, names);
  throw InputError(fmt::format(
      "there is no model {}{}; `aforo models` lists the names, or give a YAML file, a config.json "
      "or the folder that holds one",
      shown(name_or_path), near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

}  // namespace aforo
