#pragma once
// What the bill of a job on a site is made from.

#include "planner/money/bill.h"
#include "planner/scenarios/best_layout.h"

namespace aforo::scenarios {

/// Sizes in GB of 10^9 bytes.
struct JobSizes {
  double tokens = 0;      ///< 2 bytes a token, 4 where the vocabulary is above 65,536
  double weights = 0;     ///< 2 bytes a parameter
  double trained = 0;     ///< 2 bytes a trained parameter: what is taken home
  double checkpoint = 0;  ///< 14 bytes a trained parameter: 16-bit weight, fp32 master and moments
};
JobSizes sizes_of(const TrainingJob& job);

/// Parameters that are trained: all, or the adapters' rank x (in + out) of the matrices that have
/// them.
double trained_parameters(const TrainingJob& job);

/// Download: the tokens, and with adapters the weights beside them. Disk: 50 GB a machine for the
/// system, tokens, weights and the checkpoints that are kept. The scenario's wishes replace any of
/// it.
money::RunNeeds needs_of(const Scenario& scenario, const Site& site, const Interval& hours);

/// Puts what the user said in place of what `needs` assumes.
void apply_wishes(const BillWishes& wishes, money::RunNeeds& needs);

money::Supply supply_of(const Scenario& scenario, const World& world, const Option& option);

}  // namespace aforo::scenarios
