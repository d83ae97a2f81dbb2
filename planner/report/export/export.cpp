#include "planner/report/export/export.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/base/nearest.h"
#include "planner/base/text.h"
#include "planner/report/export/targets.h"

namespace aforo {
namespace {

const ExportTarget targets[] = {
    {"accelerate", "plain", "accelerate.yaml", "accelerate launch, one device or DDP",
     "accelerate 1.15.0", accelerate_plain_expresses(), write_accelerate_plain},
    {"accelerate", "fsdp2", "accelerate.yaml", "accelerate launch, PyTorch FSDP2",
     "accelerate 1.15.0", fsdp2_expresses(), write_accelerate_fsdp2},
    {"accelerate", "deepspeed", "accelerate.yaml", "accelerate launch, DeepSpeed ZeRO",
     "accelerate 1.15.0", accelerate_deepspeed_expresses(), write_accelerate_deepspeed},
    {"accelerate", "fsdp1", "accelerate.yaml", "accelerate launch, PyTorch FSDP1",
     "accelerate 1.15.0", fsdp1_expresses(), write_accelerate_fsdp1},
    {"axolotl", "", "axolotl.yaml", "fine-tuning with axolotl", "axolotl 0.19.0",
     axolotl_expresses(), write_axolotl},
    {"deepspeed", "", "ds_config.json", "DeepSpeed ZeRO stages 0 to 3", "deepspeed 0.19.8",
     deepspeed_expresses(), write_deepspeed},
    {"megatron", "", "megatron.sh",
     "Megatron-LM's pretrain_gpt.py: tensor, pipeline, context and "
     "expert parallel",
     "Megatron-LM d98e8a6", megatron_expresses(), write_megatron},
    {"skypilot", "", "task.sky.yaml",
     "SkyPilot task for any engine: price ceiling, autostop, "
     "recovery",
     "skypilot 0.14.1", anything(), write_skypilot},
    {"slurm", "", "job.sbatch",
     "Slurm batch file for any engine: time limit from the estimate, "
     "requeue",
     "bash -n", anything(), write_slurm},
    {"torchtitan", "recipe", "aforo_recipe.py", "torchtitan 0.3: a Python recipe",
     "torchtitan 0.3.0", torchtitan_expresses(), write_torchtitan},
    {"torchtitan", "toml", "torchtitan.toml", "torchtitan up to 0.2.2: TOML", "torchtitan 0.2.2",
     torchtitan_toml_expresses(), write_torchtitan_toml},
    {"transformers", "", "training_args.yaml", "Hugging Face TrainingArguments",
     "transformers 5.24.0", transformers_expresses(), write_transformers},
    {"vast", "", "vast.sh", "Vast: search, launch, and a guard that destroys at the budget's end",
     "vastai 1.9.1", anything(), write_vast},
    {"yafsdp", "", "aforo_yafsdp.py", "YaFSDP: a Python module that shards a model",
     "ya-fsdp 669fc36", yafsdp_expresses(), write_yafsdp},
};

std::string label(const ExportTarget& target) {
  return *target.form == '\0' ? target.name : fmt::format("{} ({})", target.name, target.form);
}

/// Rows of this name and form. Throws InputError naming what there is.
std::vector<const ExportTarget*> rows_of(const std::string& name, const std::string& form) {
  std::vector<const ExportTarget*> rows;
  std::vector<std::string> names, forms;
  for (const ExportTarget& target : targets) {
    if (names.empty() || names.back() != target.name) names.emplace_back(target.name);
    if (target.name != name) continue;
    forms.emplace_back(target.form);
    if (form.empty() || form == target.form) rows.push_back(&target);
  }
  if (forms.empty()) {
    const std::string near = nearest(name, names);
    throw InputError(fmt::format("--to is {}; expected {}{}", shown(name), fmt::join(names, ", "),
                                 near.empty() ? "" : fmt::format("; did you mean {}?", near)));
  }
  if (rows.empty() && forms.front().empty())
    throw InputError(fmt::format("--form is {}; {} has one form only", shown(form), name));
  if (rows.empty())
    throw InputError(
        fmt::format("--form is {}; {} has {}", shown(form), name, fmt::join(forms, ", ")));
  return rows;
}

/// "sharding: fsdp, ...; others that can: deepspeed, slurm".
std::string way_out(const PlanFile& plan, const std::string& name) {
  std::vector<std::string> able;
  for (const ExportTarget& target : targets)
    if (target.name != name && differences(target.expresses, plan).empty())
      able.push_back(label(target));
  return fmt::format("plan again within that, or export to {}", fmt::join(able, ", "));
}

}  // namespace

std::span<const ExportTarget> export_targets() { return targets; }

const ExportTarget& choose_target(const std::string& name, const ExportRequest& request) {
  std::string why;
  for (const ExportTarget* target : rows_of(name, request.form)) {
    const std::vector<std::string> found = differences(target->expresses, *request.plan);
    if (found.empty()) return *target;
    why += fmt::format("{}{} cannot express {}", why.empty() ? "" : "; ", label(*target),
                       fmt::join(found, ", "));
  }
  throw InputError(fmt::format("{}; {}", why, way_out(*request.plan, name)));
}

Exported export_plan(const ExportTarget& target, const ExportRequest& request) {
  Exported out = target.write(request);
  const std::vector<std::string>& engines = target.expresses.engines;
  const std::string& engine = request.plan->plan.engine;
  if (!engines.empty() && std::find(engines.begin(), engines.end(), engine) == engines.end())
    out.notes.insert(
        out.notes.begin(),
        fmt::format("the prediction is for engine {}, and {} runs this file: plan with "
                    "--engine {} for its numbers",
                    engine, target.name, engines.front()));
  return out;
}

}  // namespace aforo
