#pragma once
// Small jobs and plans that tests share.

#include <random>
#include <vector>

#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo::tiny {

/// GPT-2 kind: learned positions, layer norm, biases, tied head.
inline ModelSpec gpt2(int n_layers = 2) {
  ModelSpec model;
  model.name = "gpt2-tiny";
  model.n_layers = n_layers;
  model.d_model = 32;
  model.vocab_size = 61;
  model.max_seq_len = 16;
  model.tie_embeddings = true;
  model.position.kind = PositionKind::learned;
  model.norm = {NormKind::layer_norm, 1e-5, true, true};
  model.attention.n_heads = model.attention.n_kv_heads = 4;
  model.attention.head_dim = 8;
  model.attention.qkv_bias = model.attention.out_bias = true;
  model.mlp = {128, ActivationKind::gelu_tanh, true};
  return model;
}

/// Llama kind: rope, RMS norm, SwiGLU, grouped queries, untied head.
inline ModelSpec llama(int n_layers = 2) {
  ModelSpec model;
  model.name = "llama-tiny";
  model.n_layers = n_layers;
  model.d_model = 32;
  model.vocab_size = 61;
  model.max_seq_len = 16;
  model.attention.n_heads = 4;
  model.attention.n_kv_heads = 2;
  model.attention.head_dim = 8;
  model.mlp = {48, ActivationKind::swiglu, false};
  return model;
}

/// Llama with q/k norm per head and a sliding window of 5.
inline ModelSpec llama_qk_norm(int n_layers = 2) {
  ModelSpec model = llama(n_layers);
  model.name = "llama-qknorm-tiny";
  model.attention.qk_norm = QkNormKind::per_head;
  model.attention.sliding_window = 5;
  return model;
}

/// GPT-NeoX kind: attention and mlp side by side, rope on half of each head, exact gelu.
inline ModelSpec neox(int n_layers = 2) {
  ModelSpec model = gpt2(n_layers);
  model.name = "neox-tiny";
  model.tie_embeddings = false;
  model.position.kind = PositionKind::rope;
  model.position.fraction = 0.5;
  model.block = BlockKind::parallel;
  model.mlp.activation = ActivationKind::gelu;
  return model;
}

/// GPT-J kind: one norm for both branches.
inline ModelSpec gptj(int n_layers = 2) {
  ModelSpec model = neox(n_layers);
  model.name = "gptj-tiny";
  model.block = BlockKind::parallel_one_norm;
  model.lm_head_bias = true;
  return model;
}

/// OLMo 2 kind: norms on the branch outputs, q/k norm over all heads.
inline ModelSpec olmo2(int n_layers = 2) {
  ModelSpec model = llama(n_layers);
  model.name = "olmo2-tiny";
  model.block = BlockKind::post_norm;
  model.attention.qk_norm = QkNormKind::full;
  return model;
}

/// Gemma kind: four norms a layer, GeGLU, tied and scaled embedding, every second layer with a
/// window.
inline ModelSpec gemma(int n_layers = 2) {
  ModelSpec model = llama(n_layers);
  model.name = "gemma-tiny";
  model.block = BlockKind::sandwich;
  model.mlp.activation = ActivationKind::geglu;
  model.tie_embeddings = true;
  model.embedding_scale = 5.65685425;
  model.attention.sliding_window = 7;
  model.attention.full_attention_every = 2;
  return model;
}

/// BLOOM kind: ALiBi and a norm after the embedding.
inline ModelSpec bloom(int n_layers = 2) {
  ModelSpec model = gpt2(n_layers);
  model.name = "bloom-tiny";
  model.position.kind = PositionKind::alibi;
  model.embedding_norm = true;
  return model;
}

inline std::vector<ModelSpec> all_models(int n_layers = 2) {
  return {gpt2(n_layers), llama(n_layers), llama_qk_norm(n_layers), neox(n_layers),
          gptj(n_layers), olmo2(n_layers), gemma(n_layers),         bloom(n_layers)};
}

inline TrainingJob job(ModelSpec model, int global_batch_size = 4, int seq_len = 16) {
  TrainingJob job;
  job.model = std::move(model);
  job.seq_len = seq_len;
  job.global_batch_size = global_batch_size;
  job.n_tokens = 10 * job.tokens_per_step();
  return job;
}

inline Plan plan(const TrainingJob& job, Precision precision, Recompute recompute,
                 int micro_batch_size) {
  Plan plan;
  plan.precision = precision;
  plan.recompute.assign(job.model.n_layers, recompute);
  plan.micro_batch_size = micro_batch_size;
  return plan;
}

inline const std::vector<Precision> precisions = {Precision::fp32, Precision::bf16,
                                                  Precision::fp16};
inline const std::vector<Recompute> recomputes = {Recompute::none, Recompute::selective,
                                                  Recompute::full};

/// A random plan of a random tiny job: the properties of lowering must hold for each.
struct RandomCase {
  TrainingJob job;
  Plan plan;
};
inline RandomCase random_case(unsigned seed) {
  std::mt19937 random(seed);
  const auto pick = [&](int n) { return static_cast<int>(random() % n); };
  const std::vector<ModelSpec> models = all_models(1 + pick(4));
  RandomCase result{job(models[pick(static_cast<int>(models.size()))], 1 << pick(4), 1 + pick(16)),
                    {}};
  result.plan.precision = precisions[pick(3)];
  for (int i = 0; i < result.job.model.n_layers; ++i)
    result.plan.recompute.push_back(recomputes[pick(3)]);
  do {
    result.plan.micro_batch_size = 1 << pick(4);
  } while (result.job.global_batch_size % result.plan.micro_batch_size != 0);
  if (pick(2) == 0) result.job.optimizer.kind = OptimizerKind::sgd;
  return result;
}

}  // namespace aforo::tiny
