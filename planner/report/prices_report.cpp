#include "planner/report/prices_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "planner/base/format.h"
#include "planner/base/json.h"
#include "planner/money/date.h"
#include "planner/report/table.h"

namespace aforo {
namespace {

double per_device(const Offer& offer) { return offer.price.value / offer.count; }

std::string rate(double usd) { return fmt::format("{:.3f}", usd); }

std::string offer_table(const std::vector<Offer>& offers, const std::string& today,
                        std::size_t most) {
  Table table({{"accelerator", Align::left},
               {"count"},
               {"kind", Align::left},
               {"provider", Align::left},
               {"region", Align::left},
               {"$/h"},
               {"$/h each"},
               {"as of", Align::left},
               {"age", Align::left}});
  for (std::size_t i = 0; i < std::min(most, offers.size()); ++i) {
    const Offer& o = offers[i];
    table.add({o.accelerator, fmt::format("{}", o.count), o.kind, o.provider, o.region,
               rate(o.price.value), rate(per_device(o)), o.as_of, money::age_text(o.as_of, today)});
  }
  return table.text();
}

/// A stored catalogue older than three months was off by up to 40 % in the past (AWS P5 -44 % in
/// June 2025, Capacity Blocks +15 % in January 2026).
constexpr int old_days = 90;

std::string age_line(const money::Catalogue& catalogue, const std::string& today) {
  std::string line = fmt::format("Prices {}.", money::age_of(catalogue, today));
  bool old = false;
  for (const money::CatalogueFile& file : catalogue.files)
    old = old || (file.n_offers > 0 && money::age_days(file.as_of, today).value_or(0) > old_days);
  if (old)
    line +=
        " Prices moved by up to 40 % in three months before: `aforo prices import` takes newer "
        "ones.";
  return line + "\n";
}

void write_offer(JsonWriter& json, const Offer& o, const std::string& today) {
  json.begin_object().field("provider", o.provider).field("region", o.region);
  json.field("machine", o.machine).field("accelerator", o.accelerator).field("count", o.count);
  json.field("kind", o.kind).field("price_usd_per_hour", o.price.value);
  json.field("price_usd_per_device_hour", per_device(o)).field("as_of", o.as_of);
  json.field("age_days", money::age_days(o.as_of, today));
  json.field("confidence", o.confidence).field("source", o.source);
  json.field("disk_usd_per_gb_month", o.disk_usd_per_gb_month);
  json.field("upload_usd_per_gb", o.upload_usd_per_gb);
  json.field("download_usd_per_gb", o.download_usd_per_gb).end_object();
}

void write_files(JsonWriter& json, const money::Catalogue& catalogue, const std::string& today) {
  json.field("as_of", catalogue.prices.as_of);
  json.field("age_days", money::age_days(catalogue.prices.as_of, today));
  json.key("files").begin_array();
  for (const money::CatalogueFile& file : catalogue.files)
    json.begin_object()
        .field("path", file.path)
        .field("as_of", file.as_of)
        .field("age_days", money::age_days(file.as_of, today))
        .field("n_offers", file.n_offers)
        .field("n_left_out", file.n_left_out)
        .end_object();
  json.end_array();
}

struct DateRange {
  std::string oldest, newest;
  int n_offers = 0;
};

std::map<std::string, DateRange> dates_by_provider(const PriceList& prices) {
  std::map<std::string, DateRange> ranges;
  for (const Offer& offer : prices.offers) {
    DateRange& range = ranges[offer.provider];
    if (range.n_offers++ == 0) range.oldest = range.newest = offer.as_of;
    range.oldest = std::min(range.oldest, offer.as_of);
    range.newest = std::max(range.newest, offer.as_of);
  }
  return ranges;
}

std::string file_table(const money::Catalogue& catalogue, const std::string& today) {
  Table table({{"file", Align::left},
               {"as of", Align::left},
               {"age", Align::left},
               {"offers in use"},
               {"rows left out"}});
  for (const money::CatalogueFile& file : catalogue.files)
    table.add({file.path, file.as_of, money::age_text(file.as_of, today),
               format_count(file.n_offers), format_count(file.n_left_out)});
  return table.text();
}

std::string kind_table(const std::vector<Offer>& offers) {
  std::map<std::string, std::vector<double>> by_kind;
  for (const Offer& offer : offers) by_kind[offer.kind].push_back(per_device(offer));
  Table table({{"kind", Align::left}, {"offers"}, {"cheapest"}, {"median"}, {"dearest"}});
  for (auto& [kind, prices] : by_kind) {
    std::sort(prices.begin(), prices.end());
    table.add({kind, format_count(static_cast<std::int64_t>(prices.size())), rate(prices.front()),
               rate(prices[prices.size() / 2]), rate(prices.back())});
  }
  return table.text();
}

}  // namespace

std::string prices_text(const money::Catalogue& catalogue, const std::vector<Offer>& offers,
                        const std::string& today, std::size_t most) {
  std::string out = offer_table(offers, today, most);
  if (offers.size() > most)
    out += fmt::format("[{} more; --all shows them]\n",
                       format_count(static_cast<std::int64_t>(offers.size() - most)));
  return out +
         fmt::format("\n{} offers. ", format_count(static_cast<std::int64_t>(offers.size()))) +
         age_line(catalogue, today);
}

std::string card_prices_text(const money::Catalogue& catalogue, const std::string& card,
                             const std::vector<Offer>& offers, const std::string& today) {
  std::string out = fmt::format("{}, USD an hour and device\n\n", card);
  if (offers.empty()) return out + "No offer is known. " + age_line(catalogue, today);
  return out + kind_table(offers) + "\n" + offer_table(offers, today, offers.size()) + "\n" +
         age_line(catalogue, today);
}

std::string prices_json(const money::Catalogue& catalogue, const std::vector<Offer>& offers,
                        const std::string& today) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1);
  write_files(json, catalogue, today);
  json.key("offers").begin_array();
  for (const Offer& offer : offers) write_offer(json, offer, today);
  json.end_array().end_object();
  return json.text() + "\n";
}

std::string prices_age_text(const money::Catalogue& catalogue, const std::string& today) {
  Table table({{"provider", Align::left},
               {"offers"},
               {"oldest", Align::left},
               {"newest", Align::left},
               {"age of the oldest", Align::left}});
  for (const auto& [provider, range] : dates_by_provider(catalogue.prices))
    table.add({provider, format_count(range.n_offers), range.oldest, range.newest,
               money::age_text(range.oldest, today)});
  return file_table(catalogue, today) + "\n" + table.text() + "\n" + age_line(catalogue, today);
}

std::string prices_age_json(const money::Catalogue& catalogue, const std::string& today) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1);
  write_files(json, catalogue, today);
  json.key("providers").begin_array();
  for (const auto& [provider, range] : dates_by_provider(catalogue.prices))
    json.begin_object()
        .field("provider", provider)
        .field("n_offers", range.n_offers)
        .field("oldest", range.oldest)
        .field("newest", range.newest)
        .end_object();
  json.end_array().end_object();
  return json.text() + "\n";
}

std::string price_changes_text(const PriceList& before, const PriceList& after, std::size_t most) {
  const std::vector<money::PriceChange> changes = money::price_changes(before, after);
  Table table({{"", Align::left},
               {"accelerator", Align::left},
               {"count"},
               {"kind", Align::left},
               {"provider", Align::left},
               {"region", Align::left},
               {"before"},
               {"after"},
               {"change"}});
  int n_new = 0, n_gone = 0, n_moved = 0;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto& [was, is] = changes[i];
    const bool fresh = was.provider.empty(), gone = is.provider.empty();
    ++(fresh ? n_new : gone ? n_gone : n_moved);
    if (i >= most) continue;
    const Offer& o = gone ? was : is;
    table.add({fresh  ? "+"
               : gone ? "-"
                      : "~",
               o.accelerator, fmt::format("{}", o.count), o.kind, o.provider, o.region,
               fresh ? "-" : rate(was.price.value), gone ? "-" : rate(is.price.value),
               fresh || gone
                   ? ""
                   : fmt::format("{:+.1f} %", 100 * (is.price.value / was.price.value - 1))});
  }
  std::string out = table.empty() ? "" : table.text();
  if (changes.size() > most)
    out += fmt::format("[{} more; --all shows them]\n", changes.size() - most);
  return out + fmt::format("{} to {}: {} changed, {} new, {} gone\n", before.as_of, after.as_of,
                           n_moved, n_new, n_gone);
}

std::string price_changes_json(const PriceList& before, const PriceList& after) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1);
  json.field("before", before.as_of).field("after", after.as_of).key("changes").begin_array();
  for (const auto& [was, is] : money::price_changes(before, after)) {
    const Offer& o = is.provider.empty() ? was : is;
    json.begin_object().field("provider", o.provider).field("region", o.region);
    json.field("machine", o.machine).field("accelerator", o.accelerator).field("count", o.count);
    json.field("kind", o.kind);
    const auto price = [](const Offer& offer) {
      return offer.provider.empty() ? std::nullopt : std::optional<double>(offer.price.value);
    };
    json.field("before_usd_per_hour", price(was)).field("after_usd_per_hour", price(is));
    json.end_object();
  }
  json.end_array().end_object();
  return json.text() + "\n";
}

std::string import_text(const money::Import& import, const std::vector<std::string>& written,
                        const std::string& as_of, const std::string& today, std::size_t most) {
  std::string out =
      fmt::format("{}: rows {}, offers {}, left out {}, machines without an accelerator {}; {}\n",
                  import.format, format_count(import.n_rows),
                  format_count(static_cast<std::int64_t>(import.offers.size())),
                  format_count(import.n_all_left_out()), format_count(import.n_without_accelerator),
                  money::dated(as_of, today));
  for (int i = 0; i < money::n_faults; ++i)
    if (import.n_left_out[i] > 0)
      out += fmt::format("  {} {}\n", format_count(import.n_left_out[i]),
                         name_of(static_cast<money::Fault>(i)));
  Table table({{"row"}, {"left out", Align::left}, {"why", Align::left}});
  for (std::size_t i = 0; i < std::min(most, import.left_out.size()); ++i) {
    const money::LeftOut& row = import.left_out[i];
    table.add({fmt::format("{}", row.row), row.what, row.reason});
  }
  if (!table.empty()) out += "\n" + table.text();
  if (import.left_out.size() > most)
    out += fmt::format("[{} more; --all shows them]\n", import.n_all_left_out() - most);
  for (const std::string& path : written) out += fmt::format("\nWrote {}", path);
  return out + (written.empty() ? "" : "\n");
}

std::string import_json(const money::Import& import, const std::vector<std::string>& written) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1).field("format", import.format);
  json.field("n_rows", import.n_rows);
  json.field("n_offers", static_cast<std::int64_t>(import.offers.size()));
  json.field("n_without_accelerator", import.n_without_accelerator);
  json.field("n_left_out", import.n_all_left_out()).key("left_out_by_reason").begin_object();
  for (int i = 0; i < money::n_faults; ++i)
    json.field(name_of(static_cast<money::Fault>(i)), import.n_left_out[i]);
  json.end_object().key("left_out").begin_array();
  for (const money::LeftOut& row : import.left_out)
    json.begin_object()
        .field("row", row.row)
        .field("what", row.what)
        .field("fault", name_of(row.fault))
        .field("reason", row.reason)
        .end_object();
  json.end_array().key("written").begin_array();
  for (const std::string& path : written) json.value(path);
  json.end_array().end_object();
  return json.text() + "\n";
}

}  // namespace aforo
