#include "planner/spec/model_file.h"

#include <doctest/doctest.h>

#include "tests/base/thrown.h"
#include "tests/spec/samples.h"
#include "tests/support/temporary_folder.h"

namespace aforo {
namespace {

constexpr const char* shortest_model =
    "name: x\n"
    "n_layers: 2\n"
    "d_model: 64\n"
    "vocab_size: 100\n"
    "max_seq_len: 128\n"
    "position: {kind: learned}\n"
    "norm: {kind: layer_norm}\n"
    "attention: {n_heads: 4}\n"
    "mlp: {d_ff: 256, activation: relu}\n";

ModelSpec read_text(const std::string& text) {
  return read_model(YamlNode::load_text(text, "m.yaml"));
}

/// `shortest_model` with one piece replaced.
std::string with(const std::string& piece, const std::string& other) {
  std::string text = shortest_model;
  text.replace(text.find(piece), piece.size(), other);
  return text;
}

constexpr const char* moe = "{n_experts: 8, top_k: 2, d_ff: 32}";
constexpr const char* mla =
    "{kv_lora_rank: 16, qk_nope_head_dim: 8, qk_rope_head_dim: 4, v_head_dim: 6}";

/// `shortest_model` with rope, experts in every layer and latent attention.
std::string with_experts(const std::string& experts, const std::string& latent) {
  std::string text = with("{n_heads: 4}", "{n_heads: 5, mla: " + latent + "}");
  text.replace(text.find("learned"), 7, "rope");
  text.replace(text.find("d_ff: 256, "), 11, "");
  return text + "moe: " + experts + "\n";
}

std::string model_error_with(const std::string& piece, const std::string& other) {
  return test::input_error([&] { read_text(with(piece, other)); });
}

}  // namespace

TEST_CASE("model file: absent keys have the documented defaults") {
  const ModelSpec m = read_text(shortest_model);
  CHECK(m.attention.n_kv_heads == 4);
  CHECK(m.attention.head_dim == 16);
  CHECK(m.norm.bias);
  CHECK(m.norm.weight);
  CHECK(m.learned_rows() == 128);
  CHECK_FALSE(m.tie_embeddings);
  CHECK(m.block == BlockKind::pre_norm);
  CHECK(m.embedding_scale == 1);
  CHECK_FALSE(m.n_params);
  CHECK_FALSE(read_text(with("layer_norm", "rms_norm")).norm.bias);
}

TEST_CASE("model file: reading what was written gives the same model back, to the last digit") {
  test::Samples samples(31);
  for (int i = 0; i < 500; ++i) {
    const ModelSpec model = samples.model();
    REQUIRE(read_text(write_model(model)) == model);
  }
}

TEST_CASE("model file: a written model indents, so that it can be part of another file") {
  const ModelSpec model = read_text(shortest_model);
  const YamlNode root = YamlNode::load_text("model:\n" + write_model(model, 2), "p.yaml");
  CHECK(read_model(root.at("model")) == model);
}

TEST_CASE("model file: problems carry file, line, column and both values") {
  CHECK(model_error_with("{n_heads: 4}", "{n_heads: 4, n_kv_heads: 3}") ==
        "m.yaml:8:37: n_kv_heads is 3, which does not divide n_heads (4)");
  CHECK(model_error_with("{n_heads: 4}", "{n_heads: 5}") ==
        "m.yaml:8:22: n_heads is 5, which does not divide d_model (64); give head_dim");
  CHECK(model_error_with("n_layers: 2", "n_layers: 0") ==
        "m.yaml:2:11: n_layers is 0; expected 1 to 10000");
  CHECK(model_error_with("n_layers: 2", "n_layers: 2.5") ==
        "m.yaml:2:11: n_layers is \"2.5\"; expected a whole number");
  CHECK(model_error_with("d_ff: 256", "d_ff: 99999999999") ==
        "m.yaml:9:13: mlp.d_ff is 99999999999; expected 0 to 134217728");
  CHECK(model_error_with("activation: relu", "activation: swiglue") ==
        "m.yaml:9:30: mlp.activation is \"swiglue\"; expected gelu, gelu_tanh, relu, relu2, silu, "
        "swiglu, geglu; did you mean swiglu?");
  CHECK(model_error_with("name: x\n", "name: x\nn_layer: 3\n") ==
        "m.yaml:2:1: unknown key \"n_layer\"; did you mean \"n_layers\"?");
  CHECK(model_error_with("mlp: {d_ff: 256, activation: relu}\n", "") ==
        "m.yaml:1:1: key \"mlp\" is missing");
  CHECK(model_error_with("{kind: learned}", "{kind: rope, fraction: 0.3}") ==
        "m.yaml:6:34: fraction is 0.3, which is 4.8 of the head_dim 16 dimensions; rope rotates "
        "pairs, so it must be an even whole number");
}

TEST_CASE("model file: experts and latent attention have sections, with defaults") {
  const ModelSpec m = read_text(with_experts(moe, mla));
  CHECK(m.moe == MoeSpec{8, 2, 32});
  CHECK(m.mlp.d_ff == 0);
  CHECK(m.attention.mla == MlaSpec{0, 16, 8, 4, 6});
  CHECK(m.attention.head_dim == 12);
  CHECK(m.attention.n_kv_heads == 5);
  CHECK_FALSE(m.attention.sinks);
  const ModelSpec all = read_text(
      with_experts("{n_experts: 8, top_k: 2, d_ff: 32, d_ff_shared: 64, shared_gate: true, "
                   "first_dense_layers: 0, every: 1, router_bias: true, expert_bias: true}",
                   "{q_lora_rank: 9, kv_lora_rank: 16, qk_nope_head_dim: 8, qk_rope_head_dim: 4, "
                   "v_head_dim: 6}, sinks: true"));
  CHECK(all.moe == MoeSpec{8, 2, 32, 64, true, 0, 1, true, true});
  CHECK(all.attention.mla.q_lora_rank == 9);
  CHECK(all.attention.sinks);
  CHECK_FALSE(read_text(shortest_model).is_moe());
  CHECK_FALSE(read_text(shortest_model).is_mla());
}

TEST_CASE("model file: problems of experts and latent attention carry file, line and column") {
  const auto error = [](const std::string& experts, const std::string& latent) {
    return test::input_error([&] { read_text(with_experts(experts, latent)); });
  };
  CHECK(error("{n_experts: 8, top_k: 9, d_ff: 32}", mla) ==
        "m.yaml:10:28: top_k is 9, which is more than n_experts (8)");
  CHECK(error("{n_experts: 8, top_k: 2, d_ff: 32, first_dense_layers: 4}", mla) ==
        "m.yaml:10:61: first_dense_layers is 4, but n_layers is 2, so no layer has experts");
  CHECK(error("{n_experts: 8, top_k: 2, d_ff: 32, every: 0}", mla) ==
        "m.yaml:10:48: every is 0; expected 1 to 10000");
  CHECK(error("{n_experts: 8, top_k: 2, d_ff: 32, every: 2}", mla) ==
        "m.yaml:9:6: d_ff is missing, but 1 of 2 layers are dense; give the width of their mlp");
  CHECK(error("{n_experts: 0, top_k: 2, d_ff: 32}", mla) ==
        "m.yaml:10:18: moe.n_experts is 0; expected 1 to 134217728");
  CHECK(error("{n_experts: 8, topk: 2, d_ff: 32}", mla) ==
        "m.yaml:10:21: key \"top_k\" is missing in moe; is \"topk\" meant?");
  CHECK(error("{n_experts: 8, top_k: 2, d_ff: 32, shared: 1}", mla) ==
        "m.yaml:10:41: unknown key \"shared\"; the keys here are d_ff, d_ff_shared, every, "
        "expert_bias, "
        "first_dense_layers, n_experts, router_bias, shared_gate, top_k");
  CHECK(error("{n_experts: 8, top_k: 2, d_ff: 32, router_bias: 1}", mla) ==
        "m.yaml:10:54: moe.router_bias is \"1\"; expected true or false");
  CHECK(error("8", mla) == "m.yaml:10:6: moe must be a map of keys and values");
  CHECK(error(moe, "{kv_lora_rank: 16, qk_nope_head_dim: 8, qk_rope_head_dim: 4}") ==
        "m.yaml:8:30: key \"v_head_dim\" is missing in attention.mla");
  CHECK(error(moe, "{kv_lora_rank: 16, qk_nope_head_dim: 8, qk_rope_head_dim: 3, v_head_dim: 6}") ==
        "m.yaml:8:88: qk_rope_head_dim is 3; expected an even number above 0, since rope rotates "
        "pairs");
  CHECK(error(moe, mla + std::string(", head_dim: 8")) ==
        "m.yaml:8:117: head_dim is 8, but with mla it is qk_nope_head_dim + qk_rope_head_dim = 12; "
        "leave it out");
}

TEST_CASE("model file: a problem of a default points at the map that lacks the key") {
  // head_dim is 64 / 64 = 1 by default, which rope cannot rotate.
  std::string text = with("{n_heads: 4}", "{n_heads: 64}");
  text.replace(text.find("learned"), 7, "rope");
  CHECK(test::input_error([&] { read_text(text); }) ==
        "m.yaml:8:12: head_dim is 1; rope rotates pairs, so it must be even");
}

TEST_CASE("model file: every model of models/ is found by its name, and is called that") {
  const std::vector<std::string> names = model_names();
  CHECK(names.size() >= 90);
  for (const std::string& name : names) CHECK(find_model(name).name == name);
}

TEST_CASE("model file: an unknown name is refused with the nearest one") {
  CHECK(test::input_error([] { find_model("lama-2-7b"); }) ==
        "there is no model \"lama-2-7b\"; did you mean llama-2-7b?; `aforo models` lists the "
        "names, or give a YAML file, a config.json or the folder that holds one");
  CHECK(test::input_error([] { find_model(""); }).starts_with("there is no model \"\";"));
}

TEST_CASE("model file: a path that does not exist is no misspelt name") {
  CHECK(test::input_error([] { find_model("no/such.yaml"); }) ==
        "\"no/such.yaml\" is no file, and no folder with a config.json; `aforo models` lists the "
        "models that need no file");
  // Longer than a file name may be: the file system's own error must not escape.
  CHECK(test::input_error([] { find_model(std::string(5000, 'x') + "/"); }).find("is no file") !=
        std::string::npos);
}

TEST_CASE("model file: a YAML file, a config.json and its folder are all models") {
  const TemporaryFolder folder;
  const std::string path = folder.path().string();
  folder.write("m.yaml", shortest_model);
  folder.write("config.json",
               R"({"model_type": "gpt2", "n_layer": 2, "n_embd": 64, "n_head": 4, "vocab_size": 100,
                 "n_positions": 128})");
  CHECK(find_model(folder / "m.yaml").d_model == 64);
  CHECK(find_model(path).n_layers == 2);
  CHECK(find_model(path).name == folder.path().filename());
  CHECK(find_model(folder / "config.json") == find_model(path));
}

}  // namespace aforo
