#pragma once
// A plan file evaluated again, by whichever evaluation is its own.

#include <memory>
#include <optional>
#include <string>

#include "cli/layout.h"
#include "planner/explain/variant.h"
#include "planner/spec/plan_file.h"

namespace aforo::cli {

/// The program of a native plan. Throws InputError if it is no longer the one that the plan was
/// made for; `path` is for the message.
StepProgram checked_program(const PlanFile& file, const std::string& path);

/// Parts point into each other, so it stays where it was made.
struct Planned {
  PlanFile file;
  Device device;
  std::optional<AcceleratorSpec> card;  ///< none where the plan names a calibration

  std::optional<StepProgram> program;  ///< of native plans
  std::optional<Estimate> estimate;
  std::optional<Layout> layout;  ///< of all others

  /// The plan for what-if questions, by the closed form; none without a card.
  std::optional<explain::Variant> variant;
};

/// `world` outlives the result. --price and --price-kind hold if the command has them. Throws
/// InputError for what the file's reader refuses, and if the program is no longer the one that the
/// plan was made for.
std::unique_ptr<Planned> evaluate_plan(const Arguments& args, const LayoutWorld& world,
                                       const std::string& path);
std::unique_ptr<Planned> evaluate_plan(const Arguments& args, const LayoutWorld& world,
                                       PlanFile file, const std::string& path);

}  // namespace aforo::cli
