#include "planner/scenarios/scenario_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "planner/base/error.h"
#include "planner/base/quantity.h"
#include "planner/base/text.h"
#include "planner/spec/enum_tables.h"
#include "planner/spec/model_file.h"

namespace aforo::scenarios {
namespace {

constexpr double most_usd = 1e12;

double hours_of(const YamlNode& node) { return node.above_zero(&YamlNode::seconds).value / 3600; }

std::int64_t read_tokens(const YamlNode& node) {
  const auto value = parse_count(node.string());
  if (!value || *value < 1 || *value > 1e18)
    node.fail(fmt::format("{} is {}; expected a count such as 300B or 15M", node.path(),
                          shown(node.string())));
  return static_cast<std::int64_t>(*value);
}

TrainingJob read_job(const YamlNode& node) {
  TrainingJob job;
  const YamlNode model = node.at("model");
  try {
    job.model = find_model(model.string());
  } catch (const InputError& error) {
    model.fail(error.what());
  }
  if (const auto method = node.find("method")) job.method = method->enumeration<Method>();
  if (const auto rank = node.find("lora_rank"))
    job.lora.rank = static_cast<int>(rank->integer(1, 1 << 16));
  if (const auto kind = node.find("optimizer"))
    job.optimizer.kind = kind->enumeration<OptimizerKind>();
  job.seq_len = std::min(2048, job.model.max_seq_len);
  if (const auto length = node.find("seq_len"))
    job.seq_len = static_cast<int>(length->integer(1, 1 << 24));
  job.global_batch_size = default_batch(job.method, job.seq_len);
  if (const auto batch = node.find("global_batch_size"))
    job.global_batch_size = static_cast<int>(batch->integer(1, 1 << 24));
  const auto tokens = node.find("tokens");
  job.n_tokens = tokens ? read_tokens(*tokens) : 20 * count_parameters(job.model).total();
  return job;
}

Interval read_hours(const YamlNode& node) { return exactly(hours_of(node)); }

double read_gb(const YamlNode& node) { return as_gb(node.bytes()); }

BillWishes read_bill(const YamlNode& node) {
  BillWishes bill;
  if (const auto setup = node.find("setup")) bill.setup_hours = read_hours(*setup);
  if (const auto share = node.find("repeated_share"))
    bill.repeated_share = exactly(share->number(0, 100));
  if (const auto share = node.find("evaluation_share"))
    bill.evaluation_share = share->number(0, 100);
  if (const auto size = node.find("download")) bill.download_gb = read_gb(*size);
  if (const auto size = node.find("upload")) bill.upload_gb = read_gb(*size);
  if (const auto size = node.find("disk")) bill.disk_gb = read_gb(*size);
  if (const auto stopped = node.find("stopped")) bill.stopped_hours = hours_of(*stopped);
  if (const auto kept = node.find("checkpoints_kept"))
    bill.checkpoints_kept = static_cast<int>(kept->integer(0, 100000));
  if (const auto price = node.find("usd_per_kwh")) bill.usd_per_kwh = price->number(0, 100);
  if (const auto power = node.find("power_per_device"))
    bill.watts_per_device = power->above_zero(&YamlNode::watts).value;
  if (const auto usd = node.find("purchase_usd")) bill.purchase_usd = usd->number(0, most_usd);
  node.finish();
  return bill;
}

Hardware read_hardware(const YamlNode& node, const std::vector<AcceleratorSpec>& cards) {
  std::string text;
  if (node.is_scalar()) {
    text = node.string();
  } else {
    for (const YamlNode& item : node.items()) text += item.string() + ",";
  }
  try {
    return parse_hardware(text, cards);
  } catch (const InputError& error) {
    node.fail(error.what());
  }
}

double above_zero(const YamlNode& node) {
  const double value = node.number(0, most_usd);
  if (value <= 0) node.fail(fmt::format("{} is 0; expected more", node.path()));
  return value;
}

}  // namespace

Scenario read_scenario(const YamlNode& node, const std::vector<AcceleratorSpec>& cards) {
  Scenario s;
  s.name = node.at("name").string();
  if (const auto note = node.find("note")) s.note = note->string();
  s.job = read_job(node);
  s.hardware = read_hardware(node.at("gpus"), cards);
  if (const auto spot = node.find("spot")) s.spot = spot->enumeration<SpotPolicy>();
  if (const auto budget = node.find("budget_usd")) s.budget_usd = above_zero(*budget);
  if (const auto deadline = node.find("deadline")) s.deadline_hours = hours_of(*deadline);
  if (const auto objective = node.find("objective"))
    s.objective = objective->enumeration<Objective>();
  if (const auto most = node.find("max_devices"))
    s.max_devices = static_cast<int>(most->integer(1, most_devices));
  if (const auto engines = node.find("engines"))
    for (const YamlNode& engine : engines->items()) s.engines.push_back(engine.string());
  if (const auto bill = node.find("bill")) s.bill = read_bill(*bill);
  node.finish();
  return s;
}

std::vector<Scenario> read_scenarios(const YamlNode& node,
                                     const std::vector<AcceleratorSpec>& cards) {
  std::vector<Scenario> all;
  std::set<std::string> names;
  for (const YamlNode& item : node.at("scenarios").items()) {
    all.push_back(read_scenario(item, cards));
    if (!names.insert(all.back().name).second)
      item.fail(fmt::format("two scenarios have the name {}", shown(all.back().name)));
  }
  node.finish();
  if (all.empty()) node.fail("scenarios is empty");
  return all;
}

bool holds_scenarios(const std::string& path) {
  const YamlNode root = YamlNode::load_file(path);
  return root.is_map() && root.find("scenarios").has_value();
}

}  // namespace aforo::scenarios
