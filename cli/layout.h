#pragma once
// Layouts over several devices and other engines, as `estimate` and `plan` take them.

#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/inputs.h"
#include "planner/money/assumptions.h"
#include "planner/report/layout_report.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {

struct Imported;

/// --engine, --tp, --pp, --vpp, --cp, --ep, --sharding, --zeropp, --shard-group,
/// --pipeline-schedule, --first-stage-layers, --last-stage-layers, --offload-states,
/// --offload-activations
void add_layout_options(po::options_description& options);

/// True if the request needs the fast evaluation: several devices, another engine, adapters,
/// experts or latent attention, a type that native does not execute, or one of the options above.
bool wants_layout(const Arguments& args, const TrainingJob& job, const Device& device);

/// What layouts are made from; outlives them.
struct LayoutWorld {
  std::vector<AcceleratorSpec> cards = all_accelerators();
  std::vector<fast::EngineSpec> engines = fast::all_engines();
  fast::Constants constants = fast::Constants::load();
  fast::PublishedRanges ranges = fast::PublishedRanges::load();
  money::Assumptions assumptions = money::load_assumptions();
};

/// The devices of a request with what links them: those of its machine, else the card's usual ones.
fast::Cluster cluster_of(const Device& device, const AcceleratorSpec& card);
/// What is known or assumed of the network, for the report.
std::string network_note(const Device& device, const fast::Cluster& cluster);

/// The plan file of a layout; `why` says where the layout comes from.
PlanFile plan_file_of(const Layout& layout, const std::string& why);

/// The layout that the options name, estimated; it points into `world`, `card` and `job`. Throws
/// InputError for what its engine does not do.
Layout layout_of(const Arguments& args, const LayoutWorld& world, const AcceleratorSpec& card,
                 const TrainingJob& job, const Device& device);

/// The estimate of one layout; prints it and returns the exit code.
int estimate_layout_command(const Arguments& args, const TrainingJob& job, const Device& device,
                            const Imported* imported = nullptr);

/// The search over layouts, engines and, with "--gpu a:8,b:4", cards. Prints, writes -o, returns
/// the exit code.
int plan_layout_command(const Arguments& args);

/// --gpus: offers of all kinds compared by their whole bill. Prints, writes -o, returns the exit
/// code.
int plan_scenario_command(const Arguments& args);

/// --gpu may list several cards; then only layouts can answer.
bool lists_devices(const Arguments& args);

}  // namespace aforo::cli
