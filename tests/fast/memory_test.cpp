// Peak memory of a setup gives the figures of the literature and changes in the right direction.

#include "planner/fast/memory.h"

#include <doctest/doctest.h>

#include "planner/baselines/korthikanti.h"
#include "planner/fast/activation_bytes.h"
#include "planner/fast/pipeline_stage.h"
#include "planner/fast/weight_counts.h"
#include "planner/lower/lower.h"
#include "planner/spec/model_file.h"

namespace aforo::fast {
namespace {

const EngineSpec& engine(const std::string& name) {
  static const std::vector<EngineSpec> engines = all_engines();
  for (const EngineSpec& e : engines)
    if (e.name == name) return e;
  throw std::runtime_error("no engine " + name);
}

/// Bytes of weights, gradients and optimizer per parameter of the model.
double state_bytes(const Setup& setup, const EngineSpec& e) {
  const MemoryParts m = memory_parts(setup, e);
  const double states = m.weights + m.master + m.optimizer_states + m.gradients;
  return states / static_cast<double>(count_parameters(*setup.model).total());
}

Setup setup_of(const ModelSpec& model, int seq_len, int dp) {
  Setup setup;
  setup.model = &model;
  setup.seq_len = seq_len;
  setup.parallel.dp = dp;
  setup.global_batch_size = 8 * dp;
  return setup;
}

ModelSpec gpt(const baselines::KorthikantiCase& c) {
  ModelSpec model;
  model.n_layers = static_cast<int>(c.n_layers);
  model.d_model = static_cast<int>(c.d_model);
  model.vocab_size = 51200;
  model.max_seq_len = static_cast<int>(c.seq_len);
  model.tie_embeddings = true;
  model.norm.kind = NormKind::layer_norm;
  model.position.kind = PositionKind::learned;
  model.attention.n_heads = model.attention.n_kv_heads = static_cast<int>(c.n_heads);
  model.attention.head_dim = model.d_model / model.attention.n_heads;
  model.mlp = {.d_ff = 4 * model.d_model, .activation = ActivationKind::gelu};
  return model;
}

/// What the first stage keeps of its layers.
double first_stage_activations(const baselines::KorthikantiCase& c, bool sequence_parallel,
                               bool selective) {
  const ModelSpec model = gpt(c);
  Setup setup = setup_of(model, static_cast<int>(c.seq_len), 1);
  setup.micro_batch_size = static_cast<int>(c.micro_batch_size);
  setup.parallel.tp = static_cast<int>(c.tp);
  setup.parallel.pp = static_cast<int>(c.pp);
  setup.parallel.vpp = static_cast<int>(c.interleave);
  setup.global_batch_size = setup.micro_batch_size * setup.parallel.pp * 8;
  setup.parallel.sequence_parallel = sequence_parallel;
  setup.recompute.attention_core = selective;
  setup.flash_attention = false;
  setup.dropout = true;
  const LayerActivations layer = layer_activations(setup, engine("megatron-2022").memory, false);
  return layer.kept * pipeline_stage(setup, 0).in_flight_dense;
}

const Sharding stages[] = {Sharding::ddp, Sharding::zero1, Sharding::zero2, Sharding::zero3};

}  // namespace

TEST_CASE("memory: ZeRO's example of 7.5B parameters on 64 ranks is 120, 31.4, 16.6 and 1.88 GB") {
  // Rajbhandari et al. 2020 (arXiv 1910.02054), figure 1.
  const ModelSpec model = find_model("llama-2-7b");
  const double published[] = {120, 31.4, 16.6, 1.88};
  for (int stage = 0; stage < 4; ++stage) {
    Setup setup = setup_of(model, 128, 64);
    setup.states = zero_states;
    setup.parallel.sharding = stages[stage];
    CAPTURE(stage);
    CHECK(7.5 * state_bytes(setup, engine("deepspeed")) ==
          doctest::Approx(published[stage]).epsilon(0.004));  // three printed digits
  }
}

TEST_CASE("memory: Megatron's distributed optimizer takes 6 + 12 / N bytes a parameter") {
  ModelSpec model = find_model("llama-2-7b");
  model.vocab_size = 32768;  // divisible by 128: nothing is padded
  for (int n : {1, 8, 64}) {
    Setup setup = setup_of(model, 512, n);
    setup.parallel.sharding = Sharding::zero1;
    CHECK(state_bytes(setup, engine("megatron")) == doctest::Approx(6 + 12.0 / n).epsilon(1e-5));
  }
}

TEST_CASE("memory: activations of Megatron-LM 2022 are Korthikanti's figure 1 to the last byte") {
  using baselines::KorthikantiMethod;
  const baselines::KorthikantiCase cases[] = {{48, 6144, 64, 2048, 4, 8, 1, 1},
                                              {96, 12288, 96, 2048, 1, 8, 8, 3},
                                              {105, 20480, 128, 2048, 1, 8, 35, 3},
                                              {128, 25600, 160, 2048, 1, 8, 64, 1}};
  for (const auto& c : cases) {
    CAPTURE(c.d_model);
    const auto closed = [&](KorthikantiMethod method) {
      return doctest::Approx(static_cast<double>(korthikanti_activations(c, method).value))
          .epsilon(1e-12);
    };
    CHECK(first_stage_activations(c, false, false) == closed(KorthikantiMethod::tensor_parallel));
    CHECK(first_stage_activations(c, true, false) == closed(KorthikantiMethod::sequence_parallel));
    CHECK(first_stage_activations(c, true, true) ==
          closed(KorthikantiMethod::sequence_parallel_selective));
  }
}

TEST_CASE(
    "memory: LoRA of rank 8 on all seven matrices of Llama-2-7B trains 19,988,480 parameters") {
  const ModelSpec model = find_model("llama-2-7b");
  Setup setup = setup_of(model, 512, 1);
  setup.method = Method::lora;
  setup.lora.rank = 8;
  CHECK(32 * layer_weights(setup, false).adapters == 19'988'480);
}

TEST_CASE("memory: frozen weights take 2 bytes with LoRA, half a byte and scales with QLoRA") {
  const ModelSpec model = find_model("llama-2-7b");
  Setup setup = setup_of(model, 512, 1);
  setup.method = Method::lora;
  setup.states = pure_16bit_states;
  const double adapters = 32 * layer_weights(setup, false).adapters;
  const double all = static_cast<double>(count_parameters(model).total());
  // The final norm has room for a bias, 2 d_model elements in all.
  CHECK(memory_parts(setup, engine("torch")).weights ==
        doctest::Approx(2 * all + 2 * adapters).epsilon(1e-5));
  setup.method = Method::qlora;
  setup.frozen_bytes = 0.5 + 4.0 / 64;
  const double matrices = 32 * layer_weights(setup, false).matrices;
  CHECK(memory_parts(setup, engine("torch")).weights ==
        doctest::Approx(0.5625 * matrices + 2 * (all - matrices) + 2 * adapters).epsilon(1e-5));
}

TEST_CASE("memory: a parallel degree that splits never needs more") {
  const ModelSpec models[] = {find_model("llama-3-8b"), find_model("gpt2-xl")};
  for (const char* name : {"deepspeed", "megatron", "megatron-2022", "native", "torch"})
    for (const ModelSpec& model : models) {
      CAPTURE(name);
      Setup setup = setup_of(model, 1024, 8);
      setup.parallel.sharding = Sharding::zero1;
      const auto bytes = [&] { return memory_parts(setup, engine(name)).allocated(); };
      double before = bytes();
      for (int tp : {2, 4}) {
        setup.parallel.tp = tp;
        CHECK(bytes() < before);
        before = bytes();
        setup.parallel.sequence_parallel = true;
        CHECK(bytes() <= before);
        setup.parallel.sequence_parallel = false;
      }
      setup.parallel.cp = 2;
      CHECK(bytes() < before);
    }
}

TEST_CASE("memory: recomputing more never needs more, a larger micro-batch never less") {
  const ModelSpec model = find_model("llama-3-8b");
  for (const char* name : {"deepspeed", "llmq", "maxtext", "megatron", "native", "torch"}) {
    CAPTURE(name);
    Setup setup = setup_of(model, 4096, 8);
    setup.flash_attention = false;
    const auto bytes = [&] { return memory_parts(setup, engine(name)).allocated(); };
    const double none = bytes();
    setup.recompute.attention_core = true;
    const double core = bytes();
    setup.recompute.norm = setup.recompute.activation = true;
    const double selective = bytes();
    setup.recompute.full_layers = 16;
    const double half = bytes();
    setup.recompute.full_layers = 32;
    const double full = bytes();
    CHECK(full <= half);
    CHECK(half <= selective);
    CHECK(selective <= core);
    CHECK(core <= none);
    setup.micro_batch_size = 2;
    CHECK(bytes() >= full);
  }
}

TEST_CASE("memory: each stage of sharding needs less than the one before") {
  const ModelSpec model = find_model("llama-3-8b");
  Setup setup = setup_of(model, 1024, 16);
  double before = 1e30;
  for (Sharding sharding : stages) {
    setup.parallel.sharding = sharding;
    const double bytes = memory_parts(setup, engine("deepspeed")).allocated();
    CHECK(bytes < before);
    before = bytes;
  }
}

TEST_CASE("memory: the first stage of a 1F1B pipeline holds one micro-batch per stage") {
  const ModelSpec model = find_model("llama-3-8b");
  Setup setup = setup_of(model, 1024, 1);
  setup.parallel.pp = 4;
  setup.global_batch_size = 16;
  CHECK(pipeline_stage(setup, 0).in_flight_dense == 32);
  CHECK(pipeline_stage(setup, 3).in_flight_dense == 8);
  setup.global_batch_size = 2;  // fewer micro-batches than stages
  CHECK(pipeline_stage(setup, 0).in_flight_dense == 16);
}

TEST_CASE(
    "memory: experts are spread over ep ranks, what is left of their states over the others") {
  const ModelSpec model = find_model("mixtral-8x7b");
  Setup setup = setup_of(model, 4096, 8);
  setup.parallel.sharding = Sharding::zero1;
  setup.recompute.full_layers = model.n_layers;
  const MemoryParts one = memory_parts(setup, engine("megatron"));
  setup.parallel.ep = 8;
  const MemoryParts eight = memory_parts(setup, engine("megatron"));
  CHECK(eight.weights < one.weights / 4);
  CHECK(eight.master == doctest::Approx(one.master).epsilon(0.01));
}

TEST_CASE("memory: the native account is the arena of the lowered program within 0.1 %") {
  for (const char* name : {"gpt2", "llama-3.2-1b", "qwen2-1.5b"})
    for (Recompute recompute : {Recompute::none, Recompute::selective, Recompute::full})
      for (int micro_batch_size : {1, 4}) {
        CAPTURE(name);
        CAPTURE(static_cast<int>(recompute));
        TrainingJob job;
        job.model = find_model(name);
        job.seq_len = 1024;
        job.global_batch_size = 8;
        Plan plan;
        plan.micro_batch_size = micro_batch_size;
        plan.recompute.assign(job.model.n_layers, recompute);
        Setup setup = setup_of(job.model, job.seq_len, 1);
        setup.micro_batch_size = micro_batch_size;
        setup.recompute.norm = setup.recompute.activation = recompute == Recompute::selective;
        if (recompute == Recompute::full) setup.recompute.full_layers = job.model.n_layers;
        const Bytes arena = lower(job, plan, cuda_target()).memory.arena;
        CHECK(memory_parts(setup, engine("native")).allocated() ==
              doctest::Approx(static_cast<double>(arena.value)).epsilon(0.001));
      }
}

TEST_CASE("memory: what offloading takes from the device waits on the host") {
  const ModelSpec model = find_model("llama-3-8b");
  Setup setup = setup_of(model, 1024, 1);
  const MemoryParts resident = memory_parts(setup, engine("deepspeed"));
  setup.offload_states = OffloadTo::cpu;
  const MemoryParts offloaded = memory_parts(setup, engine("deepspeed"));
  CHECK(offloaded.host == resident.master + resident.optimizer_states);
  CHECK(offloaded.allocated() < resident.allocated());
}

}  // namespace aforo::fast
