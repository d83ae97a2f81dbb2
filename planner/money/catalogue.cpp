#include "planner/money/catalogue.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <tuple>

#include "planner/base/files.h"
#include "planner/money/date.h"
#include "planner/spec/hardware_file.h"

namespace aforo::money {
namespace {

std::string latest_date(const std::vector<Offer>& offers) {
  std::string latest;
  for (const Offer& offer : offers) latest = std::max(latest, offer.as_of);
  return latest;
}

struct LoadedFile {
  CatalogueFile file;
  std::vector<Offer> offers;
  std::map<std::string, std::string> as_of;  ///< by provider
};

LoadedFile loaded(std::string path, std::vector<Offer> offers, int n_left_out,
                  const std::string& file_as_of) {
  LoadedFile result{
      {std::move(path), file_as_of.empty() ? latest_date(offers) : file_as_of, 0, n_left_out},
      std::move(offers)};
  for (const Offer& offer : result.offers) {
    std::string& date = result.as_of[offer.provider];
    // An offer of a snapshot bears the earliest date it can be from; the file's is the latest.
    date = std::max(date, file_as_of.empty() ? offer.as_of : file_as_of);
  }
  return result;
}

std::vector<LoadedFile> load_files(const std::string& folder) {
  std::vector<LoadedFile> files;
  PriceList shipped = newest_prices();
  const std::string as_of = shipped.as_of;
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error))
    return {loaded("shipped snapshot", std::move(shipped.offers), 0, as_of)};
  const OfferCheck check(all_accelerators(), all_machines(), shipped.offers);
  files.push_back(loaded("shipped snapshot", std::move(shipped.offers), 0, as_of));
  for (const std::string& path : files_in(folder, ".csv")) {
    Import import = import_offers(read_file(path), path, {"plain", "", file_date(path)}, check);
    files.push_back(loaded(path, std::move(import.offers), import.n_all_left_out(), ""));
  }
  return files;
}

using OfferKey = std::tuple<std::string, std::string, std::string, std::string, int, std::string>;
OfferKey key(const Offer& o) {
  return {o.provider, o.accelerator, o.kind, o.machine, o.count, o.region};
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

std::string csv_number(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : "";
}

}  // namespace

std::string age_of(const Catalogue& catalogue, std::string_view today) {
  std::string oldest, newest;
  for (const CatalogueFile& file : catalogue.files) {
    if (file.n_offers == 0) continue;
    if (oldest.empty() || file.as_of < oldest) oldest = file.as_of;
    newest = std::max(newest, file.as_of);
  }
  if (oldest == newest) return dated(oldest, today);
  return fmt::format("{}; the newest {}", dated(oldest, today), dated(newest, today));
}

std::string price_folder() {
  if (const char* config = std::getenv("XDG_CONFIG_HOME"))
    return std::string(config) + "/aforo/prices";
  if (const char* home = std::getenv("HOME")) return std::string(home) + "/.config/aforo/prices";
  return "prices";
}

OfferCheck default_check() { return {all_accelerators(), all_machines(), newest_prices().offers}; }

Catalogue load_catalogue(const std::string& folder) {
  std::vector<LoadedFile> files = load_files(folder);
  std::map<std::string, std::pair<std::string, std::size_t>> owner;  // provider: date, file
  for (std::size_t i = 0; i < files.size(); ++i)
    for (const auto& [provider, date] : files[i].as_of) {
      auto& [latest, index] = owner[provider];
      if (date >= latest) latest = date, index = i;
    }
  Catalogue catalogue;
  for (std::size_t i = 0; i < files.size(); ++i) {
    for (Offer& offer : files[i].offers)
      if (owner[offer.provider].second == i) {
        catalogue.prices.offers.push_back(std::move(offer));
        ++files[i].file.n_offers;
      }
    catalogue.prices.as_of = std::max(catalogue.prices.as_of, files[i].file.as_of);
    catalogue.files.push_back(std::move(files[i].file));
  }
  return catalogue;
}

PriceList load_prices(const std::string& path, const std::string& as_of) {
  if (path.ends_with(".yaml")) return read_prices(YamlNode::load_file(path));
  Import import = import_offers(read_file(path), path,
                                {"", "", as_of.empty() ? file_date(path) : as_of}, default_check());
  PriceList prices;
  prices.as_of = latest_date(import.offers);
  prices.offers = std::move(import.offers);
  return prices;
}

std::string write_price_csv(const std::vector<Offer>& offers) {
  std::string out =
      "provider,region,machine,accelerator,count,kind,price_usd_per_hour,as_of,confidence,source,"
      "disk_usd_per_gb_month,upload_usd_per_gb,download_usd_per_gb\n";
  for (const Offer& o : offers)
    fmt::format_to(std::back_inserter(out), "{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                   csv_field(o.provider), csv_field(o.region), csv_field(o.machine), o.accelerator,
                   o.count, o.kind, o.price.value, o.as_of, csv_field(o.confidence),
                   csv_field(o.source), csv_number(o.disk_usd_per_gb_month),
                   csv_number(o.upload_usd_per_gb), csv_number(o.download_usd_per_gb));
  return out;
}

std::vector<PriceChange> price_changes(const PriceList& before, const PriceList& after) {
  std::map<OfferKey, PriceChange> pairs;
  for (const Offer& offer : before.offers) pairs[key(offer)].before = offer;
  for (const Offer& offer : after.offers) pairs[key(offer)].after = offer;
  std::vector<PriceChange> changes;
  for (auto& [name, pair] : pairs)
    if (pair.before.provider.empty() || pair.after.provider.empty() ||
        pair.before.price != pair.after.price)
      changes.push_back(std::move(pair));
  return changes;
}

}  // namespace aforo::money
