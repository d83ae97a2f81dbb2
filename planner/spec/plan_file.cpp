#include "planner/spec/plan_file.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>
#include <sstream>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/yaml_reader.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/model_file.h"

namespace aforo {
namespace {

constexpr std::int64_t most_tokens = std::int64_t{1} << 60;

OptimizerSpec read_optimizer(const YamlNode& node) {
  OptimizerSpec o;
  o.kind = node.at("kind").enumeration<OptimizerKind>();
  o.learning_rate = node.at("learning_rate").number(0, 1e6);
  o.beta1 = node.at("beta1").number(0, 1);
  o.beta2 = node.at("beta2").number(0, 1);
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
  s.warmup_steps = node.at("warmup_steps").integer(0, most_tokens);
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

TrainingJob read_job(const YamlNode& node) {
  TrainingJob job;
  job.model = read_model(node.at("model"));
  job.optimizer = read_optimizer(node.at("optimizer"));
  job.schedule = read_schedule(node.at("schedule"));
  job.data = read_data(node.at("data"));
  job.seq_len = static_cast<int>(node.at("seq_len").integer(1, 1 << 27));
  job.global_batch_size = static_cast<int>(node.at("global_batch_size").integer(1, 1 << 27));
  job.n_tokens = node.at("n_tokens").integer(1, most_tokens);
  job.seed = static_cast<std::uint64_t>(node.at("seed").integer(0));
  node.finish();
  return job;
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
  plan.dp = static_cast<int>(node.at("dp").integer(1, 1 << 20));
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
  node.finish();
  return p;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

/// "12" -> 12; nullopt-like -1 if it is no number.
int whole(std::string_view text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

}  // namespace

std::vector<Recompute> parse_recompute(const std::string& text, int n_layers) {
  const auto fail = [&]() {
    throw InputError(
        fmt::format("recompute is \"{}\"; expected none, selective, full, \"every K\" (full on "
                    "every K-th layer) "
                    "or runs such as \"full x12, none x20\" that name all {} layers",
                    text, n_layers));
  };
  if (const Recompute* kind = find_enum<Recompute>(text))
    return std::vector<Recompute>(n_layers, *kind);
  std::vector<Recompute> layers;
  if (text.rfind("every ", 0) == 0) {
    const int every = whole(std::string_view(text).substr(6));
    if (every < 1) fail();
    for (int i = 0; i < n_layers; ++i)
      layers.push_back(i % every == 0 ? Recompute::full : Recompute::none);
    return layers;
  }
  std::istringstream stream(text);
  for (std::string run; std::getline(stream, run, ',');) {
    const std::size_t first = run.find_first_not_of(' '), cross = run.find(" x");
    const Recompute* kind =
        cross == std::string::npos || first == std::string::npos || first > cross
            ? nullptr
            : find_enum<Recompute>(std::string_view(run).substr(first, cross - first));
    const int count = kind == nullptr ? -1 : whole(std::string_view(run).substr(cross + 2));
    if (count < 1 || count > n_layers - static_cast<int>(layers.size())) fail();
    layers.insert(layers.end(), count, *kind);
  }
  if (static_cast<int>(layers.size()) != n_layers) fail();
  return layers;
}

PlanFile read_plan_text(const std::string& text, const std::string& name) {
  const YamlNode root = YamlNode::load_text(text, name);
  const YamlNode version = root.at("version");
  if (version.string() != std::to_string(plan_file_version))
    version.fail(fmt::format(
        "this plan has version {}, but this build reads version {}; run `aforo plan` again",
        version.string(), plan_file_version));
  PlanFile file;
  file.aforo_version = root.at("aforo_version").string();
  file.fingerprint = root.at("fingerprint").string();
  file.target = root.at("target").string();
  file.hardware = root.at("hardware").string();
  file.job = read_job(root.at("job"));
  file.plan = read_plan(root.at("plan"), file.job.model.n_layers);
  file.prediction = read_prediction(root.at("prediction"));
  for (const YamlNode& line : root.at("why").items()) file.why.push_back(line.string());
  root.finish();
  return file;
}

PlanFile read_plan_file(const std::string& path) {
  return read_plan_text(read_file(path, 1u << 20), path);
}

std::string write_plan_file(const PlanFile& file) {
  std::string out;
  const auto line = [&](const std::string& text) { out += text + "\n"; };
  const TrainingJob& job = file.job;
  const OptimizerSpec& o = job.optimizer;
  const PlanFile::Prediction& p = file.prediction;
  line(
      "# A training plan: what is trained (job), how it is laid out (plan), and what was "
      "predicted.");
  line("# Run it:  aforo run <this file>");
  line(fmt::format("version: {}", plan_file_version));
  line(fmt::format("aforo_version: {}", quoted(file.aforo_version)));
  line(fmt::format("fingerprint: {}   # of the program this lowers to; `aforo run` refuses another",
                   quoted(file.fingerprint)));
  line(fmt::format("target: {}", file.target));
  line(fmt::format("hardware: {}", quoted(file.hardware)));
  line("job:");
  line("  model:");
  out += write_model(job.model, 4);
  line(fmt::format("  seq_len: {}", job.seq_len));
  line(fmt::format("  global_batch_size: {}   # sequences per optimizer step",
                   job.global_batch_size));
  line(fmt::format("  n_tokens: {}", job.n_tokens));
  line(fmt::format("  seed: {}", job.seed));
  line(
      fmt::format("  optimizer: {{kind: {}, learning_rate: {}, beta1: {}, beta2: {}, epsilon: {}, "
                  "weight_decay: {}, momentum: "
                  "{}, clip_norm: {}}}",
                  enum_name(o.kind), o.learning_rate, o.beta1, o.beta2, o.epsilon, o.weight_decay,
                  o.momentum, o.clip_norm));
  line(fmt::format("  schedule: {{kind: {}, warmup_steps: {}, min_ratio: {}, decay_fraction: {}}}",
                   enum_name(job.schedule.kind), job.schedule.warmup_steps, job.schedule.min_ratio,
                   job.schedule.decay_fraction));
  line(fmt::format("  data: {{path: {}, format: {}, validation_fraction: {}}}",
                   quoted(job.data.path), enum_name(job.data.format),
                   job.data.validation_fraction));
  line("plan:");
  line(fmt::format("  precision: {}", enum_name(file.plan.precision)));
  line(fmt::format("  recompute: {}   # per layer, front layers first",
                   quoted(describe_recompute(file.plan.recompute))));
  line(fmt::format("  micro_batch_size: {}", file.plan.micro_batch_size));
  line(fmt::format("  dp: {}", file.plan.dp));
  line("prediction:");
  line(fmt::format("  arena: {} B", p.arena_bytes));
  line(fmt::format("  memory: {} B   # arena and what lies outside it", p.memory_bytes));
  line(fmt::format("  step_time: {} s", p.step_time));
  line(fmt::format("  step_time_low: {} s", p.step_time_low));
  line(fmt::format("  step_time_high: {} s", p.step_time_high));
  line(fmt::format("  tokens_per_second: {}", p.tokens_per_second));
  line(fmt::format("  hours: {}", p.hours));
  if (p.dollars >= 0) line(fmt::format("  dollars: {}", p.dollars));
  line(file.why.empty() ? "why: []" : "why:");
  for (const std::string& reason : file.why) line("  - " + quoted(reason));
  return out;
}

}  // namespace aforo
