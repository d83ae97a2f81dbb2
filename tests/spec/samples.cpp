#include "tests/spec/samples.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace aforo::test {

std::string Samples::text() {
  constexpr std::string_view pieces[] = {
      "a",  "Z", "7", "-", ".",    "/",        " ", ":",    "#",    "\"",  "\\",          "\n",
      "\t", "{", "'", ",", "\x1b", "\xc3\xa9", "~", "null", "true", "1e5", "\xe2\x82\xac"};
  std::string text;
  for (int n = between(1, 10); n > 0; --n) text += pieces[random_() % std::size(pieces)];
  return text;
}

ModelSpec Samples::model() {
  ModelSpec m;
  m.name = text();
  m.n_layers = between(1, 40);
  m.attention.n_kv_heads = between(1, 8);
  m.attention.n_heads = m.attention.n_kv_heads * between(1, 4);
  m.attention.head_dim = 2 * between(1, 64);
  m.d_model = between(1, 4096);
  m.vocab_size = between(1, 300000);
  m.max_seq_len = between(1, 1 << 20);
  m.tie_embeddings = flip();
  m.position.kind =
      one_of({PositionKind::learned, PositionKind::rope, PositionKind::alibi, PositionKind::none});
  m.position.theta = real(1, 1e7);
  m.position.fraction = 2.0 * between(1, m.attention.head_dim / 2) / m.attention.head_dim;
  m.position.rows = flip() ? 0 : between(1, 1 << 20);
  m.block = one_of({BlockKind::pre_norm, BlockKind::parallel, BlockKind::parallel_one_norm,
                    BlockKind::post_norm, BlockKind::sandwich});
  m.norm.kind = one_of({NormKind::layer_norm, NormKind::rms_norm});
  m.norm.epsilon = real(1e-8, 1e-3);
  m.norm.weight = flip();
  m.norm.bias = m.norm.kind == NormKind::layer_norm && flip();
  m.attention.qkv_bias = flip();
  m.attention.out_bias = flip();
  m.attention.qk_norm = one_of({QkNormKind::none, QkNormKind::per_head, QkNormKind::full});
  m.attention.sliding_window = flip() ? 0 : between(1, 1 << 20);
  if (m.attention.sliding_window > 0) m.attention.full_attention_every = between(0, 8);
  m.mlp.d_ff = between(1, 16384);
  m.mlp.activation = one_of({ActivationKind::gelu, ActivationKind::gelu_tanh, ActivationKind::relu,
                             ActivationKind::relu2, ActivationKind::silu, ActivationKind::swiglu,
                             ActivationKind::geglu});
  m.mlp.bias = flip();
  if (between(0, 3) == 0) set_mla(m);
  if (between(0, 3) == 0) set_moe(m);
  m.lm_head_bias = flip();
  m.embedding_norm = flip();
  m.embedding_scale = real(0.1, 100);
  if (flip()) m.n_params = between(1, 1 << 30);
  return m;
}

void Samples::set_mla(ModelSpec& m) {
  MlaSpec& mla = m.attention.mla;
  const bool rope = m.position.kind == PositionKind::rope;
  mla = {between(0, 64), between(1, 64), between(1, 64), rope ? 2 * between(1, 32) : 0,
         between(1, 64)};
  m.attention.n_kv_heads = m.attention.n_heads;
  m.attention.head_dim = mla.qk_nope_head_dim + mla.qk_rope_head_dim;
  m.attention.qkv_bias = false;
  m.attention.qk_norm = QkNormKind::none;
  m.position.fraction = 1;
}

void Samples::set_moe(ModelSpec& m) {
  MoeSpec& moe = m.moe;
  moe.n_experts = between(1, 256);
  moe.top_k = between(1, moe.n_experts);
  moe.d_ff = between(1, 4096);
  moe.d_ff_shared = flip() ? 0 : between(1, 4096);
  moe.shared_gate = moe.d_ff_shared > 0 && flip();
  moe.first_dense_layers = between(0, m.n_layers - 1);
  moe.every = between(1, m.n_layers - moe.first_dense_layers);
  moe.router_bias = flip();
  moe.expert_bias = flip();
  if (m.n_dense_layers() > 0) return;
  m.mlp.d_ff = 0;
  m.mlp.bias = false;
}

TrainingJob Samples::job() {
  TrainingJob job;
  job.model = model();
  job.optimizer.kind = one_of({OptimizerKind::adamw, OptimizerKind::sgd});
  job.optimizer.learning_rate = real(0, 1);
  job.optimizer.beta1 = real(0, 0.999);
  job.optimizer.beta2 = real(0, 0.999);
  job.optimizer.epsilon = real(0, 1e-3);
  job.optimizer.weight_decay = real(0, 1);
  job.optimizer.momentum = real(0, 1);
  job.optimizer.clip_norm = real(0, 10);
  job.schedule.kind = one_of({ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::wsd});
  job.schedule.warmup_steps = between(0, 100000);
  job.schedule.min_ratio = real(0, 1);
  job.schedule.decay_fraction = real(0, 1);
  job.data.path = flip() ? "" : text();
  job.data.format = one_of({DataFormat::bytes, DataFormat::uint16});
  job.data.validation_fraction = real(0, 0.9);
  if (flip()) {
    job.examples.n_examples = between(1, 1 << 30);
    job.examples.epochs = real(0, 10);
    job.examples.batching = one_of({Batching::packing, Batching::padding});
    job.examples.lengths = flip() ? parse_lengths("100:0.3, 200:0.45, 777:3")
                                  : parse_lengths("300+-200<=1000");
  }
  job.seq_len = between(1, 1 << 16);
  job.global_batch_size = between(1, 1 << 20);
  job.n_tokens = static_cast<std::int64_t>(random_() >> 5);
  job.n_tokens = std::max<std::int64_t>(1, job.n_tokens);
  job.seed = random_();
  if (flip()) {
    job.method = one_of({Method::lora, Method::qlora});
    job.lora = {between(1, 512), flip(), flip(), flip()};
  }
  return job;
}

/// Everything that only plans for several devices have.
void Samples::layout(Plan& plan) {
  Parallelism& p = plan.parallel;
  for (int* degree : {&p.tp, &p.pp, &p.vpp, &p.cp, &p.ep}) *degree = between(1, 64);
  p.shard_group = between(0, 64);
  p.sequence_parallel = flip();
  p.sharding = one_of({Sharding::ddp, Sharding::zero1, Sharding::zero2, Sharding::zero3,
                       Sharding::fsdp, Sharding::hsdp, Sharding::yafsdp, Sharding::zeropp});
  p.zeropp = {flip(), flip(), flip()};
  p.pipeline_schedule =
      one_of({PipelineSchedule::one_f_one_b, PipelineSchedule::zb_h1, PipelineSchedule::zb_h2});
  plan.precision = one_of({Precision::tf32, Precision::fp8, Precision::fp4, Precision::bf16});
  plan.engine = one_of({std::string("native"), std::string("megatron"), std::string("torch")});
  plan.offload_states = one_of({OffloadTo::none, OffloadTo::cpu, OffloadTo::nvme});
  plan.offload_activations = one_of({OffloadTo::none, OffloadTo::cpu});
}

Plan Samples::plan(int n_layers) {
  Plan plan;
  plan.precision = one_of({Precision::fp32, Precision::bf16, Precision::fp16});
  for (int i = 0; i < n_layers; ++i)
    plan.recompute.push_back(
        i > 0 && flip() ? plan.recompute.back()
                        : one_of({Recompute::none, Recompute::selective, Recompute::full}));
  plan.micro_batch_size = between(1, 4096);
  plan.parallel.dp = between(1, 4096);
  if (flip()) layout(plan);
  return plan;
}

PlanFile Samples::plan_file() {
  PlanFile file;
  file.aforo_version = text();
  file.fingerprint = text();
  file.target = text();
  file.hardware = text();
  file.job = job();
  file.plan = plan(file.job.model.n_layers);
  file.prediction.arena_bytes = static_cast<std::int64_t>(random_() >> 10);
  file.prediction.memory_bytes = static_cast<std::int64_t>(random_() >> 10);
  file.prediction.step_time = real(0, 100);
  file.prediction.step_time_low = real(0, 1e-3);
  file.prediction.step_time_high = real(0, 1e6);
  file.prediction.tokens_per_second = real(0, 1e9);
  file.prediction.hours = real(0, 1e6);
  if (flip()) file.prediction.dollars = real(0, 1e9);
  if (flip()) file.prediction.price_source = text();
  for (int n = between(0, 3); n > 0; --n) file.why.push_back(text());
  return file;
}

}  // namespace aforo::test
