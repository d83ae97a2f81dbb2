#include "planner/validate/notes_of_run.h"

#include <algorithm>
#include <cstdlib>
#include <regex>

namespace aforo::validate {
namespace {

bool says(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text.find(word) != std::string::npos; });
}

int number_of(const Run& run, const std::string& name) {
  const std::string value = flag_of(run, name);
  return value.empty() ? 0 : std::atoi(value.c_str());
}

bool is_set(const Run& run, const std::string& name) { return flag_of(run, name) == "True"; }

/// "([0]*3+[1]*12)": how many layers in front are dense.
int dense_in_front(const Run& run) {
  int n = 0;
  const std::string frequency = flag_of(run, "moe-layer-freq");
  return std::sscanf(frequency.c_str(), "([0]*%d", &n) == 1 ? n : 0;
}

void apply_experts(const Run& run, ModelSpec& model) {
  const int n_experts = number_of(run, "num-experts");
  if (n_experts == 0) return;
  model.moe.n_experts = n_experts;
  model.moe.top_k = std::max(1, number_of(run, "moe-router-topk"));
  const int d_ff = number_of(run, "moe-ffn-hidden-size");
  model.moe.d_ff = d_ff > 0 ? d_ff : model.mlp.d_ff;
  model.moe.first_dense_layers = dense_in_front(run);
}

/// Megatron-Core's defaults of --multi-latent-attention.
void apply_latent_attention(const Run& run, ModelSpec& model) {
  if (!is_set(run, "multi-latent-attention")) return;
  model.attention.mla = {.q_lora_rank = 512,
                         .kv_lora_rank = 512,
                         .qk_nope_head_dim = 128,
                         .qk_rope_head_dim = 64,
                         .v_head_dim = 128};
  model.attention.head_dim = 128 + 64;
}

void apply_adapters(const Run& run, fast::Setup& setup) {
  std::smatch match;
  static const std::regex form(R"(LoRA r=(\d+) on ([^;(]*))");
  if (!std::regex_search(run.notes, match, form)) {
    // NeMo's recipes train adapters of the joint q, k, v product unless others are named.
    if (run.framework.starts_with("NeMo") && setup.method == Method::lora)
      setup.lora.attention_out = setup.lora.mlp = false;
    return;
  }
  setup.lora.rank = std::stoi(match[1]);
  const std::string where = match[2];
  const bool everywhere = says(where, {"ALL", "all linear"});
  setup.lora.attention_out = everywhere || says(where, {"proj", ",o "});
  setup.lora.mlp = everywhere || says(where, {"mlp", "MLP"});
}

/// Frozen weights: NF4 has a scale per 64 elements of 4 bytes, of 1 where those are quantized too.
void apply_frozen(const Run& run, const fast::EngineSpec& engine, fast::Setup& setup) {
  const std::string& text = run.precision;
  if (setup.method == Method::lora && says(text, {"mixed"})) {
    setup.frozen_bytes = 6;  // fp32, and the 16-bit casts that backward reads
  } else if (setup.method == Method::lora && engine.name == "megatron" &&
             setup.matrix >= fast::MatrixType::fp8) {
    setup.frozen_bytes = 1;  // fp8 is the only copy of a weight that no optimizer reads
  } else if (setup.method == Method::qlora) {
    setup.frozen_bytes = says(text, {"int8"})  ? 1
                         : says(text, {"-dq"}) ? 0.5 + 1.0 / 64
                                               : 0.5 + 4.0 / 64;
    // peft's prepare_model_for_kbit_training casts what is not quantized to fp32.
    if (engine.name == "transformers" && says(text, {"NF4", "nf4", "bnb"}))
      setup.unquantized_bytes = 4;
  }
}

void apply_adapter_kind(const Run& run, fast::Setup& setup) {
  if (!says(run.task, {"adapter"})) return;
  const bool second = says(run.task, {"adapter_v2"});
  setup.adapter = second ? fast::AdapterKind::scale : fast::AdapterKind::prompt;
  setup.lora.rank = 1;
}

}  // namespace

std::string flag_of(const Run& run, const std::string& name) {
  const std::string key = name + "=";
  for (std::size_t at = run.notes.find(key); at != std::string::npos;
       at = run.notes.find(key, at + 1)) {
    const bool whole = at == 0 || run.notes[at - 1] == ' ';
    if (!whole) continue;
    const std::size_t begin = at + key.size();
    return run.notes.substr(begin, run.notes.find_first_of(" ;", begin) - begin);
  }
  return "";
}

int seq_len_of(const Run& run, std::vector<std::string>& assumptions) {
  constexpr int longest_of_alpaca = 1024;  // 1034 to 1079 with the tokenizers that litgpt lists
  const bool alpaca = run.seq_len == 0 && says(run.notes, {"Alpaca", "alpaca"});
  if (!alpaca && !says(run.notes, {"unpacked: short samples"})) return run.seq_len;
  assumptions.push_back("seq_len: 1024, Alpaca's longest sample");
  return longest_of_alpaca;
}

void apply_model_notes(const Run& run, ModelSpec& model) {
  if (!flag_of(run, "transformer-impl").empty()) {  // Megatron-Core: what is not a flag is off
    const bool gated = is_set(run, "swiglu");
    model.mlp.activation = gated ? ActivationKind::swiglu : ActivationKind::gelu;
    model.tie_embeddings = !is_set(run, "untie-embeddings-and-output-weights");
    const bool rope = flag_of(run, "position-embedding-type") == "rope";
    model.position.kind = rope ? PositionKind::rope : PositionKind::learned;
  }
  apply_experts(run, model);
  apply_latent_attention(run, model);
}

void apply_memory_notes(const Run& run, const fast::EngineSpec& engine, fast::Setup& setup) {
  const std::string text = run.notes + "; " + run.optimizer;
  setup.style = engine.style_of(run.framework);
  setup.expert_tp = number_of(run, "expert-tensor-parallel-size");
  setup.deterministic = is_set(run, "deterministic-mode");
  setup.variable_lengths = says(run.notes, {"lengths vary", "variable lengths"});
  setup.naive_pipeline = says(run.sharding_detail, {"naive layer split"});
  if (says(run.notes, {"chunked cross entropy", "cross-entropy-loss-fusion=True"}))
    setup.fused_loss = true;
  setup.loss_chunks = std::max(1, number_of(run, "lmhead-chunks"));
  if (says(run.model_name, {"LoRA r=16 (MLPerf)"})) setup.lora.mlp = false;  // attention only
  if (says(text, {"fused into backward"})) setup.optimizer_in_backward = true;
  if (says(text, {"Paged"})) setup.offload_states = OffloadTo::cpu;  // unified memory
  if (says(run.mem_detail, {"LAST rank"})) setup.report_stage = setup.parallel.pp - 1;
  setup.ends_count_as_layers = says(run.notes, {"type:transformer|embedding"}) ||
                               says(run.model_name, {"account_for_embedding_loss"});
  if (!flag_of(run, "transformer-impl").empty()) {
    setup.dropout = true;  // 0.1 unless a flag says otherwise
    setup.parallel.vpp = std::max(1, run.vpp);
    setup.parallel.sequence_parallel = setup.parallel.tp > 1 && is_set(run, "sequence-parallel");
    if (flag_of(run, "attention-backend") == "unfused") setup.flash_attention = false;
  }
  if (run.framework.starts_with("torchtitan") && setup.compiled && run.date >= "2025")
    setup.fused_loss = true;  // it compiles the loss too since then
  // bitsandbytes multiplies in fp32 unless a compute type is set, which these runs did not.
  setup.quantized_fp32 = setup.method == Method::qlora && says(run.notes, {"fp32 casts"});
  apply_adapters(run, setup);
  apply_adapter_kind(run, setup);
  apply_frozen(run, engine, setup);
}

}  // namespace aforo::validate
