#include "planner/validate/setup_of_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/fast/setup_of_job.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"
#include "planner/validate/cluster_of_run.h"
#include "planner/validate/notes_of_run.h"

namespace aforo::validate {
namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

bool has(const std::string& text, std::initializer_list<const char*> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](const char* word) { return text.find(word) != std::string::npos; });
}

const AcceleratorSpec* accelerator_of(const Run& run, const Catalogue& catalogue) {
  // "RTX4090-24GB" and "H200NVL-141GB": the memory may be part of our name, or not.
  for (const std::string& name :
       {run.gpu_class, run.gpu_class.substr(0, run.gpu_class.rfind('-')), run.gpu}) {
    const std::string found = match_accelerator(name, catalogue.accelerators);
    for (const AcceleratorSpec& accelerator : catalogue.accelerators)
      if (accelerator.name == found) return &accelerator;
  }
  return nullptr;
}

fast::MatrixType matrix_of(const Run& run, const AcceleratorSpec& accelerator) {
  using fast::MatrixType;
  const std::string text = lower(run.precision);
  const bool frozen_only = has(text, {"base in", "base weights", "nf4"});
  const auto offers = [&](const char* type) { return accelerator.peak_dense.contains(type); };
  if (!frozen_only && has(text, {"fp4"}) && offers("fp8")) return MatrixType::fp4;
  if (!frozen_only && has(text, {"fp8", "float8"}) && offers("fp8")) return MatrixType::fp8;
  if (has(text, {"bf16"})) return offers("bf16") ? MatrixType::bf16 : MatrixType::fp16;
  if (has(text, {"fp16", "16 bit", "16-bit"})) return MatrixType::fp16;
  if (text == "tf32") return MatrixType::tf32;
  if (text == "fp32") return MatrixType::fp32;
  return offers("bf16") ? MatrixType::bf16 : MatrixType::fp16;
}

fast::StateBytes states_of(const Run& run, const fast::EngineSpec& engine) {
  const std::string precision = lower(run.precision), optimizer = lower(run.optimizer);
  fast::StateBytes states = fast::usual_states(engine);
  if (engine.name == "megatron-2022" && run.sharding == "zero1") {
    // DeepSpeed: 16-bit gradients, fp32 ones of the own shard; BF16_Optimizer adds up in fp32 too.
    states = fast::StateBytes{2, 2, 4, 12};
    if (has(precision, {"bf16"})) states = fast::StateBytes{2, 6, 4, 8};
  }
  if (run.framework.starts_with("NeMo")) states.gradient = 2;  // its recipes reduce in bf16
  if (run.framework.starts_with("ms-swift")) states = fast::pure_16bit_states;
  if (has(precision,
          {"bf16 true", "whole model", "weights and adam", "moments bf16", "weights bf16"}))
    states = fast::pure_16bit_states;
  if (engine.name == "llmq")  // the 16-bit master is the working copy unless products are fp8
    states = has(precision, {"fp8"}) ? fast::StateBytes{1, 2, 2, 4} : fast::StateBytes{2, 2, 0, 4};
  if (has(precision, {"nf4", "int4", "int8"})) states = fast::pure_16bit_states;
  if (has(optimizer, {"8-bit"})) states.states -= states.states > 4 ? 6 : 2;  // of both moments
  if (has(optimizer, {"mu bfloat16"})) states.states = 6;
  if (has(optimizer, {"muon"})) states.states = 4;
  return states;
}

Sharding sharding_of(const Run& run) {
  const std::string text = lower(run.sharding), detail = lower(run.sharding_detail);
  if (text == "yafsdp") return Sharding::yafsdp;
  if (text == "hsdp" || has(detail, {"hsdp"})) return Sharding::hsdp;
  if (has(detail, {"zero2"}) || text == "zero2") return Sharding::zero2;
  if (text == "fsdp") return Sharding::fsdp;
  if (text == "zero3") return Sharding::zero3;
  if (text == "zero1") return Sharding::zero1;
  return Sharding::ddp;
}

fast::RecomputeCounts recompute_of(const Run& run, int n_layers) {
  const std::string kind = lower(run.act_ckpt), detail = lower(run.act_ckpt_detail);
  fast::RecomputeCounts counts;
  if (kind == "full") counts.full_layers = n_layers;
  if (kind == "partial-full") {
    int done = n_layers;
    if (std::sscanf(detail.c_str(), "full on %d", &done) == 1)
      counts.full_layers = std::min(done, n_layers);
  }
  if (kind == "custom") {
    // names of the tensors that are kept, on the device or on the host
    const bool qkv = has(detail, {"qkv_proj"}) || has(detail, {"query_proj"});
    counts.qkv = !qkv;
    counts.attention_core = !has(detail, {"context", "out_proj"});
    counts.out = !has(detail, {"out_proj"});
    counts.norm = counts.activation = counts.mlp_up = true;
  }
  if (kind == "selective" && has(detail, {"minimal", "save_dot"})) {
    // MaxText keeps products by name; norms and activations are computed again
    counts.norm = counts.activation = true;
    counts.mlp_up = has(detail, {"except_mlp"});
  } else if (kind == "selective") {
    counts.attention_core = has(detail, {"attention core"});
    counts.alternate_products = has(detail, {"per-op", "every 2nd"});
    counts.norm = has(detail, {"norm"});
    counts.activation = has(detail, {"swiglu", "ffn", "act", "mlp"});
    counts.mlp_up = has(detail, {"ffn", "mlp"});
  }
  return counts;
}

void set_offload(const Run& run, fast::Setup& setup) {
  const std::string text = lower(run.offload);
  if (text.empty() || has(text, {"none", "not stated"})) return;
  if (has(text, {"activation", "residual"})) setup.offload_activations = OffloadTo::cpu;
  // llm.q's residual stream and MaxText's layer inputs are what full recomputation keeps.
  setup.offload_inputs_only =
      has(text, {"residual"}) || run.act_ckpt_detail.ends_with("on host: decoder_layer_input");
  if (has(text, {"gradients"})) setup.offload_gradients = OffloadTo::cpu;
  if (has(lower(run.sharding_detail), {"offload weights"})) setup.offload_weights = OffloadTo::cpu;
  if (has(text, {"opt", "master"})) setup.offload_states = OffloadTo::cpu;
  if (has(text, {"param", "full"})) setup.offload_weights = OffloadTo::cpu;
}

Method method_of(const Run& run) {
  const bool quantized = has(lower(run.precision), {"nf4", "int4", "int8"});
  if (has(run.task, {"qlora"}) || (quantized && has(run.task, {"adapter"}))) return Method::qlora;
  return has(run.task, {"lora", "adapter"}) ? Method::lora : Method::full;
}

/// Bytes of a gradient element on the wire: 16 bits where the recipe reduces in 16 bits (NeMo and
/// MLPerf recipes, Megatron of 2022, engines that keep 16-bit gradients), else fp32.
double reduce_bytes_of(const Run& run, const Case& c) {
  if (has(run.precision, {"fp32 gradient accumulation"})) return 4;
  if (c.setup.states.gradient <= 2 || has(run.notes, {"MP Mode PURE"})) return 2;
  if (c.engine->name == "megatron" || c.engine->name == "megatron-2022") return 2;
  return has(run.framework, {"fms-fsdp"}) ? 2 : 4;
}

/// NeMo's fine-tuning recipes train on SQuAD, whose examples are some 250 tokens long, packed.
void set_documents(const Run& run, Case& c) {
  if (c.engine->name != "megatron" || !has(run.task, {"finetune"})) return;
  if (run.repo == "mlcommons/training_results") return;  // one report fills a sequence
  c.setup.document_len = 256;
  c.assumptions.push_back("documents of 256 tokens, packed");
}

/// Batch and micro-batch; what is missing is assumed and said.
void set_batches(const Run& run, Case& c) {
  fast::Setup& setup = c.setup;
  setup.micro_batch_size = run.micro_batch_seqs;
  setup.global_batch_size = run.global_batch_seqs;
  if (setup.micro_batch_size == 0 && setup.global_batch_size > 0 && run.grad_accum > 0)
    setup.micro_batch_size =
        std::max(1, setup.global_batch_size / (run.grad_accum * setup.parallel.dp));
  if (setup.micro_batch_size == 0 && run.task.starts_with("finetune") &&
      setup.global_batch_size > 0) {
    setup.micro_batch_size = std::max(1, setup.global_batch_size / setup.parallel.dp);
    c.assumptions.push_back("grad_accum: 1");
  }
  if (setup.micro_batch_size == 0) {
    setup.micro_batch_size = 1;
    c.assumptions.push_back("micro_batch_seqs: 1");
  }
  if (setup.global_batch_size == 0) {
    setup.global_batch_size =
        setup.micro_batch_size * setup.parallel.dp * std::max(1, run.grad_accum);
    c.assumptions.push_back("global_batch_seqs: one micro-batch a rank");
  }
}

void set_parallelism(const Run& run, Case& c) {
  Parallelism& p = c.setup.parallel;
  p.tp = run.tp, p.pp = run.pp, p.cp = run.cp, p.ep = run.ep, p.vpp = run.vpp;
  if (run.vpp == 0) {
    p.vpp = 1;
    if (c.engine->name == "megatron" && p.pp > 1) {
      p.vpp = std::clamp(c.model.n_layers / p.pp, 1, 6);
      c.assumptions.push_back(fmt::format("vpp: {}", p.vpp));
    }
  }
  p.dp = std::max(1, c.cluster.n_devices / (p.tp * p.pp * p.cp));
  p.sharding = sharding_of(run);
  p.sequence_parallel = p.tp > 1 && c.engine->name != "megatron-2022";
  if (has(run.act_ckpt_detail, {"no sequence parallel"})) p.sequence_parallel = false;
  if (has(run.act_ckpt_detail, {"with sequence parallel"})) p.sequence_parallel = true;
}

void set_kernels(const Run& run, Case& c) {
  fast::Setup& setup = c.setup;
  const std::string flash = lower(run.flash_attention);
  setup.flash_attention = c.engine->name != "megatron-2022";
  if (flash.starts_with("yes")) setup.flash_attention = true;
  if (flash == "no") setup.flash_attention = false;
  setup.compiled = run.compile.starts_with("yes") || has(run.framework, {"fms-fsdp"});
  setup.cuda_graphs = has(run.compile, {"CUDA graphs"});
  setup.deterministic = has(run.notes, {"deterministic kernels"});
  setup.dropout = c.engine->name == "megatron-2022";
  setup.deep_ep = has(lower(run.notes), {"deepep"});
  setup.whole_gradient_sends = has(run.framework, {"DeepSpeed"});
}

std::string problem_of(const Case& c) {
  if (c.setup.seq_len < 1) return "seq_len is not stated";
  if (c.model.n_layers < 1 || c.model.d_model < 1)
    return "the model's shape is not stated and no model of ours has its name";
  if (c.model.attention.n_heads < 1) return "n_heads is not stated";
  return "";
}

Case case_of(const Run& run, const Catalogue& catalogue) {
  Case c;
  c.run = &run;
  const AcceleratorSpec* accelerator = accelerator_of(run, catalogue);
  if (accelerator == nullptr) {
    c.problem = fmt::format("no profile of ours is called \"{}\"", run.gpu_class);
    return c;
  }
  c.engine = &engine_of(run, catalogue);
  c.model = model_of(run, catalogue);
  apply_model_notes(run, c.model);
  c.cluster = cluster_of(run, *accelerator);
  c.setup.seq_len = seq_len_of(run, c.assumptions);
  c.setup.method = method_of(run);
  c.setup.matrix = matrix_of(run, *accelerator);
  c.setup.states = states_of(run, *c.engine);
  if (c.setup.method == Method::qlora) c.setup.frozen_bytes = 0.5 + 4.0 / 64;
  set_parallelism(run, c);
  c.setup.reduce_bytes = reduce_bytes_of(run, c);
  set_documents(run, c);
  set_batches(run, c);
  c.setup.recompute = recompute_of(run, c.model.n_layers);
  if (run.act_ckpt.empty()) c.assumptions.push_back("act_ckpt: none");
  set_offload(run, c.setup);
  set_kernels(run, c);
  c.setup.device = fast::limits_of(*accelerator);
  apply_memory_notes(run, *c.engine, c.setup);
  c.problem = problem_of(c);
  return c;
}

}  // namespace

Catalogue Catalogue::load() {
  Catalogue catalogue;
  catalogue.accelerators = all_accelerators();
  catalogue.engines = fast::all_engines();
  for (const std::string& name : model_names()) catalogue.models.push_back(find_model(name));
  return catalogue;
}

const fast::EngineSpec& engine_of(const Run& run, const Catalogue& catalogue) {
  const fast::EngineSpec* best = nullptr;
  std::size_t length = 0;
  // MLPerf's reference for language models is NeMo; entries name their container instead.
  const std::string framework =
      run.repo == "mlcommons/training_results" && run.gpu.find("TPU") == std::string::npos
          ? "NeMo"
          : run.framework;
  for (const fast::EngineSpec& engine : catalogue.engines)
    for (const std::string& beginning : engine.frameworks)
      if (beginning.size() > length && framework.starts_with(beginning))
        best = &engine, length = beginning.size();
  if (best != nullptr) return *best;
  const bool megatron = run.tp > 1 || run.pp > 1 || run.sharding == "zero1";
  const char* usual = megatron ? "megatron" : "torch";
  for (const fast::EngineSpec& engine : catalogue.engines)
    if (engine.name == usual) return engine;
  throw InternalError(fmt::format("profiles/engines has no {}.yaml", usual));
}

std::deque<Case> cases_of(const std::vector<Run>& runs, const Catalogue& catalogue) {
  std::deque<Case> cases;
  for (const Run& run : runs) {
    cases.push_back(case_of(run, catalogue));
    cases.back().setup.model = &cases.back().model;
  }
  return cases;
}

}  // namespace aforo::validate
