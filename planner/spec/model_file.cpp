#include "planner/spec/model_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/nearest.h"
#include "planner/spec/enum_tables.h"

namespace fs = std::filesystem;

namespace aforo {
namespace {

// Bounds keep every product of sizes below 2^63 and catch slips of the keyboard; the largest
// published models stay far below.
constexpr std::int64_t most_layers = 10000, most_width = 1 << 20, most_vocab = 1 << 24,
                       most_tokens = 1 << 27;

int size(const YamlNode& node, std::int64_t most) {
  return static_cast<int>(node.integer(1, most));
}

template <typename T>
void read_if(const YamlNode& map, const char* key, T& target, T (*read)(const YamlNode&)) {
  if (const auto node = map.find(key)) target = read(*node);
}
bool read_bool(const YamlNode& node) { return node.boolean(); }

PositionSpec read_position(const YamlNode& node) {
  PositionSpec position;
  position.kind = node.at("kind").enumeration<PositionKind>();
  if (const auto theta = node.find("theta")) position.theta = theta->number(1, 1e12);
  if (const auto fraction = node.find("fraction")) position.fraction = fraction->number(1e-3, 1);
  if (const auto rows = node.find("rows")) position.rows = size(*rows, most_tokens);
  node.finish();
  return position;
}

NormSpec read_norm(const YamlNode& node) {
  NormSpec norm;
  norm.kind = node.at("kind").enumeration<NormKind>();
  norm.bias = norm.kind == NormKind::layer_norm;
  if (const auto epsilon = node.find("epsilon")) norm.epsilon = epsilon->number(1e-12, 1e-1);
  read_if(node, "weight", norm.weight, read_bool);
  read_if(node, "bias", norm.bias, read_bool);
  node.finish();
  return norm;
}

AttentionSpec read_attention(const YamlNode& node, int d_model) {
  AttentionSpec attention;
  attention.n_heads = size(node.at("n_heads"), most_width);
  attention.n_kv_heads = attention.n_heads;
  attention.head_dim = d_model / attention.n_heads;
  if (const auto kv = node.find("n_kv_heads")) {
    attention.n_kv_heads = size(*kv, most_width);
    if (attention.n_heads % attention.n_kv_heads != 0)
      kv->fail(fmt::format("n_kv_heads is {}, which does not divide n_heads ({})",
                           attention.n_kv_heads, attention.n_heads));
  }
  if (const auto dim = node.find("head_dim"))
    attention.head_dim = size(*dim, most_width);
  else if (d_model % attention.n_heads != 0)
    node.at("n_heads").fail(
        fmt::format("n_heads is {}, which does not divide d_model ({}); give head_dim",
                    attention.n_heads, d_model));
  read_if(node, "qkv_bias", attention.qkv_bias, read_bool);
  read_if(node, "out_bias", attention.out_bias, read_bool);
  if (const auto norm = node.find("qk_norm")) attention.qk_norm = norm->enumeration<QkNormKind>();
  if (const auto window = node.find("sliding_window"))
    attention.sliding_window = static_cast<int>(window->integer(0, most_tokens));
  if (const auto every = node.find("full_attention_every"))
    attention.full_attention_every = static_cast<int>(every->integer(0, most_layers));
  node.finish();
  return attention;
}

MlpSpec read_mlp(const YamlNode& node) {
  MlpSpec mlp;
  mlp.d_ff = size(node.at("d_ff"), most_width);
  mlp.activation = node.at("activation").enumeration<ActivationKind>();
  read_if(node, "bias", mlp.bias, read_bool);
  node.finish();
  return mlp;
}

ModelSpec read_model_path(const fs::path& path) {
  if (fs::is_directory(path)) return read_model_path(path / "config.json");
  if (path.extension() == ".json")
    return read_huggingface_config(read_file(path.string()), path.string());
  return read_model(YamlNode::load_file(path.string()));
}

}  // namespace

ModelSpec read_model(const YamlNode& node) {
  ModelSpec model;
  model.name = node.at("name").string();
  model.n_layers = size(node.at("n_layers"), most_layers);
  model.d_model = size(node.at("d_model"), most_width);
  model.vocab_size = size(node.at("vocab_size"), most_vocab);
  model.max_seq_len = size(node.at("max_seq_len"), most_tokens);
  read_if(node, "tie_embeddings", model.tie_embeddings, read_bool);
  model.position = read_position(node.at("position"));
  if (const auto block = node.find("block")) model.block = block->enumeration<BlockKind>();
  model.norm = read_norm(node.at("norm"));
  model.attention = read_attention(node.at("attention"), model.d_model);
  model.mlp = read_mlp(node.at("mlp"));
  read_if(node, "lm_head_bias", model.lm_head_bias, read_bool);
  read_if(node, "embedding_norm", model.embedding_norm, read_bool);
  if (const auto scale = node.find("embedding_scale"))
    model.embedding_scale = scale->number(1e-6, 1e6);
  if (const auto count = node.find("n_params")) model.n_params = count->integer(1);
  if (const auto source = node.find("source")) {
    source->find("url");
    source->find("note");
    source->finish();
  }
  node.finish();
  if (const std::string problem = model_problem(model); !problem.empty()) node.fail(problem);
  return model;
}

std::string model_problem(const ModelSpec& model) {
  const AttentionSpec& attention = model.attention;
  if (attention.n_kv_heads < 1 || attention.n_heads % attention.n_kv_heads != 0)
    return fmt::format("n_kv_heads is {}, which does not divide n_heads ({})", attention.n_kv_heads,
                       attention.n_heads);
  if (attention.n_heads * static_cast<std::int64_t>(attention.head_dim) > most_width)
    return fmt::format("n_heads {} x head_dim {} is more than {}", attention.n_heads,
                       attention.head_dim, most_width);
  if (model.position.kind == PositionKind::rope && attention.head_dim * model.position.fraction < 2)
    return fmt::format("position.fraction {} of head_dim {} leaves no pair to rotate",
                       model.position.fraction, attention.head_dim);
  if (attention.full_attention_every > 0 && attention.sliding_window == 0)
    return fmt::format("full_attention_every is {}, but sliding_window is 0",
                       attention.full_attention_every);
  return "";
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const std::string& path : files_in(data_root() + "/models", ".yaml"))
    names.push_back(fs::path(path).stem().string());
  return names;
}

ModelSpec find_model(const std::string& name_or_path) {
  if (fs::exists(name_or_path)) return read_model_path(name_or_path);
  const std::vector<std::string> names = model_names();
  for (const std::string& name : names)
    if (name == name_or_path) return read_model_path(data_root() + "/models/" + name + ".yaml");
  const std::string near = nearest(name_or_path, names);
  throw InputError(fmt::format(
      "there is no model \"{}\"{}; `aforo models` lists the names, or give a YAML file, a "
      "config.json or the folder that holds one",
      name_or_path, near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

std::string write_model(const ModelSpec& model, int indent) {
  const std::string in(indent, ' ');
  const AttentionSpec& a = model.attention;
  std::string out;
  const auto line = [&](const std::string& text) { out += in + text + "\n"; };
  line(fmt::format("name: {}", model.name));
  line(fmt::format("n_layers: {}", model.n_layers));
  line(fmt::format("d_model: {}", model.d_model));
  line(fmt::format("vocab_size: {}", model.vocab_size));
  line(fmt::format("max_seq_len: {}", model.max_seq_len));
  line(fmt::format("tie_embeddings: {}", model.tie_embeddings));
  line(fmt::format("position: {{kind: {}, theta: {}, fraction: {}{}}}",
                   enum_name(model.position.kind), model.position.theta, model.position.fraction,
                   model.position.rows > 0 ? fmt::format(", rows: {}", model.position.rows) : ""));
  line(fmt::format("block: {}", enum_name(model.block)));
  line(fmt::format("norm: {{kind: {}, epsilon: {}, weight: {}, bias: {}}}",
                   enum_name(model.norm.kind), model.norm.epsilon, model.norm.weight,
                   model.norm.bias));
  line(
      fmt::format("attention: {{n_heads: {}, n_kv_heads: {}, head_dim: {}, qkv_bias: {}, out_bias: "
                  "{}, qk_norm: {}, "
                  "sliding_window: {}, full_attention_every: {}}}",
                  a.n_heads, a.n_kv_heads, a.head_dim, a.qkv_bias, a.out_bias, enum_name(a.qk_norm),
                  a.sliding_window, a.full_attention_every));
  line(fmt::format("mlp: {{d_ff: {}, activation: {}, bias: {}}}", model.mlp.d_ff,
                   enum_name(model.mlp.activation), model.mlp.bias));
  line(fmt::format("lm_head_bias: {}", model.lm_head_bias));
  line(fmt::format("embedding_norm: {}", model.embedding_norm));
  line(fmt::format("embedding_scale: {}", model.embedding_scale));
  if (model.n_params) line(fmt::format("n_params: {}", *model.n_params));
  return out;
}

}  // namespace aforo
