// Hugging Face config.json files against the models of models/, whose parameter counts are
// published.

#include <doctest/doctest.h>

#include "planner/spec/model_file.h"
#include "tests/base/thrown.h"

namespace aforo {
namespace {

struct Example {
  const char* model;  ///< in models/
  const char* config;
};

/// The keys that say something; values as published with the models.
constexpr Example examples[] = {
    {"bloom-560m", R"({"model_type": "bloom", "n_embed": 1024, "n_layer": 24,
      "num_attention_heads": 16, "vocab_size": 250880, "seq_length": 2048,
      "layer_norm_epsilon": 1e-05, "apply_residual_connection_post_layernorm": false})"},
    {"falcon-7b", R"({"model_type": "falcon", "hidden_size": 4544, "num_attention_heads": 71,
      "num_hidden_layers": 32, "num_kv_heads": 71, "vocab_size": 65024, "multi_query": true,
      "parallel_attn": true, "new_decoder_architecture": false, "bias": false, "alibi": false,
      "layer_norm_epsilon": 1e-05})"},
    {"falcon-rw-1b", R"({"model_type": "falcon", "hidden_size": 2048, "num_attention_heads": 32,
      "num_hidden_layers": 24, "vocab_size": 50304, "multi_query": false, "parallel_attn": false,
      "new_decoder_architecture": false, "bias": true, "alibi": true})"},
    {"falcon-180b", R"({"model_type": "falcon", "hidden_size": 14848, "num_attention_heads": 232,
      "num_hidden_layers": 80, "num_kv_heads": 8, "vocab_size": 65024,
      "new_decoder_architecture": true, "tie_word_embeddings": false})"},
    {"gemma-2b", R"({"model_type": "gemma", "hidden_act": "gelu", "hidden_activation": null,
      "hidden_size": 2048, "intermediate_size": 16384, "num_attention_heads": 8, "head_dim": 256,
      "num_hidden_layers": 18, "num_key_value_heads": 1, "vocab_size": 256000,
      "max_position_embeddings": 8192, "rms_norm_eps": 1e-06, "rope_theta": 10000.0})"},
    {"gemma-2-2b", R"({"model_type": "gemma2", "hidden_activation": "gelu_pytorch_tanh",
      "hidden_size": 2304, "intermediate_size": 9216, "num_attention_heads": 8, "head_dim": 256,
      "num_hidden_layers": 26, "num_key_value_heads": 4, "vocab_size": 256000,
      "max_position_embeddings": 8192, "sliding_window": 4096, "final_logit_softcapping": 30.0})"},
    {"gemma-3-1b", R"({"model_type": "gemma3_text", "hidden_activation": "gelu_pytorch_tanh",
      "hidden_size": 1152, "intermediate_size": 6912, "num_attention_heads": 4, "head_dim": 256,
      "num_hidden_layers": 26, "num_key_value_heads": 1, "vocab_size": 262144,
      "max_position_embeddings": 32768, "sliding_window": 512, "sliding_window_pattern": 6,
      "rope_theta": 1000000, "rope_local_base_freq": 10000})"},
    {"gpt2", R"({"model_type": "gpt2", "activation_function": "gelu_new", "n_ctx": 1024,
      "n_embd": 768, "n_head": 12, "n_layer": 12, "n_positions": 1024, "n_inner": null,
      "vocab_size": 50257, "layer_norm_epsilon": 1e-05})"},
    {"pythia-160m", R"({"model_type": "gpt_neox", "hidden_size": 768, "intermediate_size": 3072,
      "num_attention_heads": 12, "num_hidden_layers": 12, "vocab_size": 50304, "hidden_act": "gelu",
      "max_position_embeddings": 2048, "rotary_pct": 0.25, "rotary_emb_base": 10000,
      "layer_norm_eps": 1e-05, "tie_word_embeddings": false, "use_parallel_residual": true})"},
    {"gpt-j-6b", R"({"model_type": "gptj", "n_embd": 4096, "n_head": 16, "n_layer": 28,
      "n_positions": 2048, "rotary_dim": 64, "vocab_size": 50400,
      "activation_function": "gelu_new", "tie_word_embeddings": false})"},
    {"llama-2-7b", R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 11008,
      "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
      "vocab_size": 32000, "max_position_embeddings": 4096, "rms_norm_eps": 1e-05,
      "hidden_act": "silu", "rope_scaling": null, "tie_word_embeddings": false})"},
    {"llama-3.2-1b", R"({"model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192,
      "num_attention_heads": 32, "head_dim": 64, "num_hidden_layers": 16, "num_key_value_heads": 8,
      "vocab_size": 128256, "max_position_embeddings": 131072, "rms_norm_eps": 1e-05,
      "rope_theta": 500000.0, "rope_scaling": {"factor": 32.0, "rope_type": "llama3"},
      "tie_word_embeddings": true})"},
    {"smollm2-135m", R"({"model_type": "llama", "hidden_size": 576, "intermediate_size": 1536,
      "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3,
      "vocab_size": 49152, "max_position_embeddings": 8192, "rms_norm_eps": 1e-05,
      "rope_theta": 100000, "tie_word_embeddings": true})"},
    {"mistral-7b-v0.1", R"({"model_type": "mistral", "hidden_size": 4096,
      "intermediate_size": 14336, "num_attention_heads": 32, "num_hidden_layers": 32,
      "num_key_value_heads": 8, "vocab_size": 32000, "max_position_embeddings": 32768,
      "sliding_window": 4096, "rms_norm_eps": 1e-05, "rope_theta": 10000.0})"},
    {"mistral-7b-v0.3", R"({"model_type": "mistral", "hidden_size": 4096,
      "intermediate_size": 14336, "num_attention_heads": 32, "num_hidden_layers": 32,
      "num_key_value_heads": 8, "vocab_size": 32768, "max_position_embeddings": 32768,
      "sliding_window": null, "rms_norm_eps": 1e-05, "rope_theta": 1000000.0})"},
    {"mpt-foundry-1b", R"({"model_type": "mpt", "d_model": 2048, "n_heads": 16, "n_layers": 24,
      "expansion_ratio": 4, "max_seq_len": 2048, "vocab_size": 50368, "no_bias": false,
      "learned_pos_emb": true, "attn_config": {"attn_type": "multihead_attention", "alibi": false}})"},
    {"olmo-7b", R"({"model_type": "olmo", "hidden_size": 4096, "intermediate_size": 11008,
      "num_attention_heads": 32, "num_hidden_layers": 32, "vocab_size": 50304,
      "max_position_embeddings": 2048, "tie_word_embeddings": false})"},
    {"olmo-2-7b", R"({"model_type": "olmo2", "hidden_size": 4096, "intermediate_size": 11008,
      "num_attention_heads": 32, "num_hidden_layers": 32, "vocab_size": 100352,
      "max_position_embeddings": 4096, "rms_norm_eps": 1e-06, "rope_theta": 500000})"},
    {"olmo-3-7b", R"({"model_type": "olmo3", "hidden_size": 4096, "intermediate_size": 11008,
      "num_attention_heads": 32, "num_hidden_layers": 32, "vocab_size": 100278,
      "max_position_embeddings": 65536, "rms_norm_eps": 1e-06, "sliding_window": 4096})"},
    {"phi-2", R"({"model_type": "phi", "hidden_size": 2560, "intermediate_size": 10240,
      "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
      "vocab_size": 51200, "max_position_embeddings": 2048, "partial_rotary_factor": 0.4,
      "hidden_act": "gelu_new", "layer_norm_eps": 1e-05, "qk_layernorm": false})"},
    {"phi-3-mini-4k", R"({"model_type": "phi3", "hidden_size": 3072, "intermediate_size": 8192,
      "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
      "vocab_size": 32064, "max_position_embeddings": 4096, "sliding_window": 2047,
      "rms_norm_eps": 1e-05})"},
    {"qwen2.5-0.5b", R"({"model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864,
      "num_attention_heads": 14, "num_hidden_layers": 24, "num_key_value_heads": 2,
      "vocab_size": 151936, "max_position_embeddings": 32768, "rms_norm_eps": 1e-06,
      "rope_theta": 1000000.0, "sliding_window": 32768, "use_sliding_window": false,
      "max_window_layers": 24, "tie_word_embeddings": true})"},
    {"qwen3-0.6b", R"({"model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072,
      "num_attention_heads": 16, "head_dim": 128, "num_hidden_layers": 28,
      "num_key_value_heads": 8, "vocab_size": 151936, "max_position_embeddings": 40960,
      "rms_norm_eps": 1e-06, "rope_theta": 1000000, "use_sliding_window": false,
      "attention_bias": false, "tie_word_embeddings": true})"},
    {"mixtral-8x7b", R"({"model_type": "mixtral", "hidden_size": 4096, "intermediate_size": 14336,
      "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
      "num_local_experts": 8, "num_experts_per_tok": 2, "router_aux_loss_coef": 0.02,
      "vocab_size": 32000, "max_position_embeddings": 32768, "sliding_window": null,
      "rms_norm_eps": 1e-05, "rope_theta": 1000000.0, "tie_word_embeddings": false})"},
    {"qwen1.5-moe-a2.7b", R"({"model_type": "qwen2_moe", "hidden_size": 2048,
      "intermediate_size": 5632, "moe_intermediate_size": 1408, "num_attention_heads": 16,
      "num_hidden_layers": 24, "num_key_value_heads": 16, "num_experts": 60,
      "num_experts_per_tok": 4, "shared_expert_intermediate_size": 5632, "decoder_sparse_step": 1,
      "vocab_size": 151936, "max_position_embeddings": 8192, "rms_norm_eps": 1e-06,
      "rope_theta": 1000000.0, "sliding_window": 32768, "use_sliding_window": false,
      "max_window_layers": 21, "tie_word_embeddings": false})"},
    {"qwen3-30b-a3b", R"({"model_type": "qwen3_moe", "hidden_size": 2048,
      "intermediate_size": 6144, "moe_intermediate_size": 768, "num_attention_heads": 32,
      "head_dim": 128, "num_hidden_layers": 48, "num_key_value_heads": 4, "num_experts": 128,
      "num_experts_per_tok": 8, "decoder_sparse_step": 1, "mlp_only_layers": [],
      "vocab_size": 151936, "max_position_embeddings": 40960, "rms_norm_eps": 1e-06,
      "rope_theta": 1000000.0, "sliding_window": null, "use_sliding_window": false,
      "attention_bias": false, "tie_word_embeddings": false})"},
    {"deepseek-moe-16b", R"({"model_type": "deepseek", "hidden_size": 2048,
      "intermediate_size": 10944, "moe_intermediate_size": 1408, "num_attention_heads": 16,
      "num_hidden_layers": 28, "num_key_value_heads": 16, "n_routed_experts": 64,
      "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1,
      "moe_layer_freq": 1, "vocab_size": 102400, "max_position_embeddings": 4096,
      "rms_norm_eps": 1e-06, "rope_theta": 10000, "tie_word_embeddings": false})"},
    {"deepseek-v2-lite", R"({"model_type": "deepseek_v2", "hidden_size": 2048,
      "intermediate_size": 10944, "moe_intermediate_size": 1408, "num_attention_heads": 16,
      "num_hidden_layers": 27, "num_key_value_heads": 16, "n_routed_experts": 64,
      "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1,
      "moe_layer_freq": 1, "q_lora_rank": null, "kv_lora_rank": 512, "qk_nope_head_dim": 128,
      "qk_rope_head_dim": 64, "v_head_dim": 128, "vocab_size": 102400,
      "max_position_embeddings": 163840, "rms_norm_eps": 1e-06, "rope_theta": 10000,
      "attention_bias": false, "tie_word_embeddings": false})"},
    {"deepseek-v3", R"({"model_type": "deepseek_v3", "hidden_size": 7168,
      "intermediate_size": 18432, "moe_intermediate_size": 2048, "num_attention_heads": 128,
      "num_hidden_layers": 61, "num_key_value_heads": 128, "n_routed_experts": 256,
      "n_shared_experts": 1, "num_experts_per_tok": 8, "first_k_dense_replace": 3,
      "moe_layer_freq": 1, "num_nextn_predict_layers": 1, "q_lora_rank": 1536,
      "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
      "vocab_size": 129280, "max_position_embeddings": 163840, "rms_norm_eps": 1e-06,
      "rope_theta": 10000, "attention_bias": false, "tie_word_embeddings": false})"},
    {"olmoe-1b-7b", R"({"model_type": "olmoe", "hidden_size": 2048, "intermediate_size": 1024,
      "num_attention_heads": 16, "num_hidden_layers": 16, "num_key_value_heads": 16,
      "num_experts": 64, "num_experts_per_tok": 8, "norm_topk_prob": false, "clip_qkv": null,
      "vocab_size": 50304, "max_position_embeddings": 4096, "rms_norm_eps": 1e-05,
      "rope_theta": 10000.0, "attention_bias": false, "tie_word_embeddings": false})"},
    {"gpt-oss-20b", R"({"model_type": "gpt_oss", "hidden_size": 2880, "intermediate_size": 2880,
      "num_attention_heads": 64, "head_dim": 64, "num_hidden_layers": 24,
      "num_key_value_heads": 8, "num_local_experts": 32, "experts_per_token": 4,
      "num_experts_per_tok": 4, "sliding_window": 128, "attention_bias": true,
      "swiglu_limit": 7.0, "vocab_size": 201088, "max_position_embeddings": 131072,
      "initial_context_length": 4096, "rms_norm_eps": 1e-05, "rope_theta": 150000,
      "tie_word_embeddings": false})"},
    {"llama-4-maverick", R"({"model_type": "llama4_text", "hidden_size": 5120,
      "intermediate_size": 8192, "intermediate_size_mlp": 16384, "num_attention_heads": 40,
      "head_dim": 128, "num_hidden_layers": 48, "num_key_value_heads": 8,
      "num_local_experts": 128, "num_experts_per_tok": 1, "interleave_moe_layer_step": 2,
      "vocab_size": 202048, "max_position_embeddings": 1048576, "rms_norm_eps": 1e-05,
      "rope_theta": 500000.0, "use_qk_norm": false, "attention_chunk_size": 8192,
      "attention_bias": false})"},
    {"smollm3-3b", R"({"model_type": "smollm3", "hidden_size": 2048, "intermediate_size": 11008,
      "num_attention_heads": 16, "num_hidden_layers": 36, "num_key_value_heads": 4,
      "vocab_size": 128256, "max_position_embeddings": 65536, "rms_norm_eps": 1e-06,
      "rope_theta": 5000000.0, "use_sliding_window": false})"},
};

ModelSpec read_config(const std::string& config) {
  return read_huggingface_config(config, "config.json");
}

std::string error_of(const std::string& config) {
  return test::input_error([&] { read_config(config); });
}

/// A tiny Llama with more keys.
std::string llama_with(const std::string& more) {
  return R"({"model_type": "llama", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 6,
             "num_attention_heads": 4, "vocab_size": 100)" +
         more + "}";
}
std::string typed(std::string config, const std::string& type) {
  config.replace(config.find("llama"), 5, type);
  return config;
}

}  // namespace

TEST_CASE("hugging face: a config.json gives the model that models/ has, to the last parameter") {
  for (const Example& example : examples) {
    CAPTURE(example.model);
    ModelSpec got = read_config(example.config), want = find_model(example.model);
    if (want.n_params) CHECK(count_parameters(got).total() == want.n_params);
    CHECK(got.embedding_scale == doctest::Approx(want.embedding_scale));
    // What a config.json does not say, or says with more digits.
    got.name = want.name;
    got.n_params = want.n_params;
    got.embedding_scale = want.embedding_scale;
    CHECK(write_model(got) == write_model(want));
  }
}

TEST_CASE("hugging face: opt's position table has two rows more than positions") {
  const ModelSpec m = read_config(R"({"model_type": "opt", "hidden_size": 768, "ffn_dim": 3072,
      "num_attention_heads": 12, "num_hidden_layers": 12, "vocab_size": 50272,
      "max_position_embeddings": 2048, "word_embed_proj_dim": 768, "activation_function": "relu"})");
  CHECK(m.learned_rows() == 2050);
  CHECK(count_parameters(m).total() == *find_model("opt-125m").n_params + 2 * 768);
}

TEST_CASE("hugging face: new files keep rope's numbers in rope_parameters") {
  const ModelSpec plain = read_config(
      llama_with(R"(, "rope_parameters": {"rope_theta": 5e5, "partial_rotary_factor": 0.5})"));
  CHECK(plain.position.theta == 5e5);
  CHECK(plain.position.fraction == 0.5);
  const ModelSpec by_type = read_config(llama_with(
      R"(, "rope_parameters": {"full_attention": {"rope_theta": 7e5}, "sliding_attention": {}})"));
  CHECK(by_type.position.theta == 7e5);
}

TEST_CASE("hugging face: layer_types with every k-th layer full is a window pattern") {
  const auto types = [](const char* list) {
    return read_config(
               typed(llama_with(std::string(R"(, "sliding_window": 8, "layer_types": )") + list),
                     "mistral"))
        .attention;
  };
  constexpr const char* every_third =
      R"(["sliding_attention", "sliding_attention", "full_attention",
          "sliding_attention", "sliding_attention", "full_attention"])";
  CHECK(types(every_third).sliding_window == 8);
  CHECK(types(every_third).full_attention_every == 3);
  constexpr const char* all_full =
      R"(["full_attention", "full_attention", "full_attention",
          "full_attention", "full_attention", "full_attention"])";
  CHECK(types(all_full).sliding_window == 0);
  const auto error = [&](const char* list) { return test::input_error([&] { types(list); }); };
  CHECK(error(R"(["full_attention", "sliding_attention", "sliding_attention",
                  "sliding_attention", "sliding_attention", "full_attention"])") ==
        "config.json: layer_types mixes full and sliding layers, not with every k-th full; that is "
        "not supported");
  CHECK(error(R"(["full_attention"])") ==
        "config.json: layer_types has 1 entries, but num_hidden_layers is 6");
  CHECK(error(R"(["linear_attention"])") ==
        "config.json: layer_types[0] is \"linear_attention\"; supported are full_attention and "
        "sliding_attention");
}

TEST_CASE("hugging face: qwen's window counts only if it is used, and not in some layers") {
  const auto qwen = [](const char* more) { return read_config(typed(llama_with(more), "qwen2")); };
  CHECK(qwen(R"(, "sliding_window": 8)").attention.sliding_window == 0);
  CHECK(qwen(R"(, "sliding_window": 8, "use_sliding_window": true, "max_window_layers": 0)")
            .attention.sliding_window == 8);
  CHECK(qwen(R"(, "sliding_window": 8, "use_sliding_window": true, "max_window_layers": 6)")
            .attention.sliding_window == 0);
  CHECK(test::input_error([&] {
          qwen(R"(, "sliding_window": 8, "use_sliding_window": true, "max_window_layers": 3)");
        }) ==
        "config.json: max_window_layers is 3 of 6 layers; a window in some layers at the end is "
        "not supported");
}

TEST_CASE("hugging face: layers with experts are every k-th one after some dense ones") {
  const auto moe = [](const std::string& more) {
    return read_config(typed(llama_with(R"(, "num_experts": 8, "num_experts_per_tok": 2,
                                    "moe_intermediate_size": 32)" +
                                        more),
                             "qwen3_moe"));
  };
  CHECK(moe("").n_moe_layers() == 6);
  CHECK(moe("").mlp.d_ff == 0);
  CHECK(moe(R"(, "decoder_sparse_step": 2)").moe.every == 2);
  CHECK(moe(R"(, "decoder_sparse_step": 2)").mlp.d_ff == 128);
  CHECK(moe(R"(, "mlp_only_layers": [1, 0])").moe.first_dense_layers == 2);
  CHECK(moe(R"(, "decoder_sparse_step": 2, "mlp_only_layers": [1])").moe.first_dense_layers == 2);
  CHECK_FALSE(moe(R"(, "mlp_only_layers": [0, 1, 2, 3, 4, 5])").is_moe());
  const auto error = [&](const char* more) { return test::input_error([&] { moe(more); }); };
  CHECK(error(R"(, "mlp_only_layers": [2])") ==
        "config.json: mlp_only_layers gives experts to layers that are not every k-th one after "
        "some dense ones; that is not supported");
  CHECK(error(R"(, "mlp_only_layers": [6])") ==
        "config.json: mlp_only_layers[0] is 6; expected 0 to 5");
  CHECK(error(R"(, "num_experts_per_tok": 9)").find("top_k") != std::string::npos);
}

TEST_CASE("hugging face: deepseek's dense front, layer period and absent experts") {
  const auto deepseek = [](const std::string& more) {
    return read_config(typed(llama_with(R"(, "moe_intermediate_size": 32, "n_shared_experts": 3,
                                    "num_experts_per_tok": 2)" +
                                        more),
                             "deepseek"));
  };
  CHECK_FALSE(deepseek("").is_moe());
  CHECK(deepseek("").mlp.d_ff == 128);
  const ModelSpec m =
      deepseek(R"(, "n_routed_experts": 8, "first_k_dense_replace": 3, "moe_layer_freq": 2)");
  CHECK(m.moe == MoeSpec{8, 2, 32, 96, false, 3, 2, false, false});
  CHECK(m.n_moe_layers() == 1);
  CHECK(test::input_error([&] { deepseek(R"(, "n_routed_experts": 8, "moe_layer_freq": 2)"); }) ==
        "config.json: moe_layer_freq gives experts to layers that are not every k-th one after "
        "some dense ones; that is not supported");
}

TEST_CASE("hugging face: llama 4 may list its layers with experts, and the list wins") {
  const auto llama4 = [](const std::string& more) {
    return read_config(
        typed(llama_with(R"(, "num_local_experts": 4, "intermediate_size_mlp": 256)" + more),
              "llama4_text"));
  };
  CHECK(llama4("").n_dense_layers() == 0);
  const ModelSpec listed = llama4(R"(, "moe_layers": [1, 3, 5])");
  CHECK(listed.moe.every == 2);
  CHECK(listed.mlp.d_ff == 256);
  CHECK(listed.moe.d_ff_shared == 128);
  CHECK(test::input_error([&] { llama4(R"(, "moe_layers": [1, 2, 5])"); }).find("moe_layers") !=
        std::string::npos);
}

TEST_CASE("hugging face: an absent q_lora_rank is that of the class, null is none") {
  const auto rank = [](const std::string& more) {
    return read_config(typed(llama_with(R"(, "kv_lora_rank": 16, "qk_nope_head_dim": 8,
                                    "qk_rope_head_dim": 4, "v_head_dim": 8)" +
                                        more),
                             "deepseek_v2"))
        .attention.mla.q_lora_rank;
  };
  CHECK(rank("") == 1536);
  CHECK(rank(R"(, "q_lora_rank": null)") == 0);
  CHECK(rank(R"(, "q_lora_rank": 24)") == 24);
  CHECK(error_of(typed(llama_with(R"(, "kv_lora_rank": 16, "qk_nope_head_dim": 8,
                                     "qk_rope_head_dim": 4)"),
                       "deepseek_v2")) == "config.json: key \"v_head_dim\" is missing");
}

TEST_CASE("hugging face: the model is called by its path, its folder or its type") {
  CHECK(read_config(llama_with(R"(, "_name_or_path": "meta-llama/Llama-2-7b-hf")")).name ==
        "Llama-2-7b-hf");
  CHECK(read_huggingface_config(llama_with(""), "/models/mine/config.json").name == "mine");
  CHECK(read_config(llama_with("")).name == "llama");
}

TEST_CASE("hugging face: what is not supported is refused by the key that says so") {
  CHECK(error_of(llama_with(R"(, "num_local_experts": 8)")) ==
        "config.json: num_local_experts is 8, but models of type llama are read without experts");
  CHECK(error_of(llama_with(R"(, "kv_lora_rank": 512)")) ==
        "config.json: kv_lora_rank is 512, but models of type llama are read without latent "
        "attention");
  CHECK(error_of(R"({"model_type": "dbrx", "num_local_experts": 8})")
            .starts_with("config.json: model_type is \"dbrx\"; supported are bloom, deepseek,"));
  CHECK(error_of(R"({"model_type": "t5", "is_encoder_decoder": true})").find("encoders are not") !=
        std::string::npos);
  CHECK(error_of(R"({"model_type": "gemma3", "text_config": {}})") ==
        "config.json: text_config: this wraps a text model; give that object as a file of its own");
  CHECK(error_of(R"({"model_type": "lama"})").find("did you mean llama?") != std::string::npos);
  CHECK(error_of(R"({})").starts_with("config.json: model_type is \"\"; supported are bloom,"));
}

TEST_CASE("hugging face: missing, mistyped and impossible values are refused with the key") {
  CHECK(error_of(R"({"model_type": "llama", "num_hidden_layers": 6})") ==
        "config.json: key \"hidden_size\" is missing");
  CHECK(error_of(llama_with(R"(, "tie_word_embeddings": 1)")) ==
        "config.json: tie_word_embeddings is 1; expected true or false");
  CHECK(error_of(llama_with(R"(, "num_key_value_heads": 3)")) ==
        "config.json: n_kv_heads is 3, which does not divide n_heads (4)");
  CHECK(error_of(llama_with(R"(, "hidden_act": "tanh")")) ==
        "config.json: hidden_act is \"tanh\"; supported are silu and gelu in a gated MLP");
  CHECK(error_of(R"({"model_type": "gpt2", "n_layer": 1, "n_embd": 10, "n_head": 3,
                     "vocab_size": 9})") ==
        "config.json: num_attention_heads is 3, which does not divide hidden_size (10)");
  CHECK(error_of("[]") == "config.json: expected a JSON object, as in a Hugging Face config.json");
  CHECK(error_of("{\n\"model_type\": }") == "config.json:2:15: not JSON: syntax error");
}

}  // namespace aforo
