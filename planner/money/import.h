#pragma once
// Prices that users have on their machines: SkyPilot's catalogue, Vast's offers, gpuhunt's and
// plain CSV. docs/formats.md has the columns.

#include <array>
#include <string>
#include <vector>

#include "planner/money/offer_check.h"

namespace aforo::money {

/// Offers in one file; more is no catalogue but a mistake or an attack.
constexpr std::size_t most_offers = 1'000'000;

struct ImportOptions {
  std::string format;    ///< skypilot, vast, gpuhunt or plain; "": by what the file looks like
  std::string provider;  ///< of rows that name none; "": by the file's name or folder
  std::string as_of;     ///< of rows without a date
};

/// A row that was left out, with the reason.
struct LeftOut {
  int row = 0;  ///< line of a CSV file; place in the list of a JSON file, from 1
  std::string what;
  Fault fault = Fault::unreadable;
  std::string reason;
};

struct Import {
  std::string format;
  std::vector<Offer> offers;
  int n_rows = 0;
  int n_without_accelerator = 0;  ///< machines without one: not wrong, but of no use here
  std::array<int, n_faults> n_left_out{};
  std::vector<LeftOut> left_out;  ///< the first `most_left_out`
  int n_all_left_out() const;
};
constexpr std::size_t most_left_out = 10000;

/// Reads `text`; rows that `check` refuses are left out and reported. Throws InputError if the text
/// as a whole is in no known format (or not in the one asked for), or holds more than most_offers.
/// Of equal offers (provider, region, machine, accelerator, count and kind) the cheapest stays.
Import import_offers(const std::string& text, const std::string& path, const ImportOptions& options,
                     const OfferCheck& check);

}  // namespace aforo::money
