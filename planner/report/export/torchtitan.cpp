// torchtitan: a recipe for the releases that read Python (0.3), and the TOML that releases up to
// 0.2.2 read. Models are torchtitan's own, by module and flavor.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "planner/base/error.h"
#include "planner/base/text.h"
#include "planner/report/export/facts.h"
#include "planner/report/export/quote.h"
#include "planner/report/export/targets.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

struct Flavor {
  std::string_view model, module, flavor;
};
/// Of torchtitan 0.3.0. Shapes are theirs; the names are of the same published models.
constexpr Flavor flavors[] = {
    {"deepseek-v2", "deepseek_v3", "236B"},
    {"deepseek-v2-lite", "deepseek_v3", "16B"},
    {"deepseek-v3", "deepseek_v3", "671B"},
    {"gpt-oss-120b", "gpt_oss", "120b"},
    {"gpt-oss-20b", "gpt_oss", "20b"},
    {"llama-3-70b", "llama3", "70B"},
    {"llama-3-8b", "llama3", "8B"},
    {"llama-3.1-405b", "llama3", "405B"},
    {"llama-3.1-70b", "llama3", "70B"},
    {"llama-3.1-8b", "llama3", "8B"},
    {"llama-3.2-1b", "llama3", "1B"},
    {"llama-3.2-3b", "llama3", "3B"},
    {"qwen3-0.6b", "qwen3", "0.6B"},
    {"qwen3-1.7b", "qwen3", "1.7B"},
    {"qwen3-14b", "qwen3", "14B"},
    {"qwen3-235b-a22b", "qwen3", "235B-A22B"},
    {"qwen3-30b-a3b", "qwen3", "30B-A3B"},
    {"qwen3-32b", "qwen3", "32B"},
    {"qwen3-4b", "qwen3", "4B"},
    {"qwen3-8b", "qwen3", "8B"},
};

const Flavor& flavor_of(const PlanFile& file) {
  std::vector<std::string_view> names;
  for (const Flavor& flavor : flavors) {
    if (flavor.model == file.job.model.name) return flavor;
    names.push_back(flavor.model);
  }
  throw InputError(
      fmt::format("torchtitan cannot express model {} (it has {}); export to another target, such "
                  "as accelerate",
                  shown(file.job.model.name), fmt::join(names, ", ")));
}

/// Ranks that hold one shard each, and groups of them.
struct DataParallel {
  int replicate = 1, shard = 1;
};

DataParallel data_parallel_of(const ExportRequest& request) {
  const Parallelism& p = request.plan->plan.parallel;
  if (p.sharding == Sharding::ddp) return {p.dp, 1};
  if (p.sharding != Sharding::hsdp) return {1, p.dp};
  const int group = p.shard_group > 0 ? p.shard_group : machines_of(request).devices;
  const int shard = std::max(1, std::min(p.dp, group));
  return {p.dp / shard, shard};
}

const char* reshard_of(const PlanFile& file) {
  return file.plan.parallel.sharding == Sharding::zero2 ? "never" : "always";
}

/// One line of `key=value,` in a call.
std::string argument(std::string_view key, const std::string& value) {
  return fmt::format("            {}={},\n", key, value);
}

std::string training_arguments(const PlanFile& file) {
  const TrainingJob& job = file.job;
  std::string out = argument("local_batch_size", std::to_string(file.plan.micro_batch_size));
  out += argument("global_batch_size", std::to_string(job.global_batch_size));
  out += argument("seq_len", std::to_string(job.seq_len));
  out += argument("steps", std::to_string(job.n_steps()));
  if (job.optimizer.clip_norm > 0)
    out += argument("max_norm", float_literal(job.optimizer.clip_norm));
  const bool narrow = file.plan.precision == Precision::bf16;
  return out + argument("mixed_precision_param", narrow ? "\"bfloat16\"" : "\"float32\"");
}

std::string parallelism_arguments(const ExportRequest& request) {
  const Parallelism& p = request.plan->plan.parallel;
  const DataParallel data = data_parallel_of(request);
  std::string out = argument("data_parallel_replicate_degree", std::to_string(data.replicate));
  out += argument("data_parallel_shard_degree", std::to_string(data.shard));
  out += argument("fsdp_reshard_after_forward", double_quoted(reshard_of(*request.plan)));
  out += argument("tensor_parallel_degree", std::to_string(p.tp));
  out += argument("context_parallel_degree", std::to_string(p.cp));
  return out + argument("expert_parallel_degree", std::to_string(p.ep));
}

/// decay_ratio: share of the steps at the end; None: all after the warm-up.
std::string schedule_arguments(const ScheduleSpec& s) {
  std::string out = argument("warmup_steps", std::to_string(s.warmup_steps));
  const bool wsd = s.kind == ScheduleKind::wsd;
  out += argument("decay_ratio", wsd ? float_literal(s.decay_fraction) : "None");
  out += argument("decay_type", s.kind == ScheduleKind::cosine ? "\"cosine\"" : "\"linear\"");
  const bool constant = s.kind == ScheduleKind::constant;
  return out + argument("min_lr_factor", constant ? "1.0" : float_literal(s.min_ratio));
}

std::string optimizer_call(const OptimizerSpec& o) {
  return fmt::format("default_adamw(lr={}, betas=({}, {}), eps={}, weight_decay={})",
                     float_literal(o.learning_rate), float_literal(o.beta1), float_literal(o.beta2),
                     float_literal(o.epsilon), float_literal(o.weight_decay));
}

bool recomputes_all(const PlanFile& file) {
  return front_recompute(file.plan.recompute).full_layers > 0;
}

/// Sections of the TOML file, keys as release 0.2.2 has them.
std::string toml_sections(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const TrainingJob& job = file.job;
  const Parallelism& p = file.plan.parallel;
  const Flavor& flavor = flavor_of(file);
  const DataParallel data = data_parallel_of(request);
  const OptimizerSpec& o = job.optimizer;
  std::string out;
  const auto section = [&](std::string_view name) { out += fmt::format("\n[{}]\n", name); };
  const auto set = [&](std::string_view key, const std::string& value) {
    out += fmt::format("{} = {}\n", key, value);
  };
  section("model");
  set("name", double_quoted(flavor.module));
  set("flavor", double_quoted(flavor.flavor));
  section("optimizer");
  set("name", "\"AdamW\"");
  set("lr", float_literal(o.learning_rate));
  set("beta1", float_literal(o.beta1));
  set("beta2", float_literal(o.beta2));
  set("eps", float_literal(o.epsilon));
  set("weight_decay", float_literal(o.weight_decay));
  section("lr_scheduler");
  set("warmup_steps", std::to_string(job.schedule.warmup_steps));
  if (job.schedule.kind == ScheduleKind::wsd)
    set("decay_ratio", float_literal(job.schedule.decay_fraction));
  const bool cosine = job.schedule.kind == ScheduleKind::cosine;
  set("decay_type", cosine ? "\"cosine\"" : "\"linear\"");
  const bool constant = job.schedule.kind == ScheduleKind::constant;
  set("min_lr_factor", constant ? "1.0" : float_literal(job.schedule.min_ratio));
  section("training");
  set("local_batch_size", std::to_string(file.plan.micro_batch_size));
  set("global_batch_size", std::to_string(job.global_batch_size));
  set("seq_len", std::to_string(job.seq_len));
  set("steps", std::to_string(job.n_steps()));
  if (o.clip_norm > 0) set("max_norm", float_literal(o.clip_norm));
  const bool narrow = file.plan.precision == Precision::bf16;
  set("mixed_precision_param", narrow ? "\"bfloat16\"" : "\"float32\"");
  section("parallelism");
  set("data_parallel_replicate_degree", std::to_string(data.replicate));
  set("data_parallel_shard_degree", std::to_string(data.shard));
  set("fsdp_reshard_after_forward", double_quoted(reshard_of(file)));
  set("tensor_parallel_degree", std::to_string(p.tp));
  set("context_parallel_degree", std::to_string(p.cp));
  set("expert_parallel_degree", std::to_string(p.ep));
  section("activation_checkpoint");
  set("mode", recomputes_all(file) ? "\"full\"" : "\"none\"");
  section("checkpoint");
  set("enable", "true");
  set("interval", "500");
  return out;
}

}  // namespace

Expresses torchtitan_expresses() {
  Expresses e;
  e.shardings = {Sharding::ddp, Sharding::zero2, Sharding::fsdp, Sharding::hsdp};
  e.precisions = {Precision::fp32, Precision::bf16};
  e.methods = {Method::full};
  e.optimizers = {OptimizerKind::adamw};
  e.tp = e.cp = e.ep = true;
  e.recompute = RecomputeForm::whole;
  e.engines = {"torch"};
  return e;
}
Expresses torchtitan_toml_expresses() { return torchtitan_expresses(); }

Exported write_torchtitan(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const Flavor& flavor = flavor_of(file);
  std::string out = comments(fact_lines(request));
  out += comments(std::vector<std::string>{
      "Save as aforo_recipe.py and start, from a torchtitan checkout with it on PYTHONPATH:",
      "MODULE=aforo_recipe CONFIG=planned ./run_train.sh"});
  out += fmt::format(
      "from torchtitan.components.checkpoint import CheckpointManager\n"
      "from torchtitan.components.loss import ChunkedLossWrapper, CrossEntropyLoss\n"
      "from torchtitan.components.optimizer import LRSchedulersContainer, default_adamw\n"
      "from torchtitan.config import ParallelismConfig, TrainingConfig\n"
      "from torchtitan.distributed.activation_checkpoint import FullAC\n"
      "from torchtitan.hf_datasets.text_datasets import HuggingFaceTextDataLoader\n"
      "from torchtitan.models.common.config_utils import decoder_vocab_size\n"
      "from torchtitan.models.{} import model_registry\n"
      "from torchtitan.trainer import Trainer\n\n\n"
      "def planned() -> Trainer.Config:\n    model_spec = model_registry({})\n"
      "    return Trainer.Config(\n        model_spec=model_spec,\n",
      flavor.module, double_quoted(flavor.flavor));
  out +=
      "        loss=ChunkedLossWrapper.Config(\n            loss_fn=CrossEntropyLoss.Config(\n"
      "                global_vocab_size=decoder_vocab_size(model_spec),\n            ),\n"
      "        ),\n";
  out += "        training=TrainingConfig(\n" + training_arguments(file) + "        ),\n";
  out +=
      "        parallelism=ParallelismConfig(\n" + parallelism_arguments(request) + "        ),\n";
  out += "        optimizer=" + optimizer_call(file.job.optimizer) + ",\n";
  out += "        lr_scheduler=LRSchedulersContainer.Config(\n" +
         schedule_arguments(file.job.schedule) + "        ),\n";
  out += fmt::format("        activation_checkpoint={},\n",
                     recomputes_all(file) ? "FullAC.Config()" : "None");
  out += "        dataloader=HuggingFaceTextDataLoader.Config(dataset=\"c4\"),  # your data\n";
  out += "        checkpoint=CheckpointManager.Config(interval=500),\n    )\n";
  return {out, {"for torchtitan 0.3; --form toml writes what releases up to 0.2.2 read"}};
}

Exported write_torchtitan_toml(const ExportRequest& request) {
  std::string out = comments(fact_lines(request));
  out += "# Start: CONFIG_FILE=FILE ./run_train.sh, with a torchtitan release up to 0.2.2\n";
  return {out + toml_sections(request), {"for torchtitan up to 0.2.2; later ones read Python"}};
}

}  // namespace aforo
