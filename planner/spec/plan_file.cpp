#include "planner/spec/plan_file.h"

#include <fmt/format.h>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/text.h"
#include "planner/base/yaml_reader.h"
#include "planner/spec/checks.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/model_file.h"

namespace aforo {
namespace {

constexpr std::int64_t most_trained_tokens = std::int64_t{1} << 60;

/// 1 would divide by zero in the bias correction.
double below_one(const YamlNode& node) {
  const double value = node.number(0, 1);
  if (value == 1) node.fail(fmt::format("{} is 1; expected less than 1", node.path()));
  return value;
}

OptimizerSpec read_optimizer(const YamlNode& node) {
  OptimizerSpec o;
  o.kind = node.at("kind").enumeration<OptimizerKind>();
  o.learning_rate = node.at("learning_rate").number(0, 1e6);
  o.beta1 = below_one(node.at("beta1"));
  o.beta2 = below_one(node.at("beta2"));
  o.epsilon = node.at("epsilon").number(0, 1);
  o.weight_decay = node.at("weight_decay").number(0, 1e6);
  o.momentum = node.at("momentum").number(0, 1);
  o.clip_norm = node.at("clip_norm").number(0, 1e12);
  node.finish();
  return o;
}

ScheduleSpec read_schedule(const YamlNode& node) {
  ScheduleSpec s;
  s.kind = node.at("kind").enumeration<ScheduleKind>();
  s.warmup_steps = node.at("warmup_steps").integer(0, most_trained_tokens);
  s.min_ratio = node.at("min_ratio").number(0, 1);
  s.decay_fraction = node.at("decay_fraction").number(0, 1);
  node.finish();
  return s;
}

DataSpec read_data(const YamlNode& node) {
  DataSpec d;
  d.path = node.at("path").string();
  d.format = node.at("format").enumeration<DataFormat>();
  d.validation_fraction = node.at("validation_fraction").number(0, 0.9);
  node.finish();
  return d;
}

LoraSpec read_lora(const YamlNode& node) {
  LoraSpec lora;
  lora.rank = static_cast<int>(node.at("rank").integer(1, 1 << 16));
  lora.attention_qkv = node.at("attention_qkv").boolean();
  lora.attention_out = node.at("attention_out").boolean();
  lora.mlp = node.at("mlp").boolean();
  node.finish();
  return lora;
}

ExamplesSpec read_examples(const YamlNode& node) {
  ExamplesSpec examples;
  examples.n_examples = node.at("n_examples").integer(0, most_trained_tokens);
  examples.epochs = node.at("epochs").number(0, 1e9);
  examples.batching = node.at("batching").enumeration<Batching>();
  const YamlNode lengths = node.at("lengths");
  if (examples.given()) {
    try {
      examples.lengths = parse_lengths(lengths.string());
    } catch (const InputError& error) {
      lengths.fail(error.what());
    }
  } else if (!lengths.string().empty()) {
    lengths.fail(fmt::format("lengths are given, but n_examples is 0"));
  }
  node.finish();
  return examples;
}

TrainingJob read_job(const YamlNode& node) {
  TrainingJob job;
  job.model = read_model(node.at("model"));
  job.optimizer = read_optimizer(node.at("optimizer"));
  job.schedule = read_schedule(node.at("schedule"));
  job.data = read_data(node.at("data"));
  job.examples = read_examples(node.at("examples"));
  job.seq_len = static_cast<int>(node.at("seq_len").integer(1, 1 << 27));
  job.global_batch_size = static_cast<int>(node.at("global_batch_size").integer(1, 1 << 27));
  job.n_tokens = node.at("n_tokens").integer(1, most_trained_tokens);
  job.seed = node.at("seed").natural();
  job.method = node.at("method").enumeration<Method>();
  job.lora = read_lora(node.at("lora"));
  node.finish();
  return job;
}

void read_layout(const YamlNode& node, Plan& plan) {
  Parallelism& p = plan.parallel;
  const std::pair<const char*, int*> degrees[] = {
      {"tp", &p.tp}, {"pp", &p.pp}, {"vpp", &p.vpp}, {"cp", &p.cp}, {"ep", &p.ep}};
  for (const auto& [key, value] : degrees)
    *value = static_cast<int>(node.at(key).integer(1, 1 << 20));
  p.shard_group = static_cast<int>(node.at("shard_group").integer(0, 1 << 20));
  p.sharding = node.at("sharding").enumeration<Sharding>();
  p.sequence_parallel = node.at("sequence_parallel").boolean();
  const YamlNode parts = node.at("zeropp");
  try {
    p.zeropp = parse_zeropp(parts.string());
  } catch (const InputError& error) {
    parts.fail(error.what());
  }
  p.pipeline_schedule = node.at("pipeline_schedule").enumeration<PipelineSchedule>();
  p.first_stage_layers = static_cast<int>(node.at("first_stage_layers").integer(0, 1 << 20));
  p.last_stage_layers = static_cast<int>(node.at("last_stage_layers").integer(0, 1 << 20));
  p.reshard_after_forward = node.at("reshard_after_forward").boolean();
  plan.deterministic = node.at("deterministic").boolean();
  plan.engine = node.at("engine").string();
  plan.offload_states = node.at("offload_states").enumeration<OffloadTo>();
  plan.offload_activations = node.at("offload_activations").enumeration<OffloadTo>();
}

Plan read_plan(const YamlNode& node, int n_layers) {
  Plan plan;
  plan.precision = node.at("precision").enumeration<Precision>();
  const YamlNode recompute = node.at("recompute");
  try {
    plan.recompute = parse_recompute(recompute.string(), n_layers);
  } catch (const InputError& error) {
    recompute.fail(error.what());
  }
  plan.micro_batch_size = static_cast<int>(node.at("micro_batch_size").integer(1, 1 << 27));
  plan.parallel.dp = static_cast<int>(node.at("dp").integer(1, 1 << 20));
  read_layout(node, plan);
  if (const std::string problem = stage_problem(plan.parallel, n_layers); !problem.empty())
    node.at("first_stage_layers").fail(problem);
  node.finish();
  return plan;
}

PlanFile::Prediction read_prediction(const YamlNode& node) {
  PlanFile::Prediction p;
  p.arena_bytes = node.at("arena").bytes().value;
  p.memory_bytes = node.at("memory").bytes().value;
  p.step_time = node.at("step_time").seconds().value;
  p.step_time_low = node.at("step_time_low").seconds().value;
  p.step_time_high = node.at("step_time_high").seconds().value;
  p.tokens_per_second = node.at("tokens_per_second").number(0, 1e18);
  p.hours = node.at("hours").number(0, 1e18);
  if (const auto dollars = node.find("dollars")) p.dollars = dollars->number(0, 1e18);
  if (const auto source = node.find("price_source")) p.price_source = source->string();
  node.finish();
  return p;
}

}  // namespace

PlanFile read_plan_text(const std::string& text, const std::string& name) {
  const YamlNode root = YamlNode::load_text(text, name);
  const YamlNode version = root.at("version");
  if (version.string() != std::to_string(plan_file_version))
    version.fail(fmt::format(
        "this plan has version {}, but this build reads version {}; run `aforo plan` again",
        shown(version.string()), plan_file_version));
  PlanFile file;
  file.aforo_version = root.at("aforo_version").string();
  file.fingerprint = root.at("fingerprint").string();
  file.target = root.at("target").string();
  file.hardware = root.at("hardware").string();
  file.job = read_job(root.at("job"));
  const YamlNode plan = root.at("plan");
  file.plan = read_plan(plan, file.job.model.n_layers);
  if (const std::string problem = size_problem(file.job, file.plan); !problem.empty())
    plan.at("micro_batch_size").fail(problem);
  file.prediction = read_prediction(root.at("prediction"));
  for (const YamlNode& line : root.at("why").items()) file.why.push_back(line.string());
  root.finish();
  return file;
}

PlanFile read_plan_file(const std::string& path) {
  return read_plan_text(read_file(path, 1u << 20), path);
}

}  // namespace aforo
