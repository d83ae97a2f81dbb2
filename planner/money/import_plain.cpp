#include "planner/money/import_formats.h"

namespace aforo::money {
namespace {

const char* price_column(const CsvTable& table) {
  for (const char* column : {"price_usd_per_hour", "usd_per_hour", "price"})
    if (table.has(column)) return column;
  return "price_usd_per_hour";
}

}  // namespace

void read_plain(const CsvTable& table, const RawOffer& defaults, RowSink& sink) {
  const char* price = price_column(table);
  const auto text = [&](std::size_t row, const char* column, std::string& into) {
    if (const std::string& field = table.field(row, column); !field.empty()) into = field;
  };
  for (std::size_t row = 0; row < table.n_rows(); ++row) {
    RawOffer raw = defaults;
    raw.kind = "on_demand";
    text(row, "provider", raw.provider);
    text(row, "region", raw.region);
    text(row, "machine", raw.machine);
    text(row, "accelerator", raw.card);
    text(row, "kind", raw.kind);
    text(row, "as_of", raw.as_of);
    text(row, "confidence", raw.confidence);
    text(row, "source", raw.source);
    text(row, "unit", raw.unit);
    std::optional<Refusal> bad;
    raw.count = number_field(table, row, "count", bad).value_or(1);
    raw.memory_gb = number_field(table, row, "memory_gb", bad).value_or(0);
    const auto usd = number_field(table, row, price, bad);
    raw.disk_usd_per_gb_month = number_field(table, row, "disk_usd_per_gb_month", bad);
    raw.upload_usd_per_gb = number_field(table, row, "upload_usd_per_gb", bad);
    raw.download_usd_per_gb = number_field(table, row, "download_usd_per_gb", bad);
    if (!bad && !usd) bad = Refusal{Fault::unreadable, "there is no price"};
    if (bad) {
      sink.refused(table.line(row), raw.card, *bad);
      continue;
    }
    raw.price = *usd;
    sink.offer(table.line(row), std::move(raw));
  }
}

}  // namespace aforo::money
