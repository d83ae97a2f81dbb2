#pragma once
// What all scenarios share: profiles, engines, constants, prices. Loaded once; outlives every
// answer.

#include <vector>

#include "planner/fast/ranges.h"
#include "planner/fast/rates.h"
#include "planner/money/assumptions.h"
#include "planner/money/catalogue.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/machine_file.h"

namespace aforo::scenarios {

struct World {
  std::vector<AcceleratorSpec> cards = all_accelerators();
  std::vector<MachineSpec> machines = all_machines();
  std::vector<fast::EngineSpec> engines = fast::all_engines();
  fast::Constants constants = fast::Constants::load();
  fast::PublishedRanges ranges = fast::PublishedRanges::load();
  money::Assumptions assumptions = money::load_assumptions();
  money::Catalogue catalogue = money::load_catalogue();

  /// Null if there is no such profile.
  const AcceleratorSpec* card(const std::string& name) const;
};

}  // namespace aforo::scenarios
