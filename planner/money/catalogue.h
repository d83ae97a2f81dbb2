#pragma once
// All prices that are known here: the shipped snapshot and what was imported, with their dates.

#include <string>
#include <string_view>
#include <vector>

#include "planner/money/import.h"

namespace aforo::money {

/// One file of prices.
struct CatalogueFile {
  std::string path, as_of;  ///< as_of: the latest date of its offers
  int n_offers = 0;         ///< of them in use
  int n_left_out = 0;       ///< rows that are wrong
};

struct Catalogue {
  PriceList prices;  ///< as_of: the latest of all files
  std::vector<CatalogueFile> files;
};

/// "as of 2026-08-23, 96 days old"; with several files in use the oldest and the newest of them.
std::string age_of(const Catalogue& catalogue, std::string_view today);

/// $XDG_CONFIG_HOME/aforo/prices or ~/.config/aforo/prices: where `aforo prices import` writes.
std::string price_folder();

/// The newest shipped snapshot and every .csv in `folder` (which need not exist). Of each provider
/// the offers of one file count, the one with the latest date among those that name it; of equally
/// old ones the imported. Wrong rows of a file are left out and counted.
/// Throws InputError if a file is no price list at all.
Catalogue load_catalogue(const std::string& folder = price_folder());

/// Prices of one file: a snapshot in YAML, or any format that can be imported. `as_of` dates rows
/// without a date; "": the day the file was written.
PriceList load_prices(const std::string& path, const std::string& as_of = "");

/// What imports are checked against: all profiles, all machines, the newest snapshot's prices.
OfferCheck default_check();

/// Plain CSV that import_offers gives back as it was.
std::string write_price_csv(const std::vector<Offer>& offers);

/// A change between two lists.
struct PriceChange {
  Offer before, after;  ///< provider is empty in the one that does not exist
};
/// Offers of `before` and `after` by provider, region, machine, accelerator, count and kind: those
/// that came, went, or changed their price. In the order of their names.
std::vector<PriceChange> price_changes(const PriceList& before, const PriceList& after);

}  // namespace aforo::money
