#include "planner/report/export/launch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/report/export/quote.h"

namespace aforo {

bool needs_training_script(const ExportRequest& request) {
  return request.command.empty() && request.plan->plan.engine != "native";
}

std::string training_script_check(const ExportRequest& request) {
  if (!needs_training_script(request)) return "";
  return ": \"${TRAIN:?set TRAIN to your training script and its arguments, such as "
         "TRAIN='train.py --config train.yaml'}\"\n";
}

std::string launch_command(const ExportRequest& request, const Machines& machines,
                           const LaunchWords& words) {
  if (!request.command.empty()) return request.command;
  if (needs_training_script(request))
    return fmt::format(
        "exec torchrun --nnodes={} --nproc-per-node={} --node-rank={} --master-addr={} "
        "--master-port=29500 $TRAIN",
        words.n_nodes, machines.devices, words.node_rank, words.head_address);
  // A path that begins with "-" would be an option.
  const std::string path = (request.plan_path.starts_with('-') ? "./" : "") + request.plan_path;
  // --resume refuses a folder without a checkpoint, so it is given only where one lies.
  return fmt::format(
      "exec aforo run {0} --checkpoint {1} --checkpoint-every 100 "
      "$(ls -A {1} 2>/dev/null | grep -q . && echo --resume)",
      shell_word(path), words.checkpoints);
}

std::optional<double> budget_of(const ExportRequest& request) {
  if (request.budget_usd) return request.budget_usd;
  const auto usd = predicted_dollars(*request.plan);
  if (!usd || usd->high <= 0) return std::nullopt;
  return 1.25 * usd->high;
}

std::optional<std::int64_t> budget_minutes(const ExportRequest& request, double budget) {
  const auto price = dollars_per_device_hour(*request.plan);
  if (!price || *price <= 0) return std::nullopt;
  const double hourly = *price * request.plan->plan.parallel.world_size();
  return static_cast<std::int64_t>(std::min(1e9, std::max(1.0, 60 * budget / hourly)));
}

std::string guarded(const ExportRequest& request, const std::string& command) {
  const auto budget = budget_of(request);
  const auto minutes = budget ? budget_minutes(request, *budget) : std::nullopt;
  if (!minutes) return command + "\n";
  return fmt::format("timeout --signal=TERM --kill-after=300 {}m bash -c {}\n", *minutes,
                     shell_word(command));
}

int time_limit_minutes(const PlanFile& file) {
  constexpr double most = 365.0 * 24 * 60;
  const double minutes = 1.2 * 60 * predicted_hours(file).high + 30;
  return static_cast<int>(std::ceil(std::min(most, minutes)));
}

}  // namespace aforo
