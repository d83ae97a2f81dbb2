#include <fmt/format.h>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/version.h"
#include "planner/base/dates.h"
#include "planner/base/format.h"
#include "planner/base/json.h"
#include "planner/money/catalogue.h"
#include "planner/money/date.h"
#include "planner/report/table.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/machine_file.h"

namespace aforo::cli {
namespace {

double peak(const AcceleratorSpec& spec, const char* type) {
  const auto found = spec.peak_dense.find(type);
  return found == spec.peak_dense.end() ? 0 : found->second.value / 1e12;
}

std::string peak_cell(const AcceleratorSpec& spec, const char* type) {
  const double value = peak(spec, type);
  return value > 0 ? fmt::format("{:g}", value) : "-";
}

void write(JsonWriter& json, const AcceleratorSpec& spec, const std::optional<Offer>& offer) {
  json.begin_object()
      .field("name", spec.name)
      .field("vendor", spec.vendor)
      .field("kind", spec.kind);
  json.field("memory_bytes", spec.memory.value)
      .field("usable_memory_bytes", spec.usable_memory.value);
  json.field("memory_bandwidth_bytes_per_s", spec.memory_bandwidth.value);
  json.key("peak_dense_flops_per_s").begin_object();
  for (const auto& [type, rate] : spec.peak_dense) json.field(type, rate.value);
  json.end_object()
      .field("gemm_efficiency", spec.gemm_efficiency)
      .field("memory_efficiency", spec.memory_efficiency);
  json.field("efficiency_origin", spec.efficiency_origin).field("source", spec.source);
  if (offer)
    json.field("cheapest_usd_per_device_hour", offer->price.value / offer->count)
        .field("offer_as_of", offer->as_of);
  json.end_object();
}

}  // namespace

/// Machines of profiles/machines, as a table or JSON.
int list_machines(const std::string& pattern, bool as_json) {
  Table table({{"machine", Align::left},
               {"devices", Align::left},
               {"link", Align::left},
               {"network", Align::left},
               {"host GiB"}});
  JsonWriter json;
  json.begin_object().field("schema_version", schema_version).key("machines").begin_array();
  for (const MachineSpec& machine : all_machines()) {
    if (machine.name.find(pattern) == std::string::npos) continue;
    const auto rate = [](const std::optional<BytesPerSecond>& value, const std::string& kind) {
      return value ? fmt::format("{} {}", format_rate(*value), kind) : std::string("-");
    };
    table.add({machine.name, fmt::format("{} x {}", machine.count, machine.accelerator),
               rate(machine.link, machine.link_kind), rate(machine.network, machine.network_kind),
               machine.host_memory ? fmt::format("{:.0f}", as_gib(*machine.host_memory)) : "-"});
    json.begin_object().field("name", machine.name).field("accelerator", machine.accelerator);
    json.field("count", machine.count);
    if (machine.link) json.field("link_bytes_per_s", machine.link->value);
    if (machine.network) json.field("network_bytes_per_s", machine.network->value);
    if (machine.host_memory) json.field("host_memory_bytes", machine.host_memory->value);
    json.field("note", machine.note).end_object();
  }
  json.end_array().end_object();
  fmt::print("{}", as_json ? json.text() + "\n" : table.text());
  return 0;
}

int run_hardware(const CommandLine& command_line) {
  const Help help{
      "hardware",
      "[PATTERN]",
      "The accelerators that are known: dense peaks in TFLOP/s, memory, the cheapest on-demand or "
      "community price.",
      {"aforo hardware", "aforo hardware rtx", "aforo hardware h100 --json",
       "aforo hardware aws --machines"},
      "Figures and their sources are in profiles/; a card of your own is one YAML file there."};
  po::options_description options("options");
  options.add_options()("pattern", po::value<std::string>(), "part of a name")(
      "machines", "machines that are rented or owned, instead of accelerators");
  const Arguments args(help, options, {"pattern"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;

  const std::string pattern = args.find<std::string>("pattern").value_or("");
  if (args.has("machines")) return list_machines(pattern, args.json());
  const money::Catalogue catalogue = money::load_catalogue();
  const PriceList& prices = catalogue.prices;
  Table table({{"accelerator", Align::left},
               {"usable GiB"},
               {"GB/s"},
               {"bf16"},
               {"fp16"},
               {"fp32"},
               {"$/h"},
               {"also", Align::left}});
  JsonWriter json;
  json.begin_object()
      .field("schema_version", schema_version)
      .field("prices_as_of", prices.as_of)
      .key("accelerators")
      .begin_array();
  for (const AcceleratorSpec& spec : all_accelerators()) {
    if (spec.name.find(pattern) == std::string::npos) continue;
    const std::optional<Offer> offer = cheapest_offer(prices, spec.name, 1);
    table.add({spec.name, fmt::format("{:.1f}", as_gib(spec.usable_memory)),
               fmt::format("{:g}", spec.memory_bandwidth.value / 1e9), peak_cell(spec, "bf16"),
               peak_cell(spec, "fp16"), peak_cell(spec, "fp32"),
               offer ? fmt::format("{:.2f}", offer->price.value / offer->count) : "-",
               spec.aliases.empty() ? "" : spec.aliases.front()});
    write(json, spec, offer);
  }
  json.end_array().end_object();
  fmt::print("{}", args.json() ? json.text() + "\n" : table.text());
  if (!args.json())
    fmt::print("\nTFLOP/s are dense peaks with fp32 accumulation; prices {}.\n",
               money::age_of(catalogue, today()));
  return 0;
}

}  // namespace aforo::cli
