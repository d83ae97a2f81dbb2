// Hugging Face config.json: one row per family says what its defaults are; keys of the file
// override them.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <cmath>

#include "planner/base/error.h"
#include "planner/spec/model_file.h"

namespace aforo {
namespace {

namespace json = boost::json;

/// The file's keys with their place in messages.
class Config {
 public:
  Config(const json::object& object, std::string file) : object_(object), file_(std::move(file)) {}

  [[noreturn]] void fail(const std::string& message) const {
    throw InputError(fmt::format("{}: {}", file_, message));
  }

  const json::value* find(std::initializer_list<const char*> names) const {
    for (const char* name : names)
      if (const json::value* value = object_.if_contains(name);
          value != nullptr && !value->is_null())
        return value;
    return nullptr;
  }
  int integer(std::initializer_list<const char*> names, std::int64_t fallback = -1) const {
    const json::value* value = find(names);
    if (value == nullptr) {
      if (fallback >= 0) return static_cast<int>(fallback);
      fail(fmt::format("key \"{}\" is missing", *names.begin()));
    }
    if (!value->is_int64() || value->as_int64() < 0 || value->as_int64() > (1 << 27))
      fail(fmt::format("{} is {}; expected a whole number from 0 to {}", *names.begin(),
                       json::serialize(*value), 1 << 27));
    return static_cast<int>(value->as_int64());
  }
  double number(std::initializer_list<const char*> names, double fallback) const {
    const json::value* value = find(names);
    if (value == nullptr) return fallback;
    if (!value->is_number())
      fail(fmt::format("{} is {}; expected a number", *names.begin(), json::serialize(*value)));
    return value->to_number<double>();
  }
  bool boolean(std::initializer_list<const char*> names, bool fallback) const {
    const json::value* value = find(names);
    if (value == nullptr) return fallback;
    if (!value->is_bool())
      fail(
          fmt::format("{} is {}; expected true or false", *names.begin(), json::serialize(*value)));
    return value->as_bool();
  }
  std::string string(std::initializer_list<const char*> names, const std::string& fallback) const {
    const json::value* value = find(names);
    if (value == nullptr) return fallback;
    if (!value->is_string())
      fail(fmt::format("{} is {}; expected a string", *names.begin(), json::serialize(*value)));
    return std::string(value->as_string());
  }

 private:
  const json::object& object_;
  std::string file_;
};

/// What a family's code fixes and its config.json does not say.
struct Family {
  const char* model_type;
  PositionKind position = PositionKind::rope;
  BlockKind block = BlockKind::pre_norm;
  NormKind norm = NormKind::rms_norm;
  bool gated = true;
  bool qkv_bias = false, out_bias = false, mlp_bias = false;
  bool tied = false;
  QkNormKind qk_norm = QkNormKind::none;
};

constexpr NormKind layer = NormKind::layer_norm, rms = NormKind::rms_norm;
constexpr Family families[] = {
    {"gemma", PositionKind::rope, BlockKind::pre_norm, rms, true, false, false, false, true},
    {"gemma2", PositionKind::rope, BlockKind::sandwich, rms, true, false, false, false, true},
    {"gemma3_text", PositionKind::rope, BlockKind::sandwich, rms, true, false, false, false, true,
     QkNormKind::per_head},
    {"gpt2", PositionKind::learned, BlockKind::pre_norm, layer, false, true, true, true, true},
    {"gpt_neox", PositionKind::rope, BlockKind::parallel, layer, false, true, true, true, false},
    {"gptj", PositionKind::rope, BlockKind::parallel_one_norm, layer, false, false, false, true,
     false},
    {"llama"},
    {"mistral"},
    {"olmo2", PositionKind::rope, BlockKind::post_norm, rms, true, false, false, false, false,
     QkNormKind::full},
    {"opt", PositionKind::learned, BlockKind::pre_norm, layer, false, true, true, true, true},
    {"phi", PositionKind::rope, BlockKind::parallel_one_norm, layer, false, true, true, true,
     false},
    {"phi3"},
    {"qwen2", PositionKind::rope, BlockKind::pre_norm, rms, true, true, false, false, false},
    {"qwen3", PositionKind::rope, BlockKind::pre_norm, rms, true, false, false, false, false,
     QkNormKind::per_head},
    {"smollm3"},
};

const Family& family_of(const Config& config) {
  const std::string type = config.string({"model_type"}, "");
  std::string known;
  for (const Family& family : families) {
    if (type == family.model_type) return family;
    known += std::string(known.empty() ? "" : ", ") + family.model_type;
  }
  config.fail(fmt::format(
      "model_type is \"{}\"; supported are {}; describe other models in a YAML of your own", type,
      known));
}

ActivationKind activation_of(const Config& config, bool gated) {
  const std::string name = config.string({"hidden_activation", "hidden_act", "activation_function"},
                                         gated ? "silu" : "gelu_new");
  if (gated) {
    if (name == "silu" || name == "swish") return ActivationKind::swiglu;
    if (name.rfind("gelu", 0) == 0) return ActivationKind::geglu;
  } else {
    if (name == "gelu_new" || name == "gelu_fast" || name == "gelu_pytorch_tanh")
      return ActivationKind::gelu_tanh;
    if (name == "gelu") return ActivationKind::gelu;
    if (name == "relu") return ActivationKind::relu;
    if (name == "relu2") return ActivationKind::relu2;
    if (name == "silu" || name == "swish") return ActivationKind::silu;
  }
  config.fail(fmt::format("hidden_act is \"{}\", which is not known for this family", name));
}

void refuse_experts(const Config& config) {
  if (config.find({"num_experts", "num_local_experts", "n_routed_experts"}) != nullptr &&
      config.integer({"num_experts", "num_local_experts", "n_routed_experts"}) > 1)
    config.fail("mixture-of-experts models are not supported yet; dense models are");
}

AttentionSpec attention_of(const Config& config, const Family& family, int d_model) {
  AttentionSpec attention;
  attention.n_heads = config.integer({"num_attention_heads", "n_head"});
  attention.n_kv_heads = config.integer({"num_key_value_heads"}, attention.n_heads);
  if (attention.n_heads < 1) config.fail("num_attention_heads is 0; expected at least 1");
  attention.head_dim = config.integer({"head_dim"}, d_model / attention.n_heads);
  attention.qkv_bias = config.boolean({"attention_bias", "enable_bias"}, family.qkv_bias);
  attention.out_bias = family.qkv_bias && !family.out_bias
                           ? false
                           : config.boolean({"attention_bias", "enable_bias"}, family.out_bias);
  attention.qk_norm = family.qk_norm;
  if (config.boolean({"use_sliding_window"}, true))
    attention.sliding_window = config.integer({"sliding_window"}, 0);
  if (attention.sliding_window > 0)
    attention.full_attention_every = config.integer({"sliding_window_pattern"}, 0);
  if (std::string(family.model_type) == "gemma2" && attention.sliding_window > 0)
    attention.full_attention_every = 2;
  return attention;
}

}  // namespace

ModelSpec read_huggingface_config(const std::string& text, const std::string& file) {
  boost::system::error_code error;
  const json::value parsed = json::parse(text, error);
  if (error || !parsed.is_object())
    throw InputError(
        fmt::format("{}: not a JSON object{}", file, error ? ": " + error.message() : ""));
  const Config config(parsed.as_object(), file);
  const Family& family = family_of(config);
  refuse_experts(config);

  ModelSpec model;
  model.name = config.string({"_name_or_path"}, family.model_type);
  if (model.name.empty() || model.name.find_first_of("{}[]:,#&*!|>'\"%@`\\ ") != std::string::npos)
    model.name = family.model_type;
  model.n_layers = config.integer({"num_hidden_layers", "n_layer"});
  model.d_model = config.integer({"hidden_size", "n_embd"});
  model.vocab_size = config.integer({"vocab_size"});
  model.max_seq_len = config.integer({"max_position_embeddings", "n_positions"}, 2048);
  model.tie_embeddings = config.boolean({"tie_word_embeddings"}, family.tied);
  model.position.kind = family.position;
  model.position.theta = config.number({"rope_theta", "rotary_emb_base"}, 10000);
  if (family.position == PositionKind::rope)
    model.position.fraction = config.number({"rotary_pct", "partial_rotary_factor"}, 1.0);
  if (std::string(family.model_type) == "opt")
    model.position.rows = model.max_seq_len + 2;  // its table has two spare rows
  model.block = family.block;
  model.norm = {family.norm,
                config.number({"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon"}, 1e-5), true,
                family.norm == NormKind::layer_norm};
  model.attention = attention_of(config, family, model.d_model);
  if (std::string(family.model_type) == "gptj")
    model.position.fraction = config.integer({"rotary_dim"}, model.attention.head_dim) /
                              static_cast<double>(model.attention.head_dim);
  const int d_ff = config.integer({"intermediate_size", "n_inner", "ffn_dim"}, 4 * model.d_model);
  model.mlp = {d_ff, activation_of(config, family.gated),
               config.boolean({"mlp_bias"}, family.mlp_bias)};
  model.lm_head_bias =
      std::string(family.model_type) == "phi" || std::string(family.model_type) == "gptj";
  if (std::string(family.model_type).rfind("gemma", 0) == 0)
    model.embedding_scale = std::sqrt(static_cast<double>(model.d_model));
  if (model.n_layers < 1 || model.d_model < 1 || model.vocab_size < 1 || d_ff < 1 ||
      model.attention.head_dim < 1)
    config.fail(
        "num_hidden_layers, hidden_size, vocab_size and intermediate_size must be at least 1");
  if (const std::string problem = model_problem(model); !problem.empty()) config.fail(problem);
  return model;
}

}  // namespace aforo
