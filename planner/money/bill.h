#pragma once
// The whole bill of a run: what is paid beside the hours of training.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "planner/base/interval.h"
#include "planner/money/assumptions.h"
#include "planner/money/failures.h"

namespace aforo::money {

/// What a run needs. Shares are of the training hours.
struct RunNeeds {
  Interval training_hours;  ///< wall clock of all steps, as if nothing ever failed
  int n_devices = 1;
  int n_machines = 1;
  double evaluation_share = 0.02;         ///< validation beside training: assumed
  Interval setup_hours{0.1, 0.25, 0.75};  ///< boot, image, environment; half an hour is reported
  Interval repeated_share{0, 0.2, 0.3};   ///< debugging and dead runs: 20-30 % is a judgement
  double download_gb = 0;                 ///< data and weights, to the machine
  double download_gb_per_hour = 450;      ///< of a machine, 1 Gb/s; each takes its share
  double upload_gb = 0;                   ///< what is taken home, once
  double disk_gb = 0;                     ///< of all machines
  double stopped_hours = 0;               ///< in which the machine is stopped but kept
  double checkpoint_gb = 0;               ///< weights, masters and optimizer states
  int checkpoints_kept = 2;
};

/// Hours in which all machines together take the download.
inline double download_hours(const RunNeeds& needs) {
  return needs.download_gb / (needs.download_gb_per_hour * needs.n_machines);
}

enum class Terms { steady, marketplace, spot, owned };

/// What the run is put on.
struct Supply {
  Terms terms = Terms::steady;
  double usd_per_hour = 0;  ///< of everything held together; 0 for own machines
  Tariff tariff;
  double kilowatts = 0;          ///< at the plug; 0: not known
  double usd_per_kwh = 0;        ///< that the user pays; 0 where the rent holds it
  double wear_usd_per_hour = 0;  ///< of own machines, if their price is to be counted
};

/// The lines of a bill, in the order they are printed.
///
///   setup          setup x rate
///   download       GB / (GB an hour x machines) x rate + GB x tariff
///   training       hours x rate
///   evaluation     share x training x rate
///   interruptions  (held - training - evaluation) x rate: checkpoints, restarts, lost work
///   repeated       share x (training + evaluation) x rate
///   disk           GB x tariff / 730 x hours held
///   disk_stopped   GB x tariff / 730 x hours not held: outages, and while stopped
///   checkpoints    GB x kept x tariff / 730 x hours until the end
///   upload         GB by tier
///   electricity    kW x hours held x USD a kWh
///   wear           (purchase - resale) / hours of use x hours held
enum class Line {
  setup,
  download,
  training,
  evaluation,
  interruptions,
  repeated,
  disk,
  disk_stopped,
  checkpoints,
  upload,
  electricity,
  wear,
  count
};
constexpr int n_lines = static_cast<int>(Line::count);
std::string_view name_of(Line line);

struct BillLine {
  Interval hours;  ///< wall clock, devices held; zeros for lines that take no time
  Interval usd;
};

struct Bill {
  std::array<BillLine, n_lines> lines;
  Interval usd;         ///< of all lines
  Interval held_hours;  ///< in which devices are paid for
  Interval wall_hours;  ///< with outages: until the run is done
  Interval device_hours;
  double kwh = 0, kg_co2 = 0;   ///< at the middle of held_hours; 0 if the power is not known
  Interruptions interruptions;  ///< the middle one
  double checkpoint_every_hours = 0;
  double n_interruptions = 0;  ///< expected
  const BillLine& operator[](Line line) const { return lines[static_cast<int>(line)]; }
};

/// The bill. Ends are end by end: low is everything going well at once, high everything badly;
/// spot's ends are the 10th and 90th percentile of the traces. An end is infinite where a run never
/// ends.
Bill bill_of(const RunNeeds& needs, const Supply& supply, const Assumptions& assumptions);

/// How the run may be interrupted, each equally likely: one for steady terms, one a trace for spot.
std::vector<Interruptions> interruption_models(const RunNeeds& needs, const Supply& supply,
                                               const Assumptions& assumptions);

/// The formula of a line with the middle's numbers in it: "24.00 h x $28.000 = $672.00".
std::string formula(Line line, const Bill& bill, const RunNeeds& needs, const Supply& supply);

/// Hours of a month in tariffs.
constexpr double hours_per_month = 730;

}  // namespace aforo::money
