#pragma once
// What a bill is made from beside prices and times: how often machines fail, what providers charge
// for disk and traffic, what power costs. profiles/money/*.yaml, each figure with its source.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "planner/base/yaml_reader.h"

namespace aforo::money {

/// One published rate of interruptions.
struct FailureRate {
  double device_hours = 0;  ///< mean, between interruptions; of n devices it is an n-th
  double restart_hours = 0;
  /// Paid, and nothing runs: until somebody has seen it. Taken as half the time between failures at
  /// most, since nobody leaves a cluster that fails every hour to hands.
  double standstill_hours = 0;
};
struct FailureRates {
  FailureRate low, mid, high;  ///< low: seldom
};

/// How one spot zone behaved.
struct SpotTrace {
  std::string zone, trace;
  int machines = 1;
  double between_hours = 0, outage_hours = 0;
};

/// Dollars for GB from the last tier's end up to `up_to_gb`; infinite in the last tier.
struct Tier {
  double up_to_gb = 0, usd_per_gb = 0;
};

/// What a provider charges beside the machine. Disk and storage: a GB and month of 730 hours.
struct Tariff {
  double disk = 0, disk_stopped = 0, storage = 0;
  double download = 0;  ///< a GB into the machine
  std::vector<Tier> upload;
  std::string source;
};

/// Electricity where a machine stands. `pue`: power of the building over that of the machines.
struct Site {
  double usd_per_kwh = 0, pue = 1;
};

struct PurchasePrice {
  std::string accelerator, kind, as_of, source;
  double usd = 0;
};

struct Assumptions {
  double checkpoint_gb_per_s = 1;  ///< of a machine
  FailureRates failures, marketplace;
  std::vector<SpotTrace> spot;
  std::map<std::string, Tariff> tariffs;  ///< by provider
  Tariff default_tariff;
  double utilisation_of_tdp = 0.9;
  double host_watts = 150;         ///< of a machine at home, beside its cards
  double host_share_of_tdp = 0.6;  ///< in data centers, beside a card
  Site home, data_center;
  double kg_co2_per_kwh = 0;
  double lifetime_hours = 0, resale_share = 0;
  std::vector<PurchasePrice> purchases;

  const Tariff& tariff_of(const std::string& provider) const;
  const PurchasePrice* purchase_of(const std::string& accelerator) const;  ///< null: not known
  /// Traces of as many machines as are held, of the next larger number if there are none.
  std::vector<SpotTrace> traces_for(int n_machines) const;
};

/// profiles/money of the data root. Throws InputError with the place of what is wrong.
Assumptions load_assumptions();

void read_interruptions(const YamlNode& node, Assumptions& into);
void read_tariffs(const YamlNode& node, Assumptions& into);
void read_ownership(const YamlNode& node, Assumptions& into);

/// What `gb` cost, tier by tier.
double tiered_usd(const std::vector<Tier>& tiers, double gb);

}  // namespace aforo::money
