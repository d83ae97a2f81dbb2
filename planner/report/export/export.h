#pragma once
// A plan as files that other tools run: one row per target and form in a table, one file per
// target. docs/exports.md shows each.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "planner/report/export/expresses.h"
#include "planner/spec/hardware.h"

namespace aforo {

/// What an export is made from, besides the plan: what users may want to say.
struct ExportRequest {
  const PlanFile* plan = nullptr;
  std::string plan_path;                ///< as the exported file refers to it
  std::optional<AcceleratorSpec> card;  ///< nothing for a calibrated machine
  std::string aforo_version;
  std::string date;        ///< of the export, "2026-11-27"
  std::string form;        ///< of a target with several; "": the first that can say the plan
  std::string command;     ///< what slurm, skypilot and vast run; "": by the engine
  std::string base_model;  ///< Hugging Face name or path; "": the plan's model name
  std::string card_name;   ///< the card as the target calls it; "": from our table
  std::string bucket;      ///< skypilot: where checkpoints outlive a machine; "": nowhere
  std::string image;       ///< container image; "": the target's usual one
  int gpus_per_node = 0;   ///< 0: the card's usual machine
  std::optional<double> budget_usd;  ///< hard limit; nothing: a quarter above the upper estimate
};

/// A file's text, and what its reader should know beside it.
struct Exported {
  std::string text;
  std::vector<std::string> notes;
};

struct ExportTarget {
  const char* name;       ///< of --to
  const char* form;       ///< "" where the target has one form
  const char* file_name;  ///< what people call such a file
  const char* summary;    ///< one sentence
  const char* checked;    ///< version of the peer whose parser accepted what we write
  Expresses expresses;
  Exported (*write)(const ExportRequest&);
};

/// Sorted by name; forms of one target in the order in which they are tried.
std::span<const ExportTarget> export_targets();

/// The row that will write the request: of target `name`, of the asked form, able to say the plan.
/// Throws InputError with what differs and the way out.
const ExportTarget& choose_target(const std::string& name, const ExportRequest& request);

/// The file, its comments included, with notes on what it leaves to its user.
Exported export_plan(const ExportTarget& target, const ExportRequest& request);

}  // namespace aforo
