#pragma once
// A scenario's answer: every offer with its plan, time, bill and risk; which to take; what lies on
// the front of money and time; what a little more of either buys.

#include <memory>
#include <string>
#include <vector>

#include "planner/money/risk.h"
#include "planner/scenarios/needs.h"

namespace aforo::scenarios {

/// One option with the best plan for it.
struct Row {
  Option option;
  const SiteLayout* layout = nullptr;  ///< in Answer::layouts
  money::RunNeeds needs;
  money::Supply supply;
  money::Bill bill;
  double in_time = -1;        ///< probability, closed form; below 0: not computed or no deadline
  money::DrawnBills drawn;    ///< n_runs 0: not drawn
  bool within_budget = true;  ///< at the middle of the bill
  bool within_deadline = true;
  bool on_front = false;
  bool chosen = false;
};

enum class Outcome { chosen, over_limits, does_not_fit, nothing_offered };

struct Answer {
  const Scenario* scenario = nullptr;
  Outcome outcome = Outcome::nothing_offered;
  std::vector<Row> rows;             ///< cheapest first
  int chosen = -1;                   ///< in rows
  std::vector<std::string> why_not;  ///< if nothing is chosen: what stands against it, with numbers
  std::vector<std::string> trades;   ///< what 10 % more money or time buys
  int n_offers = 0;    ///< of the catalogue, that the scenario allows, with machines joined
  int n_sites = 0;     ///< distinct among them
  int n_searched = 0;  ///< sites that were searched; the others cannot be better
  std::int64_t n_plans = 0;
  std::vector<std::unique_ptr<SiteLayout>> layouts;
};

/// Rows that are searched: all own machines, and of rented sites those whose bound (least_hours at
/// the site's cheapest price) is not beaten in both time and money by a row: so the front over all
/// options is exact.
///
/// Chosen is a row whose middle keeps budget and deadline. First by the objective among those that
/// keep the budget at the high end of their bill and the deadline with a probability of 90 %; if
/// none does, first by the objective of all that keep both. None that is over the budget.
Answer answer_of(const Scenario& scenario, const World& world);

/// No other row is both cheaper and faster, at the middles; by rising time.
std::vector<const Row*> front_of(const Answer& answer);

/// "late 14 %, up to $23.10 of $20"; "-" if there is nothing to say.
std::string risk_of(const Row& row, const Scenario& scenario);

/// Probability of being in time from which a row counts as safe.
constexpr double safe_probability = 0.9;

}  // namespace aforo::scenarios
