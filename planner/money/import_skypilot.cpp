#include <fmt/format.h>

#include "planner/base/numbers.h"
#include "planner/base/text.h"
#include "planner/money/import_formats.h"

namespace aforo::money {
namespace {

/// GpuInfo is a dictionary as Python prints it; its SizeInMiB is wrong for some clouds (GiB, or the
/// sum over the cards), so it counts only where it is a size that a card can have.
double memory_gb(std::string_view gpu_info) {
  const std::size_t key = gpu_info.find("'SizeInMiB':");
  if (key == std::string_view::npos) return 0;
  std::string_view rest = gpu_info.substr(key + 12);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  const auto mib = parse_number(rest.substr(0, rest.find_first_not_of("0123456789.")));
  return mib && *mib >= 8192 && *mib <= 300 * 1024 ? *mib * 1.048576e-3 : 0;
}

/// "tpu-v5p-8" and "v5litepod-16" are slices: catalogues count them as one device.
bool is_tpu_slice(const std::string& card) { return card.starts_with("tpu-"); }

}  // namespace

void read_skypilot(const CsvTable& table, const RawOffer& defaults, RowSink& sink) {
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    RawOffer raw = defaults;
    raw.card = table.field(row, "AcceleratorName");
    raw.machine = table.field(row, "InstanceType");
    if (raw.card.empty()) {
      sink.without_accelerator();
      continue;
    }
    const std::string& zone = table.field(row, "AvailabilityZone");
    raw.region = zone.empty() ? table.field(row, "Region") : zone;
    raw.memory_gb = memory_gb(table.field(row, "GpuInfo"));
    const int line = table.line(row);
    std::optional<Refusal> bad;
    const auto count = number_field(table, row, "AcceleratorCount", bad);
    const auto price = number_field(table, row, "Price", bad);
    const auto spot = number_field(table, row, "SpotPrice", bad);
    if (!bad && is_tpu_slice(raw.card))
      bad = Refusal{Fault::count, "a slice of TPUs, counted as one device"};
    if (!bad && !price && !spot) bad = Refusal{Fault::unreadable, "there is no price"};
    if (bad) {
      sink.refused(line, raw.card, *bad);
      continue;
    }
    raw.count = count.value_or(1);
    if (price) {
      raw.kind = "on_demand";
      raw.price = *price;
      sink.offer(line, raw);
    }
    if (!spot || *spot == 0) continue;  // 0.00: no spot instances
    raw.kind = "spot";
    raw.price = *spot;
    if (price && *spot >= *price)
      sink.refused(line, raw.card,
                   {Fault::sentinel,
                    fmt::format("spot at ${:g} is not below on demand at ${:g}", *spot, *price)});
    else
      sink.offer(line, raw);
  }
}

std::optional<double> number_field(const CsvTable& table, std::size_t row, const char* column,
                                   std::optional<Refusal>& bad) {
  const std::string& text = table.field(row, column);
  if (text.empty()) return std::nullopt;
  const auto value = parse_number(text);
  if (!value && !bad)
    bad =
        Refusal{Fault::unreadable, fmt::format("{} is {}; expected a number", column, shown(text))};
  return value;
}

}  // namespace aforo::money
