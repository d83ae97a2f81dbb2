#pragma once
// Is this row of a price list an offer? Every importer asks here, so that one set of rules holds.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "planner/money/card_names.h"
#include "planner/spec/hardware.h"
#include "planner/spec/machine_file.h"

namespace aforo::money {

/// Why a row was left out.
enum class Fault {
  unreadable,    ///< a field is missing or no number; the row has too few fields
  sentinel,      ///< a price that stands for "no price": 0, 700, 9999, 1e6 ...
  unit,          ///< the price is in another unit: cents, a month, a GPU-second
  unknown_card,  ///< no profile for this accelerator, or changed memory
  merged_name,   ///< the name stands for several cards
  count,         ///< no such machine: 12 of a card that comes by 8
  partial,       ///< the accelerator without its host, or the host without its accelerator
  not_offered,   ///< not to be had now
  twice,         ///< the same offer again, at another price
  kind_count
};
std::string_view name_of(Fault fault);
constexpr int n_faults = static_cast<int>(Fault::kind_count);

/// A row as a file gives it, before anything is believed.
struct RawOffer {
  std::string provider, region, machine, card, kind, as_of, confidence, source;
  std::string unit;  ///< "" : USD/h
  double count = 1;
  double memory_gb = 0;  ///< of one card; 0: not said
  double price = 0;      ///< of the whole instance and hour
  std::optional<double> disk_usd_per_gb_month, upload_usd_per_gb, download_usd_per_gb;
};

struct Refusal {
  Fault fault;
  std::string reason;  ///< one line: the value, and what was expected
};

/// Cheapest and dearest known price of a device and hour.
struct PriceRange {
  double low = 0, high = 0;
};

class OfferCheck {
 public:
  /// `known` are offers that are believed: their prices per device say what a card costs.
  OfferCheck(const std::vector<AcceleratorSpec>& cards, const std::vector<MachineSpec>& machines,
             const std::vector<Offer>& known);

  /// The offer of a row, or why it is none. Rules, in this order: a kind that is known; a count
  /// from 1 to 1024; a price above 0 that is no sentinel; a unit of USD/h; a card that the machine
  /// or the name identifies; a count that the machine has; a price per device within 10 times of
  /// what is known of the card, which cents (x 100) and monthly prices (x 730) are not.
  std::optional<Refusal> check(const RawOffer& raw, Offer& offer) const;

 private:
  std::optional<Refusal> check_price(const RawOffer& raw) const;
  std::optional<Refusal> find_card(const RawOffer& raw, Offer& offer) const;
  std::optional<Refusal> check_unit(const Offer& offer) const;

  CardNames names_;
  std::unordered_map<std::string, MachineSpec> machines_;    ///< by "aws/p5.48xlarge"
  std::map<std::string, PriceRange> ranges_;                 ///< by accelerator
  mutable std::unordered_map<std::string, CardMatch> seen_;  ///< catalogues repeat names
};

}  // namespace aforo::money
