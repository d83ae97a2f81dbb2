#include "planner/money/offer_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "planner/base/text.h"
#include "planner/money/date.h"

namespace aforo::money {
namespace {

/// Prices that catalogues use for "none": SkyPilot's generators write 700, Mithril's 1; the others
/// are what people write.
constexpr double sentinels[] = {700, 999, 999.99, 9999, 9999.99};
constexpr double least_sentinel = 10000;  ///< no instance costs that much an hour

/// How far a price of a device may be from all that are known of its card.
constexpr double far = 10;
/// Dollars a device and hour where no price of the card is known.
constexpr PriceRange any_card{0.01, 150};

constexpr std::string_view kinds[] = {"community", "interruptible", "on_demand", "reserved",
                                      "spot"};

/// Names that were seen are kept, but not without bound.
constexpr std::size_t most_seen = 100000;

bool is_dollars_per_hour(std::string_view unit) {
  return unit.empty() || unit == "USD/h" || unit == "usd/h" || unit == "$/h" || unit == "USD/hour";
}

/// Names come to terminals and into files: no control characters, no novels.
bool is_plain(const std::string& text) {
  return text.size() <= 200 && to_utf8(text) == text &&
         std::none_of(text.begin(), text.end(),
                      [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
}

/// What storage and traffic cost where somebody asks for them; more is another unit.
bool is_rate(const std::optional<double>& usd_per_gb) {
  return !usd_per_gb || (*usd_per_gb >= 0 && *usd_per_gb <= 10);
}

Refusal refusal(Fault fault, std::string reason) { return {fault, std::move(reason)}; }

}  // namespace

std::string_view name_of(Fault fault) {
  constexpr std::string_view names[] = {"unreadable",  "sentinel price", "wrong unit",
                                        "unknown GPU", "merged name",    "impossible count",
                                        "partial",     "not offered",    "twice"};
  return names[static_cast<int>(fault)];
}

OfferCheck::OfferCheck(const std::vector<AcceleratorSpec>& cards,
                       const std::vector<MachineSpec>& machines, const std::vector<Offer>& known)
    : names_(cards) {
  for (const MachineSpec& machine : machines) machines_.emplace(machine.name, machine);
  for (const Offer& offer : known) {
    const double price = offer.price.value / offer.count;
    const auto [at, fresh] = ranges_.try_emplace(offer.accelerator, PriceRange{price, price});
    if (fresh) continue;
    at->second.low = std::min(at->second.low, price);
    at->second.high = std::max(at->second.high, price);
  }
}

std::optional<Refusal> OfferCheck::check_price(const RawOffer& raw) const {
  if (!std::isfinite(raw.price)) return refusal(Fault::unreadable, "the price is no finite number");
  if (!is_dollars_per_hour(raw.unit))
    return refusal(Fault::unit, fmt::format("the price is in {}; expected USD/h", shown(raw.unit)));
  if (raw.price <= 0)
    return refusal(Fault::sentinel, fmt::format("price {:g} stands for none", raw.price));
  const bool known =
      std::find(std::begin(sentinels), std::end(sentinels), raw.price) != std::end(sentinels);
  const bool placeholder = raw.provider == "mithril" && raw.price == 1;
  if (known || placeholder || raw.price >= least_sentinel)
    return refusal(Fault::sentinel, fmt::format("price {:g} stands for none", raw.price));
  return std::nullopt;
}

std::optional<Refusal> OfferCheck::find_card(const RawOffer& raw, Offer& offer) const {
  const auto machine = machines_.find(raw.provider + "/" + raw.machine);
  if (machine != machines_.end()) {
    const MachineSpec& spec = machine->second;
    if (spec.count != offer.count)
      return refusal(Fault::count, fmt::format("{} accelerators, but {} has {}", offer.count,
                                               spec.name, spec.count));
    offer.accelerator = spec.accelerator;
    return std::nullopt;
  }
  const std::string key = fmt::format("{}\x1f{:g}", raw.card, raw.memory_gb);
  auto seen = seen_.find(key);
  if (seen == seen_.end()) {
    if (seen_.size() >= most_seen) seen_.clear();
    seen = seen_.emplace(key, names_.find(raw.card, raw.memory_gb)).first;
  }
  const CardMatch& match = seen->second;
  if (match.accelerator.empty())
    return refusal(match.merged ? Fault::merged_name : Fault::unknown_card, match.problem);
  offer.accelerator = match.accelerator;
  return std::nullopt;
}

std::optional<Refusal> OfferCheck::check_unit(const Offer& offer) const {
  const double price = offer.price.value / offer.count;
  const auto found = ranges_.find(offer.accelerator);
  const PriceRange range = found == ranges_.end()
                               ? any_card
                               : PriceRange{found->second.low / far, found->second.high * far};
  if (price >= range.low && price <= range.high) return std::nullopt;
  const double usual = found == ranges_.end() ? 0 : found->second.high;
  std::string guess = "another unit";
  if (usual > 0 && price > range.high) guess = price / usual > 300 ? "USD a month" : "cents";
  return refusal(
      Fault::unit,
      fmt::format("${:g} an hour for one {}, of which others ask ${:.3g} to ${:.3g}: {}?", price,
                  offer.accelerator, range.low * (found == ranges_.end() ? 1 : far),
                  range.high / (found == ranges_.end() ? 1 : far), guess));
}

std::optional<Refusal> OfferCheck::check(const RawOffer& raw, Offer& offer) const {
  if (std::find(std::begin(kinds), std::end(kinds), raw.kind) == std::end(kinds))
    return refusal(Fault::unreadable,
                   fmt::format("kind is {}; expected on_demand, community, spot, interruptible or "
                               "reserved",
                               shown(raw.kind)));
  for (const std::string* text :
       {&raw.provider, &raw.region, &raw.machine, &raw.confidence, &raw.source})
    if (!is_plain(*text))
      return refusal(Fault::unreadable, fmt::format("{} is no plain text", shown(*text)));
  for (const auto& rate :
       {raw.disk_usd_per_gb_month, raw.upload_usd_per_gb, raw.download_usd_per_gb})
    if (!is_rate(rate))
      return refusal(Fault::unit, fmt::format("${:g} for a GB of disk or traffic", *rate));
  if (raw.provider.empty()) return refusal(Fault::unreadable, "the provider is missing");
  if (!day_number(raw.as_of))
    return refusal(Fault::unreadable, fmt::format("as_of is {}; expected a date such as 2026-08-23",
                                                  shown(raw.as_of)));
  if (!(raw.count >= 1 && raw.count <= 1024) || raw.count != std::floor(raw.count))
    return refusal(Fault::count, fmt::format("count is {:g}; expected 1 to 1024", raw.count));
  if (auto bad = check_price(raw)) return bad;
  offer = {raw.provider, raw.region, "", raw.kind, raw.as_of, raw.confidence, raw.source};
  offer.machine = raw.machine;
  offer.count = static_cast<int>(raw.count);
  offer.price = DollarsPerHour(raw.price);
  offer.disk_usd_per_gb_month = raw.disk_usd_per_gb_month;
  offer.upload_usd_per_gb = raw.upload_usd_per_gb;
  offer.download_usd_per_gb = raw.download_usd_per_gb;
  if (auto bad = find_card(raw, offer)) return bad;
  // Boards hold up to 8, or whole racks of 8; 12 and the like are counting mistakes of generators.
  if (offer.count > 10 && offer.count % 8 != 0)
    return refusal(Fault::count, fmt::format("{} of {} in one machine; expected up to 10, or a "
                                             "multiple of 8",
                                             offer.count, offer.accelerator));
  return check_unit(offer);
}

}  // namespace aforo::money
