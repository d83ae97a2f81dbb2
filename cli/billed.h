#pragma once
// What a bill is made for: a plan file, a model on devices, or bare hours; and on whose terms.

#include <string>

#include "cli/arguments.h"
#include "planner/report/bill_report.h"
#include "planner/scenarios/needs.h"

namespace aforo::cli {

/// Hours on a card, with the job and plan behind them if there are any.
struct Billed {
  scenarios::Scenario scenario;  ///< job and bill wishes
  scenarios::Site site;
  Interval hours;
  std::string job, plan;
  double memory_bytes = 0;  ///< 0: not known
};

/// A plan file says how long it takes and on what. Throws InputError if it is for no card.
Billed billed_plan(const scenarios::World& world, const std::string& path);
/// --hours on --gpu.
Billed billed_hours(const Arguments& args, const scenarios::World& world);
/// The fastest layout of the job on --gpu. Throws an Error (infeasible) if none fits.
Billed billed_job(const Arguments& args, const scenarios::World& world);

/// --own, --price, or the cheapest known offer of --price-kind for as many devices. Throws
/// InputError if there is none.
scenarios::Option option_for(const Arguments& args, const scenarios::World& world,
                             const scenarios::Site& site);

/// The bill, with the wishes of `args`, but without limits and risk.
BillSheet sheet_of(const Arguments& args, const scenarios::World& world, const Billed& billed,
                   const scenarios::Option& option);

}  // namespace aforo::cli
