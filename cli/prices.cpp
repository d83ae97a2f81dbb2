#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "cli/arguments.h"
#include "cli/command.h"
#include "cli/version.h"
#include "planner/base/dates.h"
#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/money/catalogue.h"
#include "planner/money/date.h"
#include "planner/report/prices_report.h"
#include "planner/spec/hardware_file.h"

namespace aforo::cli {
namespace {

std::string now(const Arguments& args) {
  const std::string date = args.find<std::string>("today").value_or(today());
  if (money::day_number(date)) return date;
  throw InputError(fmt::format("--today is \"{}\"; expected a date such as 2026-08-23", date));
}

/// What --gpu, --kind and --provider leave of the list, cheapest per device first.
std::vector<Offer> chosen_offers(const Arguments& args, const PriceList& prices) {
  std::string card = args.find<std::string>("gpu").value_or("");
  if (!card.empty()) card = find_accelerator(card).name;
  const std::vector<std::string> kinds = args.list("kind"), providers = args.list("provider");
  const auto among = [](const std::vector<std::string>& list, const std::string& word) {
    return list.empty() || std::find(list.begin(), list.end(), word) != list.end();
  };
  std::vector<Offer> offers;
  for (const Offer& offer : prices.offers)
    if ((card.empty() || offer.accelerator == card) && among(kinds, offer.kind) &&
        among(providers, offer.provider))
      offers.push_back(offer);
  std::stable_sort(offers.begin(), offers.end(), [](const Offer& a, const Offer& b) {
    return a.price.value / a.count < b.price.value / b.count;
  });
  return offers;
}

int list_prices(const Arguments& args, const money::Catalogue& catalogue) {
  const std::vector<Offer> offers = chosen_offers(args, catalogue.prices);
  const std::size_t most = args.has("all") ? offers.size() : 30;
  fmt::print("{}", args.json() ? prices_json(catalogue, offers, now(args))
                               : prices_text(catalogue, offers, now(args), most));
  return 0;
}

int show_card(const Arguments& args, const money::Catalogue& catalogue) {
  const AcceleratorSpec card = find_accelerator(args.require("first"));
  std::vector<Offer> offers = chosen_offers(args, catalogue.prices);
  std::erase_if(offers, [&](const Offer& offer) { return offer.accelerator != card.name; });
  fmt::print("{}", args.json() ? prices_json(catalogue, offers, now(args))
                               : card_prices_text(catalogue, card.name, offers, now(args)));
  return 0;
}

int print_age(const Arguments& args, const money::Catalogue& catalogue) {
  fmt::print("{}", args.json() ? prices_age_json(catalogue, now(args))
                               : prices_age_text(catalogue, now(args)));
  return 0;
}

/// A file, or "shipped" or nothing for the shipped snapshot, or "known" for all that is known.
PriceList list_named(const Arguments& args, const std::string& name) {
  if (name == "shipped") return newest_prices();
  if (name == "known") return money::load_catalogue().prices;
  return money::load_prices(name, args.find<std::string>("as-of").value_or(""));
}

int print_changes(const Arguments& args) {
  const std::string first = args.require("first");
  const auto second = args.find<std::string>("second");
  const PriceList before = list_named(args, second ? first : "shipped");
  const PriceList after = list_named(args, second.value_or(first));
  fmt::print("{}", args.json() ? price_changes_json(before, after)
                               : price_changes_text(before, after, args.has("all") ? 100000 : 30));
  return 0;
}

/// One file a provider, so that the next import of a provider takes the place of this one.
std::vector<std::string> write_offers(const std::vector<Offer>& offers) {
  std::map<std::string, std::vector<Offer>> by_provider;
  for (const Offer& offer : offers) by_provider[offer.provider].push_back(offer);
  std::error_code error;
  std::filesystem::create_directories(money::price_folder(), error);
  std::vector<std::string> paths;
  for (const auto& [provider, own] : by_provider) {
    std::string name;
    for (char c : provider) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '-';
    std::string date;
    for (const Offer& offer : own) date = std::max(date, offer.as_of);
    paths.push_back(fmt::format("{}/{}-{}.csv", money::price_folder(), name, date));
    write_file(paths.back(), money::write_price_csv(own));
  }
  return paths;
}

int import_file(const Arguments& args) {
  const std::string path = args.require("first");
  money::ImportOptions options;
  options.format = args.find<std::string>("format").value_or("");
  options.as_of = args.find<std::string>("as-of").value_or(money::file_date(path));
  if (const auto provider = args.find<std::string>("provider")) options.provider = *provider;
  if (!money::day_number(options.as_of))
    throw InputError(
        fmt::format("--as-of is \"{}\"; expected a date such as 2026-08-23", options.as_of));
  const money::Import import =
      money::import_offers(read_file(path), path, options, money::default_check());
  std::vector<std::string> written;
  if (const auto output = args.find<std::string>("output")) {
    write_file(*output, money::write_price_csv(import.offers));
    written = {*output};
  } else if (!args.has("dry-run")) {
    written = write_offers(import.offers);
  }
  const std::size_t most = args.has("all") ? money::most_left_out : 20;
  fmt::print("{}", args.json() ? import_json(import, written)
                               : import_text(import, written, options.as_of, now(args), most));
  return static_cast<int>(import.offers.empty() ? ExitCode::input : ExitCode::ok);
}

}  // namespace

int run_prices(const CommandLine& command_line) {
  const Help help{
      "prices",
      "list|show GPU|age|diff [BEFORE] AFTER|import FILE [options]",
      "What renting costs: a dated snapshot, and catalogues that are on your machine.",
      {"aforo prices list --gpu rtx-4090", "aforo prices list --kind spot,interruptible --all",
       "aforo prices show h100", "aforo prices age",
       "aforo prices import ~/.sky/catalogs/v8/aws/vms.csv",
       "vastai search offers 'num_gpus=1' --raw > offers.json && aforo prices import offers.json",
       "aforo prices diff offers.json"},
      "Imported files lie in ~/.config/aforo/prices; of each provider the newest file counts. Rows "
      "with sentinel\nprices, wrong units, unknown or ambiguous accelerators are left out and "
      "reported. diff takes files, or the\nwords shipped (the snapshot) and known (all that is in "
      "use)."};
  po::options_description options("options");
  options.add_options()("action", po::value<std::string>(), "list, show, age, diff or import")(
      "first", po::value<std::string>(), "accelerator or file")(
      "second", po::value<std::string>(), "the later file of diff")("gpu", po::value<std::string>(),
                                                                    "list: only this accelerator")(
      "kind", po::value<std::string>(),
      "list, show: of on_demand, community, spot, interruptible, reserved, with commas")(
      "provider", po::value<std::string>(),
      "list, show: only these, with commas; import: of rows that name none")(
      "format", po::value<std::string>(),
      "import: skypilot, vast, gpuhunt or plain; default: what the file looks like")(
      "as-of", po::value<std::string>(),
      "import, diff: date of rows without one; default: when the file was written")(
      "output,o", po::value<std::string>(), "import: write to this file instead")(
      "dry-run", "import: only report")("all", "every line")(
      "today", po::value<std::string>(), "date to which ages are counted; default: today");
  const Arguments args(help, options, {"action", "first", "second"}, command_line);
  if (args.help_wanted()) return fmt::print("{}", args.help_text()), 0;
  const std::string action = args.require("action");
  if (action == "diff") return print_changes(args);
  if (action == "import") return import_file(args);
  if (action == "list") return list_prices(args, money::load_catalogue());
  if (action == "show") return show_card(args, money::load_catalogue());
  if (action == "age") return print_age(args, money::load_catalogue());
  throw InputError(fmt::format(
      "aforo prices: there is no \"{}\"; expected list, show, age, diff or import", action));
}

}  // namespace aforo::cli
