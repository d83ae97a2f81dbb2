#include "planner/scenarios/sites.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

namespace aforo::scenarios {
namespace {

bool is_marketplace(const Offer& offer) {
  return offer.kind == "community" || offer.kind == "interruptible";
}

bool kind_allowed(const Offer& offer, SpotPolicy policy) {
  const bool spot = offer.kind == "spot" || offer.kind == "interruptible";
  return policy == SpotPolicy::allow || spot == (policy == SpotPolicy::only);
}

/// Reserved machines are paid for a term, so a run alone cannot rent one.
bool rentable(const Offer& offer) { return offer.kind != "reserved"; }

bool joins(const Offer& offer, const AcceleratorSpec& card) {
  return !is_marketplace(offer) &&
         (offer.count >= 8 || (card.per_node > 1 && offer.count == card.per_node));
}

bool wanted(const RentedCards& wish, const Offer& offer, int n_devices, int max_devices) {
  if (!wish.accelerator.empty() && wish.accelerator != offer.accelerator) return false;
  return wish.count > 0 ? n_devices == wish.count : n_devices <= max_devices;
}

using OptionKey = std::tuple<std::string, std::string, std::string, int, int>;

/// What a host asks in all, its own price of disk included: a usual disk of 100 GB.
double asked(const Offer& offer, const World& world) {
  const double disk =
      offer.disk_usd_per_gb_month.value_or(world.assumptions.tariff_of(offer.provider).disk);
  return offer.price.value + 100 * disk / money::hours_per_month;
}

void rent(const Scenario& scenario, const World& world, std::vector<Option>& options) {
  std::map<OptionKey, std::pair<double, const Offer*>> cheapest;
  for (const Offer& offer : world.catalogue.prices.offers) {
    if (!rentable(offer) || !kind_allowed(offer, scenario.spot)) continue;
    const OptionKey key{offer.provider, offer.kind, offer.accelerator, offer.count, 0};
    const double price = asked(offer, world);
    const auto [at, fresh] = cheapest.try_emplace(key, price, &offer);
    if (!fresh && price < at->second.first) at->second = {price, &offer};
  }
  for (const auto& [key, found] : cheapest) {
    const Offer& offer = *found.second;
    const AcceleratorSpec* card = world.card(offer.accelerator);
    if (card == nullptr) continue;
    for (int n_machines = 1;; n_machines *= 2) {
      const int n_devices = n_machines * offer.count;
      const bool any = std::any_of(scenario.hardware.rented.begin(), scenario.hardware.rented.end(),
                                   [&](const RentedCards& wish) {
                                     return wanted(wish, offer, n_devices, scenario.max_devices);
                                   });
      if (any) options.push_back({{card, n_devices, n_machines}, false, offer});
      int most = scenario.max_devices;
      for (const RentedCards& wish : scenario.hardware.rented) most = std::max(most, wish.count);
      if (!joins(offer, *card) || 2 * n_devices > most) break;
    }
  }
}

}  // namespace

std::vector<Option> options_of(const Scenario& scenario, const World& world) {
  std::vector<Option> options;
  for (const OwnedCards& own : scenario.hardware.owned) {
    const AcceleratorSpec* card = world.card(own.accelerator);
    if (card == nullptr) continue;
    const int per_machine = std::max(1, card->per_node);
    const int n_machines = (own.count + per_machine - 1) / per_machine;
    options.push_back({{card, own.count, n_machines}, true, {}});
  }
  rent(scenario, world, options);
  std::stable_sort(options.begin(), options.end(), [](const Option& a, const Option& b) {
    return a.usd_per_hour() / a.site.n_devices < b.usd_per_hour() / b.site.n_devices;
  });
  return options;
}

std::string name_of(const Option& option) {
  return option.owned ? "own box" : fmt::format("{} {}", option.offer.provider, option.offer.kind);
}

}  // namespace aforo::scenarios
