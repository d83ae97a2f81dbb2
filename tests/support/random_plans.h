#pragma once
// Random jobs and plans of realistic sizes, the same for a seed in every build: no two draws share
// an expression.

#include <algorithm>
#include <initializer_list>
#include <random>
#include <vector>

#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo::random_plans {

struct RandomPlan {
  TrainingJob job;
  Plan plan;
};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  RandomPlan next() {
    RandomPlan result;
    TrainingJob& job = result.job;
    job.model = model();
    job.seq_len = pick({16, 128, 333, 512, 1024, 2048, 4096, 8192});
    if (job.model.position.kind == PositionKind::learned)
      job.seq_len = std::min(job.seq_len, job.model.max_seq_len);
    result.plan.micro_batch_size = pick({1, 1, 2, 3, 4, 8});
    result.plan.parallel.dp = pick({1, 1, 1, 2, 4});
    job.global_batch_size =
        result.plan.micro_batch_size * result.plan.parallel.dp * pick({1, 1, 2, 3, 8, 64});
    job.n_tokens = 100 * job.tokens_per_step();
    if (chance(4)) job.optimizer.kind = OptimizerKind::sgd;
    if (chance(2)) job.optimizer.momentum = 0;
    result.plan.precision =
        pick({Precision::fp32, Precision::bf16, Precision::bf16, Precision::fp16});
    result.plan.recompute = recompute(job.model.n_layers);
    return result;
  }

  int below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool chance(int one_in) { return below(one_in) == 0; }
  template <typename T>
  T pick(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<int>(values.size()))];
  }

 private:
  ModelSpec model() {
    ModelSpec m;
    m.name = "random";
    m.n_layers = chance(4) ? 1 + below(4) : 1 + below(48);
    m.vocab_size = pick({64, 257, 5000, 32000, 50257, 50304, 128256, 256000});
    m.max_seq_len = pick({1024, 4096, 8192});
    m.tie_embeddings = chance(2);
    m.block = pick({BlockKind::pre_norm, BlockKind::pre_norm, BlockKind::parallel,
                    BlockKind::parallel_one_norm, BlockKind::post_norm, BlockKind::sandwich});
    m.position.kind = pick({PositionKind::rope, PositionKind::rope, PositionKind::learned,
                            PositionKind::alibi, PositionKind::none});
    m.position.fraction = pick({1.0, 0.5, 0.25});
    m.embedding_norm = chance(5);
    m.lm_head_bias = chance(5);
    norm(m);
    attention(m);
    const int times = pick({2, 4, 8}), over = pick({1, 2, 3});
    const int wide = m.d_model * times / over;
    m.mlp.d_ff = std::max(16, wide / 16 * 16);
    m.mlp.activation = pick({ActivationKind::gelu, ActivationKind::gelu_tanh, ActivationKind::relu,
                             ActivationKind::relu2, ActivationKind::silu, ActivationKind::swiglu,
                             ActivationKind::swiglu, ActivationKind::geglu});
    m.mlp.bias = chance(3);
    return m;
  }

  void norm(ModelSpec& m) {
    m.norm.kind = pick({NormKind::rms_norm, NormKind::layer_norm});
    m.norm.weight = !chance(6);
    m.norm.bias = m.norm.kind == NormKind::layer_norm && m.norm.weight && !chance(3);
  }

  void attention(ModelSpec& m) {
    AttentionSpec& a = m.attention;
    a.head_dim = pick({32, 64, 64, 80, 128, 128, 256});
    a.n_kv_heads = pick({1, 2, 4, 8});
    a.n_heads = a.n_kv_heads * pick({1, 2, 4});
    m.d_model = chance(4) ? 64 * (1 + below(64)) : a.n_heads * a.head_dim;
    a.qkv_bias = chance(3);
    a.out_bias = chance(3);
    a.qk_norm = pick({QkNormKind::none, QkNormKind::none, QkNormKind::per_head, QkNormKind::full});
    if (chance(3)) a.sliding_window = pick({64, 512, 1024});
    if (a.sliding_window > 0 && chance(2)) a.full_attention_every = 2 + below(5);
  }

  std::vector<Recompute> recompute(int n) {
    const Recompute rest = pick({Recompute::none, Recompute::selective});
    const int full = pick({0, n, below(n + 1)});
    std::vector<Recompute> layers(n, rest);
    std::fill(layers.begin(), layers.begin() + full, Recompute::full);
    return layers;
  }

  std::mt19937 random_;
};

}  // namespace aforo::random_plans
