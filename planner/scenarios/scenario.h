#pragma once
// A question about money: a job, what may be spent and waited, on what it may run.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "planner/base/interval.h"
#include "planner/search/lattice.h"
#include "planner/spec/hardware.h"
#include "planner/spec/job.h"

namespace aforo::scenarios {

constexpr int most_devices = 100000;  ///< that a scenario may ask for

enum class SpotPolicy { allow, only, never };

/// Cards that stand there already: "owned:4x3090".
struct OwnedCards {
  std::string accelerator;  ///< name of a profile
  int count = 1;
};

/// What may be rented: "rent:any", "rent:h100", "rent:8xh100".
struct RentedCards {
  std::string accelerator;  ///< "" : any
  int count = 0;            ///< devices in all; 0: any number up to the scenario's max_devices
};

struct Hardware {
  std::vector<OwnedCards> owned;
  std::vector<RentedCards> rented;
};

/// Reads "owned:4x3090,rent:any"; names are those of `cards` and their aliases. Throws InputError.
Hardware parse_hardware(std::string_view text, const std::vector<AcceleratorSpec>& cards);

/// What the bill assumes unless told otherwise; see money::RunNeeds and docs/money.md.
struct BillWishes {
  std::optional<Interval> setup_hours, repeated_share;
  std::optional<double> evaluation_share, download_gb, upload_gb, disk_gb, stopped_hours;
  std::optional<int> checkpoints_kept;
  std::optional<double> usd_per_kwh;       ///< of own machines
  std::optional<double> watts_per_device;  ///< measured, of own machines
  std::optional<double> purchase_usd;      ///< of own machines in all: then wear is counted
};

struct Scenario {
  std::string name, note;
  TrainingJob job;
  Hardware hardware;
  SpotPolicy spot = SpotPolicy::allow;
  std::optional<double> budget_usd, deadline_hours;
  Objective objective = Objective::money;
  int max_devices = 8;               ///< that may be rented together
  std::vector<std::string> engines;  ///< empty: all that are proposed
  BillWishes bill;
};

/// Sequences a step where nobody says: 2^19 tokens in full training (as GPT-3 of that size), 16
/// sequences with adapters (usual in fine-tuning recipes). A power of two, at least 1.
int default_batch(Method method, int seq_len);

}  // namespace aforo::scenarios
