#pragma once
// Accelerator profiles, price lists and calibrations from files in profiles/. profiles/README.md
// has the keys.

#include <optional>
#include <string>
#include <vector>

#include "planner/base/yaml_reader.h"
#include "planner/spec/hardware.h"

namespace aforo {

AcceleratorSpec read_accelerator(const YamlNode& node);

/// Every profile in profiles/accelerators, sorted by name. Throws InputError if two share a name or
/// alias.
std::vector<AcceleratorSpec> all_accelerators();

/// By name or alias, letter case, spaces and "-" ignored; or a path to a YAML file. Throws
/// InputError naming the nearest.
AcceleratorSpec find_accelerator(const std::string& name);

/// Name of the accelerator in `specs` that has this name or alias, written as above; "" if none.
std::string match_accelerator(const std::string& name, const std::vector<AcceleratorSpec>& specs);

/// "rtx-4090:4" -> name and count; count 1 without a colon. Throws InputError if the count is not 1
/// to 100,000.
struct GpuRequest {
  std::string name;
  int count = 1;
};
GpuRequest parse_gpu_request(const std::string& text);

PriceList read_prices(const YamlNode& node);

/// The newest list in profiles/prices; empty if there is none.
PriceList newest_prices();

/// The cheapest offer per device of `kind` ("on_demand", "spot", ...; empty: on_demand or
/// community, which nobody interrupts) whose count is the one asked for, else of any count.
std::optional<Offer> cheapest_offer(const PriceList& prices, const std::string& accelerator,
                                    int count, const std::string& kind = "");

Calibration read_calibration(const YamlNode& node);
std::string write_calibration(const Calibration& calibration);

}  // namespace aforo
