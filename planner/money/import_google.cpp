// Google's part of SkyPilot's catalogue: a machine and its accelerators are separate rows of one
// zone, and a run pays for both.

#include <fmt/format.h>

#include <unordered_map>

#include "planner/money/import_formats.h"

namespace aforo::money {
namespace {

/// Accelerators that come with one machine type only. `by_count`: the type's name ends in the
/// count.
struct GoogleMachine {
  const char *accelerator, *card, *prefix, *suffix;
  int count;  ///< 0: any, which then stands in the name
};
constexpr GoogleMachine google_machines[] = {{"A100", "a100-sxm-40", "a2-megagpu-16g", "", 16},
                                             {"A100", "a100-sxm-40", "a2-highgpu-", "g", 0},
                                             {"A100-80GB", "a100-sxm-80", "a2-ultragpu-", "g", 0},
                                             {"B200", "b200-sxm", "a4-highgpu-", "g", 0},
                                             {"H100", "h100-sxm", "a3-highgpu-", "g", 0},
                                             {"H100-MEGA", "h100-sxm", "a3-megagpu-", "g", 0},
                                             {"H200", "h200-sxm", "a3-ultragpu-", "g", 0},
                                             {"L4", "l4", "g2-standard-8", "", 1},
                                             {"L4", "l4", "g2-standard-24", "", 2},
                                             {"L4", "l4", "g2-standard-48", "", 4},
                                             {"L4", "l4", "g2-standard-96", "", 8}};

const GoogleMachine* machine_for(const std::string& accelerator, double count) {
  for (const GoogleMachine& machine : google_machines)
    if (accelerator == machine.accelerator && (machine.count == 0 || machine.count == count))
      return &machine;
  return nullptr;
}

struct HostPrice {
  std::optional<double> on_demand, spot;
};

std::string zone_of(const CsvTable& table, std::size_t row) {
  const std::string& zone = table.field(row, "AvailabilityZone");
  return zone.empty() ? table.field(row, "Region") : zone;
}

using HostPrices = std::unordered_map<std::string, HostPrice>;

HostPrices host_prices(const CsvTable& table) {
  HostPrices hosts;
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    const std::string& type = table.field(row, "InstanceType");
    if (type.empty()) continue;
    std::optional<Refusal> ignored;
    hosts[type + "\x1f" + zone_of(table, row)] = {number_field(table, row, "Price", ignored),
                                                  number_field(table, row, "SpotPrice", ignored)};
  }
  return hosts;
}

/// An offer of host and accelerators together, if both have a price.
void offer_sum(int line, RawOffer raw, const char* kind, const std::optional<double>& accelerators,
               const std::optional<double>& host, RowSink& sink) {
  if (!accelerators || *accelerators == 0) return;
  raw.kind = kind;
  if (!host || *host <= 0)
    return sink.refused(line, raw.card,
                        {Fault::partial, fmt::format("{} has no {} price, so the sum is unknown",
                                                     raw.machine, kind)});
  raw.price = *accelerators + *host;
  sink.offer(line, std::move(raw));
}

}  // namespace

void read_google(const CsvTable& table, const RawOffer& defaults, RowSink& sink) {
  const HostPrices hosts = host_prices(table);
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    const std::string& accelerator = table.field(row, "AcceleratorName");
    if (accelerator.empty()) {
      sink.without_accelerator();
      continue;
    }
    RawOffer raw = defaults;
    raw.card = accelerator;
    raw.region = zone_of(table, row);
    const int line = table.line(row);
    std::optional<Refusal> bad;
    raw.count = number_field(table, row, "AcceleratorCount", bad).value_or(1);
    const auto price = number_field(table, row, "Price", bad);
    const auto spot = number_field(table, row, "SpotPrice", bad);
    const GoogleMachine* machine = machine_for(accelerator, raw.count);
    if (!bad && accelerator.starts_with("tpu-"))
      bad = Refusal{Fault::count, "a slice of TPUs, counted as one device"};
    if (!bad && machine == nullptr)
      bad = Refusal{Fault::partial, "fits into hosts of any size, so what a run pays is not known"};
    if (!bad && !price && !spot) bad = Refusal{Fault::unreadable, "there is no price"};
    if (bad) {
      sink.refused(line, accelerator, *bad);
      continue;
    }
    raw.card = machine->card;
    raw.machine = machine->count > 0
                      ? std::string(machine->prefix)
                      : fmt::format("{}{:g}{}", machine->prefix, raw.count, machine->suffix);
    const auto host = hosts.find(raw.machine + "\x1f" + raw.region);
    const HostPrice none;
    const HostPrice& both = host == hosts.end() ? none : host->second;
    offer_sum(line, raw, "on_demand", price, both.on_demand, sink);
    offer_sum(line, raw, "spot", spot, both.spot, sink);
  }
}

}  // namespace aforo::money
