#include <fmt/format.h>

#include "planner/base/text.h"
#include "planner/money/import_formats.h"

namespace aforo::money {

void read_gpuhunt(const CsvTable& table, const RawOffer& defaults, RowSink& sink) {
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    RawOffer raw = defaults;
    const int line = table.line(row);
    std::optional<Refusal> bad;
    const auto count = number_field(table, row, "gpu_count", bad);
    raw.card = table.field(row, "gpu_name");
    if (!bad && (raw.card.empty() || count.value_or(0) == 0)) {
      sink.without_accelerator();
      continue;
    }
    if (const std::string& provider = table.field(row, "provider"); !provider.empty())
      raw.provider = provider;
    raw.machine = table.field(row, "instance_name");
    raw.region = table.field(row, "location");
    raw.memory_gb = number_field(table, row, "gpu_memory", bad).value_or(0);
    const auto price = number_field(table, row, "price", bad);
    const std::string& spot = table.field(row, "spot");
    if (!bad && !price) bad = Refusal{Fault::unreadable, "there is no price"};
    if (!bad && spot != "" && spot != "True" && spot != "False" && spot != "true" &&
        spot != "false")
      bad = Refusal{Fault::unreadable,
                    fmt::format("spot is {}; expected True or False", shown(spot))};
    if (bad) {
      sink.refused(line, raw.card, *bad);
      continue;
    }
    raw.kind = spot == "True" || spot == "true" ? "spot" : "on_demand";
    raw.count = *count;
    raw.price = *price;
    sink.offer(line, std::move(raw));
  }
}

}  // namespace aforo::money
