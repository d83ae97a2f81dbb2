// A Slurm batch file. `aforo run` ends with exit code 75 when it was interrupted and can resume,
// and so may other trainers: the job then goes back into the queue.

#include <fmt/format.h>

#include "planner/report/export/launch.h"
#include "planner/report/export/quote.h"
#include "planner/report/export/targets.h"

namespace aforo {
namespace {

/// "1-06:30:00"
std::string slurm_time(int minutes) {
  return fmt::format("{}-{:02}:{:02}:00", minutes / 1440, minutes / 60 % 24, minutes % 60);
}

std::string directives(const ExportRequest& request, const Machines& machines, int tasks) {
  const PlanFile& file = *request.plan;
  std::string out;
  const auto set = [&](const std::string& directive) { out += "#SBATCH --" + directive + "\n"; };
  set("job-name=" + plain_name("aforo-" + file.job.model.name));
  set(fmt::format("nodes={}", machines.count));
  set(fmt::format("ntasks-per-node={}", tasks));
  if (file.target != "cpu") set(fmt::format("gpus-per-node={}", machines.devices));
  set("time=" + slurm_time(time_limit_minutes(file)));
  set("output=%x-%j.out");
  set("open-mode=append");
  set("requeue");
  set("signal=B:TERM@180");
  return out;
}

/// Runs the step, hands SIGTERM on, and requeues on 75. A `wait` that a signal interrupts says
/// nothing of the step, so it is asked again.
constexpr const char* tail = R"sh(
stopped=0
stop() { stopped=1; kill -TERM "$step" 2>/dev/null; }
trap stop TERM
wait "$step"
code=$?
if [ "$stopped" -eq 1 ]; then
  wait "$step"
  code=$?
fi
if [ "$code" -eq 75 ]; then
  echo "interrupted and resumable: back into the queue"
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
)sh";

}  // namespace

Expresses anything() {
  Expresses e;
  for (const OffloadTo to : {OffloadTo::none, OffloadTo::cpu, OffloadTo::nvme}) {
    if (to != OffloadTo::none) e.offload_states.push_back(to);
    if (to != OffloadTo::none) e.offload_activations.push_back(to);
  }
  e.tp = e.pp = e.vpp = e.cp = e.ep = true;
  return e;
}

Exported write_slurm(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const Machines machines = machines_of(request);
  const bool native = file.plan.engine == "native" && request.command.empty();
  const int tasks = native ? machines.devices : 1;  // torchrun starts a process per device itself
  std::string out = "#!/bin/bash\n" + directives(request, machines, tasks);
  out += comments(fact_lines(request));
  out += comments(std::vector<std::string>{
      "Time limit: upper estimate, a fifth more, and half an hour.",
      "Submit: sbatch FILE. SIGTERM comes 180 s before the limit; exit code 75 requeues the job."});
  out += "set -uo pipefail\n" + training_script_check(request);
  out += "MASTER_ADDR=$(scontrol show hostnames \"$SLURM_JOB_NODELIST\" | head -n 1)\n";
  out += "export MASTER_ADDR\n";
  const std::string command =
      launch_command(request, machines, {"$SLURM_NNODES", "$SLURM_NODEID", "$MASTER_ADDR"});
  out += fmt::format("srun --kill-on-bad-exit=1 bash -c {} &\nstep=$!\n", shell_word(command));
  out += tail + 1;
  Exported result{out, {"partition, account and container are your cluster's: add them"}};
  if (needs_training_script(request))
    result.notes.push_back(
        "set TRAIN to your training script and its arguments, or give --command");
  return result;
}

}  // namespace aforo
