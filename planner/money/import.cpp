#include "planner/money/import.h"

#include <fmt/format.h>

#include <filesystem>
#include <numeric>
#include <unordered_map>

#include "planner/base/error.h"
#include "planner/base/text.h"
#include "planner/money/import_formats.h"

namespace aforo::money {
namespace {

/// Checks rows as they come, keeps the cheapest of equal offers.
class Collector : public RowSink {
 public:
  Collector(const OfferCheck& check, const std::string& path) : check_(check), path_(path) {}

  void offer(int row, RawOffer raw) override {
    Offer offer;
    if (auto refusal = check_.check(raw, offer)) {
      refused(row, raw.card, std::move(*refusal));
      return;
    }
    const auto [at, fresh] = index_.try_emplace(key(offer), result_.offers.size());
    if (fresh) {
      if (result_.offers.size() >= most_offers)
        throw InputError(fmt::format("{}: holds more than {} offers", path_, most_offers));
      result_.offers.push_back(std::move(offer));
      return;
    }
    Offer& first = result_.offers[at->second];
    if (first.price == offer.price) return;  // the same line again does no harm
    const double dearer = std::max(first.price.value, offer.price.value);
    if (offer.price < first.price) first = std::move(offer);
    refused(row, raw.card,
            {Fault::twice, fmt::format("the same offer at ${:g} and ${:g}; the cheaper one stays",
                                       first.price.value, dearer)});
  }

  void refused(int row, const std::string& what, Refusal refusal) override {
    ++result_.n_left_out[static_cast<int>(refusal.fault)];
    if (result_.left_out.size() < most_left_out)
      result_.left_out.push_back(
          {row, to_utf8(what.substr(0, 60)), refusal.fault, std::move(refusal.reason)});
  }

  void without_accelerator() override { ++result_.n_without_accelerator; }

  Import result() { return std::move(result_); }

 private:
  static std::string key(const Offer& o) {
    return fmt::format("{}\x1f{}\x1f{}\x1f{}\x1f{}\x1f{}", o.provider, o.region, o.machine,
                       o.accelerator, o.count, o.kind);
  }

  const OfferCheck& check_;
  const std::string& path_;
  std::unordered_map<std::string, std::size_t> index_;
  Import result_;
};

std::string format_of(const CsvTable& table) {
  if (table.has("InstanceType") && table.has("AcceleratorName")) return "skypilot";
  if (table.has("instance_name") && table.has("gpu_name")) return "gpuhunt";
  if (table.has("accelerator")) return "plain";
  throw InputError(fmt::format(
      "{}: the header is of no known catalogue; expected SkyPilot's (InstanceType, "
      "AcceleratorName, "
      "Price ...), gpuhunt's (instance_name, gpu_name, price ...) or provider, accelerator, count, "
      "kind, price_usd_per_hour ...",
      table.name()));
}

bool looks_like_json(const std::string& text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at != std::string::npos && (text[at] == '[' || text[at] == '{');
}

/// ".../aws/vms.csv" -> "aws"; ".../lambda.csv" -> "lambda".
std::string provider_of(const std::string& path) {
  const std::filesystem::path file(path);
  const std::string stem = file.stem().string();
  return stem == "vms" ? file.parent_path().filename().string() : stem;
}

void read_table(const std::string& text, const std::string& path, const RawOffer& defaults,
                std::string& format, RowSink& sink, int& n_rows) {
  std::vector<CsvProblem> problems;
  const CsvTable table = CsvTable::parse(text, path, problems);
  const std::string found = format_of(table);
  if (!format.empty() && format != found)
    throw InputError(
        fmt::format("{}: is a catalogue of the format {}, not {}", path, found, format));
  format = found;
  for (const CsvProblem& problem : problems)
    sink.refused(problem.line, "", {Fault::unreadable, problem.text});
  n_rows = static_cast<int>(table.n_rows() + problems.size());
  if (format == "skypilot" && defaults.provider == "gcp") read_google(table, defaults, sink);
  if (format == "skypilot" && defaults.provider != "gcp") read_skypilot(table, defaults, sink);
  if (format == "gpuhunt") read_gpuhunt(table, defaults, sink);
  if (format == "plain") read_plain(table, defaults, sink);
}

}  // namespace

int Import::n_all_left_out() const {
  return std::accumulate(n_left_out.begin(), n_left_out.end(), 0);
}

Import import_offers(const std::string& text, const std::string& path, const ImportOptions& options,
                     const OfferCheck& check) {
  RawOffer defaults;
  defaults.provider = options.provider.empty() ? provider_of(path) : options.provider;
  defaults.as_of = options.as_of;
  defaults.confidence = "catalog";
  Collector collector(check, path);
  std::string format = options.format;
  int n_rows = 0;
  if (looks_like_json(text)) {
    if (!format.empty() && format != "vast")
      throw InputError(fmt::format("{}: is JSON, as Vast's offers are, and not {}", path, format));
    format = "vast";
    read_vast(text, path, defaults, collector);
  } else {
    if (format == "vast")
      throw InputError(fmt::format("{}: is no JSON, as Vast's offers are", path));
    read_table(text, path, defaults, format, collector, n_rows);
  }
  Import import = collector.result();
  import.format = format;
  import.n_rows = n_rows > 0 ? n_rows
                             : static_cast<int>(import.offers.size()) + import.n_all_left_out() +
                                   import.n_without_accelerator;
  return import;
}

}  // namespace aforo::money
