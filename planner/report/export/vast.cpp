// A shell script for Vast: finds the cheapest offer under a price ceiling, launches it, and
// destroys it when the money is used up: only destroying ends the bill. Nothing is guessed about
// offers.

#include <fmt/format.h>

#include <cmath>

#include "planner/base/error.h"
#include "planner/report/export/card_names.h"
#include "planner/report/export/launch.h"
#include "planner/report/export/quote.h"
#include "planner/report/export/targets.h"

namespace aforo {
namespace {

/// Cards are listed by the memory that the driver shows, and Vast rounds down to whole GB.
std::string offer_query(const ExportRequest& request, int n_devices) {
  const double gib = std::floor(as_gib(request.card->usable_memory));
  return fmt::format(
      "gpu_name={} num_gpus={} gpu_ram>={} reliability>0.98 disk_space>=128 inet_down>=200",
      card_name(request, CardNaming::vast), n_devices, gib);
}

/// The guard: everything that can end this script destroys the instance.
constexpr const char* body = R"sh(
offer=$(vastai search offers "$QUERY" --storage 128 -o dph_total --raw | python3 -c '
import json, sys
limit = float(sys.argv[1])
offers = [o for o in json.load(sys.stdin) if float(o["dph_total"]) <= limit]
if not offers:
    sys.exit("no offer at or below $%.2f an hour" % limit)
best = min(offers, key=lambda o: float(o["dph_total"]))
print(int(best["id"]), float(best["dph_total"]))
' "$MAX_DOLLARS_PER_HOUR") || exit 4
read -r offer_id dollars_per_hour <<EOF
$offer
EOF
seconds=$(python3 -c 'import sys; print(int(3600 * float(sys.argv[1]) / float(sys.argv[2])))' \
  "$BUDGET_DOLLARS" "$dollars_per_hour")
echo "offer $offer_id at \$$dollars_per_hour an hour: the budget of \$$BUDGET_DOLLARS lasts $seconds s"
if [ "${1:-}" = "--search" ]; then
  exit 0
fi

instance=$(vastai create instance "$offer_id" --image "$IMAGE" --disk 128 --ssh --direct \
  --onstart-cmd "$ONSTART" --cancel-unavail --raw |
  python3 -c 'import json, sys; print(int(json.load(sys.stdin)["new_contract"]))') || exit 6
destroy() { vastai destroy instance "$instance" -y; }
trap destroy EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
echo "instance $instance; it is destroyed when this script ends, at the latest in $seconds s"
deadline=$((SECONDS + seconds))
if [ -n "$PLAN" ]; then
  upload=$(mktemp -d) && cp -- "$PLAN" "$upload/plan.yaml" || exit 6
  until vastai copy "local:$upload/" "C.$instance:/workspace/"; do
    [ "$SECONDS" -lt "$deadline" ] || exit 4
    sleep 20
  done
fi
while [ "$SECONDS" -lt "$deadline" ]; do
  sleep 20
done
echo "the budget is used up"
exit 4
)sh";

}  // namespace

Exported write_vast(const ExportRequest& request) {
  const PlanFile& file = *request.plan;
  const Machines machines = machines_of(request);
  if (!request.card)
    throw InputError("vast rents cards, and this plan is for a calibrated machine");
  if (machines.count > 1)
    throw InputError(fmt::format(
        "vast cannot express {} machines of {} devices (it rents single machines); plan for one, "
        "export to skypilot or slurm, or give --gpus-per-node {}",
        machines.count, machines.devices, machines.count * machines.devices));
  const auto budget = budget_of(request);
  const auto price = dollars_per_device_hour(file);
  if (!budget || !price)
    throw InputError("vast needs a price for its guard, and the plan has none; plan with --price");
  const bool runs_plan = !needs_training_script(request) && request.command.empty();
  ExportRequest there = request;
  if (runs_plan) there.plan_path = "plan.yaml";
  std::string command = "cd /workspace || exit 1\n" + training_script_check(request);
  if (runs_plan) command += "until [ -f plan.yaml ]; do sleep 5; done\n";
  command += launch_command(there, machines, {"1", "0", "127.0.0.1"});
  const std::string image =
      request.image.empty() ? "pytorch/pytorch:2.8.0-cuda12.8-cudnn9-devel" : request.image;

  std::string out = "#!/bin/bash\n" + comments(fact_lines(request));
  out += comments(std::vector<std::string>{
      "Look: bash FILE --search. Rent and train: bash FILE, and leave it running: it is the guard.",
      "Ctrl-C when the training is done: however this script ends, it destroys the instance.",
      "Both limits are a quarter above the plan's figures unless you change them."});
  out += "set -uo pipefail\n";
  const auto set = [&](std::string_view name, const std::string& value) {
    out += fmt::format("{}={}\n", name, shell_word(value));
  };
  set("QUERY", offer_query(request, machines.devices));
  set("MAX_DOLLARS_PER_HOUR", fmt::format("{:.3f}", 1.25 * *price * machines.devices));
  set("BUDGET_DOLLARS", fmt::format("{:.2f}", *budget));
  set("IMAGE", image);
  set("PLAN", runs_plan ? request.plan_path : "");
  set("ONSTART", command);
  out += body + 1;
  Exported result{out, {"the image, and what it must hold, is yours to say: --image"}};
  if (needs_training_script(request))
    result.notes.push_back("give --command, or set TRAIN in ONSTART to your training script");
  return result;
}

}  // namespace aforo
