#pragma once
// The sections of a report, each from the numbers it shows.

#include <cstdint>
#include <optional>
#include <vector>

#include "planner/explain/study.h"
#include "planner/report/comparison.h"
#include "planner/report/sections/plan_view.h"
#include "planner/scenarios/compare.h"

namespace aforo {

/// The plans of a page beside each other, one row each.
PageSection plans_side_by_side(const std::vector<PlanView>& views);

/// One bar a plan, stacked by what holds the memory at the peak; the line is the
/// capacity, if all have the same.
PageSection memory_by_part(const std::vector<PlanView>& views);

/// Live bytes by role over the ops of one step, with the capacity less what lies outside the
/// program, and the op of the peak named.
PageSection memory_over_step(const StepProgram& program, const Estimate& estimate);

/// One bar a plan, stacked by what takes the time of a step.
PageSection time_by_part(const std::vector<PlanView>& views);

/// When each op of one micro-step and the update runs, one row per phase; the table has the longest
/// 20.
PageSection time_line(const StepProgram& program, const Estimate& estimate);

/// Money against time of the plans; with a budget and a deadline as the box to be in. None for less
/// than two plans with a price.
std::optional<PageSection> money_against_time(const std::vector<PlanView>& views,
                                              std::optional<double> budget_usd,
                                              std::optional<double> deadline_hours);

/// Money against time of every offer for the job, the front of both, and what was chosen; budget
/// and deadline as the box to be in. The table has the front.
PageSection offers_section(const scenarios::Answer& answer);

PageSection fit_map(const explain::FitStudy& study, const explain::Variant& plan);
PageSection ladder_section(const std::vector<explain::Rung>& rungs);
/// Money too where `usd_per_hour`, of all devices together, is above 0.
PageSection sensitivity_section(const std::vector<explain::Sway>& sways, double hours,
                                double usd_per_hour);

/// Every op's predicted and measured time, within the band of 10 % or not.
PageSection predicted_against_measured(const Comparison& comparison);

/// One optimizer step of a run.
struct RunPoint {
  std::int64_t step = 0;
  double loss = 0;
  double seconds = 0;  ///< of this step, reading tokens included
};
PageSection losses(const std::vector<RunPoint>& points);

/// Money spent over the run, with what was promised and the budget. `n_steps` of the whole job;
/// prices of all devices together.
PageSection burn_down(const std::vector<RunPoint>& points, std::int64_t n_steps,
                      double usd_per_hour, double predicted_usd, std::optional<double> budget_usd);

}  // namespace aforo
