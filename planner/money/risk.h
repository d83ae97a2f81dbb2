#pragma once
// Will it be done in time, and within the money: in closed form, and by drawn runs beside it.

#include <cstdint>

#include "planner/money/bill.h"

namespace aforo::money {

/// Runs drawn at random: training time from its interval (a logarithm that is normal on either side
/// of the middle), an interruption model of those that are equally likely, failures as they fall.
struct DrawnBills {
  Interval wall_hours;  ///< 10th, 50th and 90th percentile
  Interval usd;
  double in_time = 1;    ///< share of the runs within the deadline; 1 without one
  double in_budget = 1;  ///< and within the budget
  int n_runs = 0;
};

struct Limits {
  double hours = 0;  ///< of wall time; 0: none
  double usd = 0;    ///< 0: none
};

/// Where more than 300 interruptions are expected, their sum is drawn from a normal distribution.
/// Set-up, download and repeated runs are taken at their middle. The same seed gives the same
/// answer.
DrawnBills draw_bills(const Bill& bill, const RunNeeds& needs, const Supply& supply,
                      const Assumptions& assumptions, const Limits& limits, int n_runs = 2000,
                      std::uint64_t seed = 1);

/// The probability to be done within `hours` of wall time without drawing: the mean over
/// interruption models and over 41 equally likely training times of
/// InterruptedRun::probability_within.
double probability_in_time(const Bill& bill, const RunNeeds& needs, const Supply& supply,
                           const Assumptions& assumptions, double hours);

}  // namespace aforo::money
