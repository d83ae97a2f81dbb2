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

AttentionSpec read_attention(const YamlNode& node, int d_model) {
  AttentionSpec attention;
  const YamlNode heads = node.at("n_heads");
  attention.n_heads = static_cast<int>(heads.integer(1, std::numeric_limits<int>::max()));
  attention.n_kv_heads = attention.n_heads;
  attention.head_dim = d_model / attention.n_heads;
  read_if(node, "n_kv_heads", attention.n_kv_heads, size);
  if (const auto dim = node.find("head_dim"))
    attention.head_dim = size(*dim);
  else if (d_model % attention.n_heads != 0)
    heads.fail(fmt::format("n_heads is {}, which does not divide d_model ({}); give head_dim",
                           attention.n_heads, d_model));
  read_if(node, "qkv_bias", attention.qkv_bias, truth);
  read_if(node, "out_bias", attention.out_bias, truth);
  if (const auto norm = node.find("qk_norm")) attention.qk_norm = norm->enumeration<QkNormKind>();
  read_if(node, "sliding_window", attention.sliding_window, size);
  read_if(node, "full_attention_every", attention.full_attention_every, size);
  node.finish();
  return attention;
}

MlpSpec read_mlp(const YamlNode& node) {
  MlpSpec mlp;
  mlp.d_ff = size(node.at("d_ff"));
  mlp.activation = node.at("activation").enumeration<ActivationKind>();
  read_if(node, "bias", mlp.bias, truth);
  node.finish();
  return mlp;
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
  model.mlp = read_mlp(node.at("mlp"));
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

std::string write_model(const ModelSpec& model, int indent) {
  const std::string in(static_cast<std::size_t>(indent), ' ');
  const AttentionSpec& a = model.attention;
  std::string out;
  const auto line = [&](std::string_view key, const auto& value) {
    out += fmt::format("{}{}: {}\n", in, key, value);
  };
  line("name", yaml_scalar(model.name));
  line("n_layers", model.n_layers);
  line("d_model", model.d_model);
  line("vocab_size", model.vocab_size);
  line("max_seq_len", model.max_seq_len);
  line("tie_embeddings", model.tie_embeddings);
  line("position", fmt::format("{{kind: {}, theta: {}, fraction: {}, rows: {}}}",
                               enum_name(model.position.kind), model.position.theta,
                               model.position.fraction, model.position.rows));
  line("block", enum_name(model.block));
  line("norm",
       fmt::format("{{kind: {}, epsilon: {}, weight: {}, bias: {}}}", enum_name(model.norm.kind),
                   model.norm.epsilon, model.norm.weight, model.norm.bias));
  line("attention",
       fmt::format("{{n_heads: {}, n_kv_heads: {}, head_dim: {}, qkv_bias: {}, out_bias: {}, "
                   "qk_norm: {}, sliding_window: {}, full_attention_every: {}}}",
                   a.n_heads, a.n_kv_heads, a.head_dim, a.qkv_bias, a.out_bias,
                   enum_name(a.qk_norm), a.sliding_window, a.full_attention_every));
  line("mlp", fmt::format("{{d_ff: {}, activation: {}, bias: {}}}", model.mlp.d_ff,
                          enum_name(model.mlp.activation), model.mlp.bias));
  line("lm_head_bias", model.lm_head_bias);
  line("embedding_norm", model.embedding_norm);
  line("embedding_scale", model.embedding_scale);
  if (model.n_params) line("n_params", *model.n_params);
  return out;
}

}  // namespace aforo
