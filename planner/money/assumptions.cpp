#include "planner/money/assumptions.h"

#include <algorithm>
#include <limits>

#include "planner/base/files.h"

namespace aforo::money {
namespace {

constexpr double most_usd = 1e6;

double hours(const YamlNode& node) { return node.above_zero(&YamlNode::seconds).value / 3600; }

FailureRate read_rate(const YamlNode& node) {
  FailureRate rate;
  rate.device_hours = node.at("device_hours").number(1, 1e9);
  rate.restart_hours = hours(node.at("restart"));
  if (const auto standstill = node.find("standstill")) rate.standstill_hours = hours(*standstill);
  node.at("source").string();
  node.finish();
  return rate;
}

FailureRates read_rates(const YamlNode& node) {
  FailureRates rates{read_rate(node.at("low")), read_rate(node.at("mid")),
                     read_rate(node.at("high"))};
  node.finish();
  if (rates.low.device_hours < rates.mid.device_hours ||
      rates.mid.device_hours < rates.high.device_hours)
    node.fail("device_hours must not grow from low to high: high is where failures are frequent");
  return rates;
}

SpotTrace read_trace(const YamlNode& node) {
  SpotTrace trace{node.at("zone").string(), node.at("trace").string()};
  trace.machines = static_cast<int>(node.at("machines").integer(1, 100000));
  trace.between_hours = hours(node.at("between"));
  trace.outage_hours = hours(node.at("outage"));
  node.at("days").number(0, 10000);
  node.finish();
  return trace;
}

Tariff read_tariff(const YamlNode& node) {
  Tariff tariff;
  tariff.disk = node.at("disk").number(0, most_usd);
  tariff.disk_stopped = node.at("disk_stopped").number(0, most_usd);
  tariff.storage = node.at("storage").number(0, most_usd);
  tariff.download = node.at("download").number(0, most_usd);
  double before = 0;
  for (const YamlNode& item : node.at("upload").items()) {
    Tier tier{std::numeric_limits<double>::infinity(), item.at("usd").number(0, most_usd)};
    if (const auto end = item.find("up_to_gb")) tier.up_to_gb = end->number(before, 1e12);
    item.finish();
    before = tier.up_to_gb;
    tariff.upload.push_back(tier);
  }
  if (tariff.upload.empty() || tariff.upload.back().up_to_gb < 1e12)
    node.fail("the last tier of upload must have no up_to_gb");
  tariff.source = node.at("source").string();
  node.finish();
  return tariff;
}

Site read_site(const YamlNode& node) {
  Site site{node.at("usd_per_kwh").number(0, 10), node.at("pue").number(1, 10)};
  node.at("source").string();
  node.finish();
  return site;
}

PurchasePrice read_purchase(const YamlNode& node) {
  PurchasePrice price;
  price.accelerator = node.at("accelerator").string();
  price.usd = node.at("price_usd").number(1, most_usd);
  price.kind = node.at("kind").string();
  price.as_of = node.at("as_of").date();
  price.source = node.at("source").string();
  node.finish();
  return price;
}

}  // namespace

const Tariff& Assumptions::tariff_of(const std::string& provider) const {
  const auto found = tariffs.find(provider);
  return found == tariffs.end() ? default_tariff : found->second;
}

const PurchasePrice* Assumptions::purchase_of(const std::string& accelerator) const {
  for (const PurchasePrice& price : purchases)
    if (price.accelerator == accelerator) return &price;
  return nullptr;
}

std::vector<SpotTrace> Assumptions::traces_for(int n_machines) const {
  int best = 0;
  for (const SpotTrace& trace : spot) {
    const bool enough = trace.machines >= n_machines, best_enough = best >= n_machines;
    if (best == 0 || (enough && (!best_enough || trace.machines < best)) ||
        (!enough && !best_enough && trace.machines > best))
      best = trace.machines;
  }
  std::vector<SpotTrace> chosen;
  for (const SpotTrace& trace : spot)
    if (trace.machines == best) chosen.push_back(trace);
  return chosen;
}

void read_interruptions(const YamlNode& node, Assumptions& into) {
  into.checkpoint_gb_per_s =
      node.at("checkpoint_rate").above_zero(&YamlNode::bandwidth).value / 1e9;
  into.failures = read_rates(node.at("failures"));
  into.marketplace = read_rates(node.at("marketplace"));
  for (const YamlNode& item : node.at("spot").items()) into.spot.push_back(read_trace(item));
  node.finish();
  if (into.spot.empty()) node.fail("spot holds no trace");
}

void read_tariffs(const YamlNode& node, Assumptions& into) {
  into.default_tariff = read_tariff(node.at("default"));
  const YamlNode providers = node.at("providers");
  for (const std::string& provider : providers.keys())
    into.tariffs[provider] = read_tariff(providers.at(provider));
  node.finish();
}

void read_ownership(const YamlNode& node, Assumptions& into) {
  into.utilisation_of_tdp = node.at("utilisation_of_tdp").number(0.01, 1.5);
  into.host_watts = node.at("host_power").watts().value;
  into.host_share_of_tdp = node.at("host_share_of_tdp").number(0, 10);
  into.home = read_site(node.at("home"));
  into.data_center = read_site(node.at("data_center"));
  into.kg_co2_per_kwh = node.at("kg_co2_per_kwh").number(0, 10);
  into.lifetime_hours = hours(node.at("lifetime"));
  into.resale_share = node.at("resale_share").number(0, 1);
  for (const YamlNode& item : node.at("purchase").items())
    into.purchases.push_back(read_purchase(item));
  node.finish();
}

Assumptions load_assumptions() {
  Assumptions all;
  const auto load = [](const char* name) {
    return YamlNode::load_file(data_root() + "/profiles/money/" + name + ".yaml");
  };
  read_interruptions(load("interruptions"), all);
  read_tariffs(load("tariffs"), all);
  read_ownership(load("ownership"), all);
  return all;
}

double tiered_usd(const std::vector<Tier>& tiers, double gb) {
  double usd = 0, from = 0;
  for (const Tier& tier : tiers) {
    if (gb <= from) break;
    usd += (std::min(gb, tier.up_to_gb) - from) * tier.usd_per_gb;
    from = tier.up_to_gb;
  }
  return usd;
}

}  // namespace aforo::money
