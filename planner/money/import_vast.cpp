#include <fmt/format.h>

#include "planner/base/error.h"
#include "planner/base/json_reader.h"
#include "planner/money/import_formats.h"

namespace aforo::money {
namespace {

std::optional<double> number(const JsonNode& offer, const char* key) {
  const auto found = offer.find(key);
  return found ? std::optional<double>(found->number()) : std::nullopt;
}

std::string text(const JsonNode& offer, const char* key) {
  const auto found = offer.find(key);
  return found ? found->string() : std::string();
}

bool is_true(const JsonNode& offer, const char* key) {
  const auto found = offer.find(key);
  return found && found->boolean();
}

/// gpu_ram is in MB of 2^20, of one GPU.
double memory_gb(const JsonNode& offer) {
  return number(offer, "gpu_ram").value_or(0) * 1.048576e-3;
}

RawOffer read_host(const JsonNode& node, const RawOffer& defaults) {
  RawOffer raw = defaults;
  raw.provider = "vast";
  raw.card = node.at("gpu_name").string();
  raw.count = node.at("num_gpus").number();
  if (const auto id = node.find("id")) raw.machine = fmt::format("{:.0f}", id->number());
  raw.region = text(node, "geolocation");
  raw.memory_gb = memory_gb(node);
  raw.disk_usd_per_gb_month = number(node, "storage_cost");
  raw.upload_usd_per_gb = number(node, "inet_up_cost");
  raw.download_usd_per_gb = number(node, "inet_down_cost");
  raw.confidence = "api";
  return raw;
}

void read_offer(int row, const JsonNode& node, const RawOffer& defaults, RowSink& sink) {
  RawOffer raw = read_host(node, defaults);
  if (const auto rentable = node.find("rentable"); rentable && !rentable->boolean())
    return sink.refused(row, raw.card, {Fault::not_offered, "not rentable now"});
  if (text(node, "verification") == "deverified")
    return sink.refused(row, raw.card, {Fault::not_offered, "the host lost its verification"});
  // dph_total holds the price of some disk, which the bill counts by itself.
  const auto base = number(node, "dph_base"), total = number(node, "dph_total");
  const auto bid = number(node, "min_bid");
  const bool auction = is_true(node, "is_bid");
  if (!base && !total) return sink.refused(row, raw.card, {Fault::unreadable, "there is no price"});
  raw.kind = auction ? "interruptible" : "community";
  raw.price = base.value_or(total.value_or(0));
  sink.offer(row, raw);
  if (auction || !bid || *bid <= 0 || *bid >= raw.price) return;
  raw.kind = "interruptible";
  raw.price = *bid;
  sink.offer(row, std::move(raw));
}

}  // namespace

void read_vast(const std::string& text, const std::string& name, const RawOffer& defaults,
               RowSink& sink) {
  const JsonNode root = JsonNode::parse(text, name);
  const std::vector<JsonNode> offers = root.is_object() ? root.at("offers").items() : root.items();
  int row = 0;
  for (const JsonNode& node : offers) {
    ++row;
    try {
      if (!node.is_object())
        sink.refused(row, node.text(), {Fault::unreadable, "is no offer but another value"});
      else
        read_offer(row, node, defaults, sink);
    } catch (const InputError& error) {
      sink.refused(row, "", {Fault::unreadable, error.what()});
    }
  }
}

}  // namespace aforo::money
