#pragma once
// What `aforo prices` says. Every answer bears the date of its prices and how old they are.

#include <string>
#include <vector>

#include "planner/money/catalogue.h"

namespace aforo {

/// The first `most` offers as a table; how many there are more; age and files.
std::string prices_text(const money::Catalogue& catalogue, const std::vector<Offer>& offers,
                        const std::string& today, std::size_t most);
/// Of one card: cheapest, median and dearest per kind, then its offers.
std::string card_prices_text(const money::Catalogue& catalogue, const std::string& card,
                             const std::vector<Offer>& offers, const std::string& today);
std::string prices_json(const money::Catalogue& catalogue, const std::vector<Offer>& offers,
                        const std::string& today);

/// The files in use, with their dates, and oldest and newest offer by provider.
std::string prices_age_text(const money::Catalogue& catalogue, const std::string& today);
std::string prices_age_json(const money::Catalogue& catalogue, const std::string& today);

std::string price_changes_text(const PriceList& before, const PriceList& after, std::size_t most);
std::string price_changes_json(const PriceList& before, const PriceList& after);

/// What was read, the first `most` rows that were left out, where it was written.
std::string import_text(const money::Import& import, const std::vector<std::string>& written,
                        const std::string& as_of, const std::string& today, std::size_t most);
std::string import_json(const money::Import& import, const std::vector<std::string>& written);

}  // namespace aforo
