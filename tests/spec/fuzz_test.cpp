// Every kind of file, broken at random: an InputError or an answer, never a crash. What is still
// accepted must be usable.

#include <doctest/doctest.h>

#include "planner/base/files.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"
#include "tests/base/mutate.h"
#include "tests/spec/samples.h"

namespace aforo {
namespace {

std::string data_file(const std::string& name) { return read_file(data_root() + "/" + name); }

/// What every later stage does with a model.
void use(const ModelSpec& model) {
  const ParameterCount count = count_parameters(model);
  CHECK(count.total() > 0);
  const FlopsPerToken flops = flops_per_token(model, model.max_seq_len);
  CHECK(flops.causal <= flops.full_square);
  CHECK(flops.causal > 0);
  const ActiveParameters active = count_active_parameters(model);
  CHECK(active.with_embedding <= count.total());
  CHECK(active.without_input_embedding <= active.with_embedding);
  CHECK(read_model(YamlNode::load_text(write_model(model), "again.yaml")) == model);
}

}  // namespace

TEST_CASE("fuzz: a broken model is refused or usable") {
  for (const char* name :
       {"gpt2", "gemma-3-1b", "olmo-2-7b", "deepseek-v3", "gpt-oss-20b", "llama-4-maverick"})
    test::check_mutations(
        data_file(std::string("models/") + name + ".yaml"), 71, 1500,
        [](const std::string& text) { use(read_model(YamlNode::load_text(text, "m.yaml"))); });
}

TEST_CASE("fuzz: a broken config.json is refused or usable") {
  constexpr const char* configs[] = {
      R"({"model_type": "gemma3_text", "hidden_size": 64, "intermediate_size": 128, "head_dim": 16,
          "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 2,
          "vocab_size": 100, "sliding_window": 8, "layer_types": ["sliding_attention",
          "full_attention", "sliding_attention", "full_attention", "sliding_attention",
          "full_attention"], "rope_parameters": {"full_attention": {"rope_theta": 1e6}}})",
      R"({"model_type": "mpt", "d_model": 64, "n_heads": 4, "n_layers": 2, "expansion_ratio": 4,
          "max_seq_len": 128, "vocab_size": 100, "no_bias": true,
          "attn_config": {"attn_type": "grouped_query_attention", "kv_n_heads": 2, "alibi": true}})",
      R"({"model_type": "gptj", "n_embd": 64, "n_head": 4, "n_layer": 2, "n_positions": 128,
          "rotary_dim": 8, "vocab_size": 100, "activation_function": "gelu_new"})",
      R"({"model_type": "deepseek_v3", "hidden_size": 64, "intermediate_size": 128,
          "num_hidden_layers": 3, "num_attention_heads": 4, "vocab_size": 100,
          "n_routed_experts": 8, "n_shared_experts": 2, "num_experts_per_tok": 2,
          "moe_intermediate_size": 32, "first_k_dense_replace": 1, "q_lora_rank": 16,
          "kv_lora_rank": 16, "qk_nope_head_dim": 8, "qk_rope_head_dim": 4, "v_head_dim": 8})",
      R"({"model_type": "qwen3_moe", "hidden_size": 64, "intermediate_size": 128,
          "num_hidden_layers": 4, "num_attention_heads": 4, "vocab_size": 100, "num_experts": 8,
          "num_experts_per_tok": 2, "moe_intermediate_size": 32, "decoder_sparse_step": 1,
          "mlp_only_layers": [0, 1]})"};
  for (const char* config : configs)
    test::check_mutations(config, 72, 2000, [](const std::string& text) {
      use(read_huggingface_config(text, "config.json"));
    });
}

TEST_CASE("fuzz: a broken accelerator profile is refused or usable") {
  test::check_mutations(
      data_file("profiles/accelerators/rtx-4090.yaml"), 73, 2000, [](const std::string& text) {
        const AcceleratorSpec spec = read_accelerator(YamlNode::load_text(text, "a.yaml"));
        CHECK((spec.memory / spec.memory_bandwidth).value > 0);
      });
}

TEST_CASE("fuzz: a broken price list is refused or usable") {
  const std::string whole = data_file("profiles/prices/snapshot-2026-08-23.yaml");
  std::size_t end = 0;
  for (int line = 0; line < 9; ++line) end = whole.find('\n', end) + 1;
  test::check_mutations(whole.substr(0, end), 74, 1500, [](const std::string& text) {
    for (const Offer& offer : read_prices(YamlNode::load_text(text, "p.yaml")).offers)
      CHECK(offer.price.value / offer.count >= 0);
  });
}

TEST_CASE("fuzz: a broken calibration is refused or usable") {
  constexpr const char* calibration =
      "name: x\ndate: \"2026-08-23\"\ndevice: \"some cpu, 2 threads\"\nbackend: cpu\nn_threads: 2\n"
      "memory: 8 GiB\nprocess_overhead: {fp32: 20 MiB}\ncopy_bandwidth: 10 GB/s\nop_overhead: 1 "
      "us\n"
      "gemm:\n  - {dtype: fp32, layout: nt, accumulate: true, m: 1, n: 2, k: 3, rate: 4 GFLOP/s}\n"
      "passes:\n  - {op: add, dtype: fp32, size: 100, width: 1, time: 5 us}\n";
  test::check_mutations(calibration, 75, 2000, [](const std::string& text) {
    const Calibration c = read_calibration(YamlNode::load_text(text, "c.yaml"));
    CHECK((c.memory / c.copy_bandwidth).value > 0);
    CHECK_NOTHROW(read_calibration(YamlNode::load_text(write_calibration(c), "again.yaml")));
  });
}

TEST_CASE("fuzz: a broken plan file is refused or usable") {
  test::Samples samples(76);
  for (int i = 0; i < 4; ++i)
    test::check_mutations(write_plan_file(samples.plan_file()), 77 + i, 600,
                          [](const std::string& text) {
                            const PlanFile file = read_plan_text(text, "plan.yaml");
                            CHECK(file.job.n_steps() > 0);
                            CHECK(read_plan_text(write_plan_file(file), "again.yaml") == file);
                          });
}

TEST_CASE("fuzz: every prefix of a file is refused or usable") {
  const std::string model = data_file("models/gpt2.yaml");
  test::Samples samples(78);
  const std::string plan = write_plan_file(samples.plan_file());
  for (std::size_t n = 0; n < model.size(); ++n) {
    try {
      use(read_model(YamlNode::load_text(model.substr(0, n), "m.yaml")));
    } catch (const InputError&) {
    }
  }
  for (std::size_t n = 0; n < plan.size(); ++n) {
    try {
      read_plan_text(plan.substr(0, n), "plan.yaml");
    } catch (const InputError&) {
    }
  }
}

}  // namespace aforo
