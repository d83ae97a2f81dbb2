#include "planner/base/json.h"
#include "planner/fast/setup_of_job.h"
#include "planner/report/explain_report.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

using explain::Outcome;
using explain::Row;

void write_terms(JsonWriter& json, const char* key, const std::vector<explain::Term>& terms) {
  json.key(key).begin_object();
  for (const explain::Term& term : terms) json.field(term.name, term.value);
  json.end_object();
}

void write_outcome(JsonWriter& json, const Outcome& outcome, bool with_parts) {
  json.field("fits", outcome.fits).field("memory_bytes", outcome.device_bytes);
  json.field("host_memory_bytes", outcome.memory.host);
  json.field("step_time_s", outcome.step_s).field("tokens_per_s", outcome.tokens_per_s);
  json.field("hours", outcome.hours);
  json.key("cost_usd");
  outcome.usd > 0 ? json.value(outcome.usd) : json.null();
  if (!with_parts) return;
  write_terms(json, "memory_parts_bytes", explain::memory_terms(outcome));
  write_terms(json, "time_parts_s", explain::time_terms(outcome));
}

void write_variant(JsonWriter& json, const char* key, const explain::Variant& variant,
                   const Outcome& outcome) {
  json.key(key).begin_object();
  json.field("plan", explain::describe(variant)).field("engine", variant.engine->name);
  write_outcome(json, outcome, true);
  json.end_object();
}

void write_claim(JsonWriter& json, const explain::Claim& claim) {
  json.key("claim");
  if (claim.text.empty()) {
    json.null();
    return;
  }
  json.begin_object().field("text", claim.text).field("source", claim.source);
  json.field("caveat", claim.caveat).end_object();
}

void write_effect(JsonWriter& json, const Row& row) {
  const explain::Effect& effect = row.effect;
  write_variant(json, "before", effect.before, effect.was);
  write_variant(json, "after", effect.after, effect.is);
  json.field("speedup", effect.speedup());
  json.field("memory_change_bytes", effect.is.device_bytes - effect.was.device_bytes);
  json.key("cost_change_usd");
  effect.is.usd > 0 ? json.value(effect.is.usd - effect.was.usd) : json.null();
  json.field("time_limited_by", row.time_limit).field("memory_limited_by", row.memory_limit);
  json.field("verdict", name_of(row.verdict.kind)).field("because", row.verdict.text);
  json.key("with_best_micro_batch").begin_object();
  json.field("before", row.refill.before).field("after", row.refill.after);
  json.field("speedup", row.refill.speedup).end_object();
}

void write_row(JsonWriter& json, const Row& row) {
  json.begin_object().field("name", row.strategy->name).field("title", row.strategy->title);
  write_claim(json, row.strategy->claim);
  json.field("applies", row.absent.empty());
  if (row.absent.empty()) {
    json.field("engine", row.engine->name).field("native", row.native.empty());
    json.field("native_obstacle", row.native);
    write_effect(json, row);
  } else {
    json.field("absent_because", row.absent);
  }
  json.key("removed_from_best");
  if (row.removal) {
    json.begin_object().field("step_time_ratio", row.removal->slower);
    write_outcome(json, row.removal->without, false);
    json.end_object();
  } else {
    json.null();
  }
  json.end_object();
}

void write_cards(JsonWriter& json, const std::vector<explain::CardRow>& cards) {
  json.key("other_cards").begin_array();
  for (const explain::CardRow& row : cards) {
    json.begin_object().field("accelerator", row.offer.card->name);
    json.field("count", row.plan.n_devices).field("plan", describe(row.plan));
    json.field("price_per_device_hour_usd", row.offer.usd_per_device_hour);
    json.field("memory_bytes", row.plan.memory).field("step_time_s", row.plan.step_s);
    json.field("tokens_per_s", row.plan.tokens_per_s).field("hours", row.plan.hours);
    json.field("cost_usd", row.plan.usd).end_object();
  }
  json.end_array();
}

}  // namespace

std::string explain_json(const explain::Explanation& e, const TrainingJob& job,
                         const DeviceLine& device) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1).field("model", job.model.name);
  json.key("device").begin_object().field("name", device.name).field("count", device.count);
  json.field("usable_memory_bytes", e.outcome.capacity_bytes).end_object();
  json.field("method", enum_name(e.baseline.setup.method)).field("seq_len", job.seq_len);
  json.field("global_batch_size", job.global_batch_size).field("n_tokens", job.n_tokens);
  json.field("times_from", "constants calibrated on published runs");
  json.field("network", fast::network_note(e.baseline.cluster));
  write_variant(json, "baseline", e.baseline, e.outcome);
  if (e.best)
    write_variant(json, "best_plan", *e.best, e.best_outcome);
  else
    json.key("best_plan").null();
  json.key("strategies").begin_array();
  for (const Row& row : e.rows) write_row(json, row);
  json.end_array();
  write_cards(json, e.cards);
  json.field("anything_fits", e.anything_fits).end_object();
  return json.text() + "\n";
}

}  // namespace aforo
