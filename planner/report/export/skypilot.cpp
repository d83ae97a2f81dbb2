// A SkyPilot task: cards, a price ceiling per machine, autostop, and recovery when the trainer ends
// with 75 (interrupted and resumable).

#include <fmt/format.h>

#include <cmath>

#include "planner/report/export/card_names.h"
#include "planner/report/export/launch.h"
#include "planner/report/export/targets.h"
#include "planner/report/export/yaml_text.h"

namespace aforo {
namespace {

/// A multi-line text as a block scalar below the open level: nothing in it is special there.
std::string block(const std::string& text) {
  std::string out = "|\n";
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    out += "  " + text.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  out.pop_back();
  return out;
}

void append_resources(YamlText& yaml, const ExportRequest& request, const Machines& machines) {
  yaml.begin("resources");
  if (request.card) {
    const std::string card = card_name(request, CardNaming::skypilot);
    yaml.field("accelerators", fmt::format("{}:{}", card, machines.devices));
  }
  if (const auto price = dollars_per_device_hour(*request.plan)) {
    yaml.comment("a machine may cost a quarter more than the plan counts with");
    yaml.field("max_hourly_cost", std::ceil(125 * *price * machines.devices) / 100);
  }
  yaml.field("disk_size", 256);
  yaml.begin("autostop").field("idle_minutes", 10).field("down", true).end();
  yaml.comment("75: interrupted and resumable");
  yaml.begin("job_recovery").field("max_restarts_on_errors", 3);
  yaml.line("recover_on_exit_codes", "[75]").end().end();
}

bool runs_plan(const ExportRequest& request) {
  return !needs_training_script(request) && request.command.empty();
}

/// The plan for `aforo run`, else the folder with the training script; and the bucket.
void append_mounts(YamlText& yaml, const ExportRequest& request) {
  if (!runs_plan(request)) yaml.field("workdir", ".");
  if (!runs_plan(request) && request.bucket.empty()) return;
  yaml.begin("file_mounts");
  if (runs_plan(request)) yaml.field("~/sky_workdir/plan.yaml", request.plan_path);
  if (!request.bucket.empty())
    yaml.begin("/checkpoints").field("name", request.bucket).field("mode", "MOUNT").end();
  yaml.end();
}

}  // namespace

Exported write_skypilot(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const Machines machines = machines_of(request);
  YamlText yaml(comments(fact_lines(request)));
  const auto budget = budget_of(request);
  const auto minutes = budget ? budget_minutes(request, *budget) : std::nullopt;
  if (minutes)
    yaml.comment(fmt::format("budget: ${:.2f}, which pays for {} minutes; then the task stops",
                             *budget, *minutes));
  yaml.comment("Start: sky jobs launch FILE, which recovers from preemption; or sky launch FILE");
  yaml.field("name", plain_name("aforo-" + file.job.model.name));
  yaml.field("num_nodes", machines.count);
  append_resources(yaml, request, machines);
  append_mounts(yaml, request);
  if (needs_training_script(request)) {
    yaml.comment("your training script and its arguments: sky launch --env TRAIN='train.py'");
    yaml.begin("envs").field("TRAIN", "").end();
  }
  ExportRequest there = request;
  if (runs_plan(request)) there.plan_path = "plan.yaml";
  std::string run = training_script_check(request);
  run += "head_address=$(echo \"$SKYPILOT_NODE_IPS\" | head -n 1)\n";
  const std::string command =
      launch_command(there, machines,
                     {"$SKYPILOT_NUM_NODES", "$SKYPILOT_NODE_RANK", "$head_address",
                      request.bucket.empty() ? "checkpoints" : "/checkpoints"});
  run += guarded(request, command);
  yaml.line("run", block(run));
  Exported out{yaml.text(), {"setup: install your framework there; this file only starts it"}};
  if (request.bucket.empty())
    out.notes.push_back("checkpoints are lost with a machine; --bucket NAME keeps them");
  return out;
}

}  // namespace aforo
