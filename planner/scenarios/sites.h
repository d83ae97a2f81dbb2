#pragma once
// Where a job could run: the distinct machines behind thousands of offers.

#include <string>
#include <vector>

#include "planner/money/bill.h"
#include "planner/scenarios/scenario.h"
#include "planner/scenarios/world.h"

namespace aforo::scenarios {

/// Cards that a plan is made for; all offers of it share the plan.
struct Site {
  const AcceleratorSpec* card = nullptr;
  int n_devices = 1;
  int n_machines = 1;
  bool operator==(const Site&) const = default;
};

/// A site under one provider's terms.
struct Option {
  Site site;
  bool owned = false;
  Offer offer;  ///< of one machine; empty if owned
  double usd_per_hour() const { return offer.price.value * site.n_machines; }
  bool is_spot() const { return offer.kind == "spot" || offer.kind == "interruptible"; }
};

/// Everything that the scenario allows. Rented machines are joined 2, 4, 8 ... at a time up to
/// max_devices where they hold a full machine's cards (per_node, or 8) and no marketplace owns
/// them, for nobody promises a network between its hosts. Of one provider, kind, card and count
/// only the cheapest offer is there: the others cost more and are no different. Cheapest per device
/// first.
std::vector<Option> options_of(const Scenario& scenario, const World& world);

/// "vast community", "own box".
std::string name_of(const Option& option);

}  // namespace aforo::scenarios
