#include "planner/explain/explain.h"

#include <algorithm>

#include "planner/fast/setup_of_job.h"

namespace aforo::explain {
namespace {

constexpr std::size_t n_cards_shown = 6;

Variant run_by(Variant variant, const fast::EngineSpec& engine) {
  variant.engine = &engine;
  fast::set_engine(variant.setup, engine);
  return variant;
}

Variant changed(const Variant& base, void (*change)(Variant&, const World&), const World& world) {
  Variant variant = base;
  if (change != nullptr) change(variant, world);
  return variant;
}

const fast::EngineSpec& engine_of(const Strategy& strategy, const Variant& baseline,
                                  const World& world) {
  if (!strategy.engine.empty())
    return fast::find_engine(*world.engines, std::string(strategy.engine));
  const bool can = obstacle(changed(baseline, strategy.apply, world)).empty();
  return can ? *baseline.engine : fast::find_engine(*world.engines, "torch");
}

Refill refill(const Effect& effect, const World& world) {
  Refill out;
  Variant before = effect.before, after = effect.after;
  out.before = best_micro_batch(before, world);
  out.after = best_micro_batch(after, world);
  if (out.before == 0 || out.after == 0) return out;
  before.setup.micro_batch_size = out.before;
  after.setup.micro_batch_size = out.after;
  out.speedup = evaluate(before, world).step_s / evaluate(after, world).step_s;
  return out;
}

LatticeRequest lattice_request(const Variant& baseline, const World& world) {
  LatticeRequest request;
  request.base = baseline.setup;
  request.cluster = baseline.cluster;
  request.engine = baseline.engine;
  request.constants = world.constants;
  request.n_tokens = world.n_tokens;
  request.usd_per_device_hour = baseline.usd_per_device_hour;
  const AcceleratorSpec& card = *baseline.cluster.accelerator;
  LatticeSpace& space = request.space;
  space.n_devices = {baseline.cluster.n_devices};
  space.types = {baseline.setup.matrix};
  const bool fp8 = baseline.engine->supports.fp8 && baseline.setup.method == Method::full;
  if (fp8 && fast::multiplies(card, fast::MatrixType::fp8))
    space.types.push_back(fast::MatrixType::fp8);
  space.offload_states = baseline.engine->supports.offload_states;
  space.offload_activations = baseline.engine->supports.offload_activations;
  return request;
}

void find_best(const Request& request, Explanation& out) {
  const LatticeResult result = search_lattice(lattice_request(request.baseline, request.world));
  out.least_memory = result.least_memory;
  if (result.best.empty()) return;
  out.best = request.baseline;
  out.best->setup = result.best.front().setup;
  out.best_outcome = evaluate(*out.best, request.world);
}

std::optional<Removal> removal(const Strategy& strategy, const Explanation& explanation,
                               const World& world) {
  if (strategy.remove == nullptr || !explanation.best) return std::nullopt;
  Variant without = *explanation.best;
  if (!strategy.remove(without)) return std::nullopt;
  Removal out;
  out.without = evaluate(without, world);
  out.slower = out.without.step_s / explanation.best_outcome.step_s;
  return out;
}

/// The same job on each card, by the same engine: the cheapest plans.
std::vector<CardRow> other_cards(const Request& request) {
  std::vector<CardRow> rows;
  for (const CardOffer& offer : request.offers) {
    const AcceleratorSpec& card = *offer.card;
    if (card.name == request.baseline.cluster.accelerator->name) continue;
    Variant variant = request.baseline;
    variant.cluster = fast::cluster_of(card, request.baseline.cluster.n_devices);
    variant.usd_per_device_hour = offer.usd_per_device_hour;
    variant.setup.device = fast::limits_of(card);
    fast::set_matrix(variant.setup, *variant.engine, fast::usual_matrix(card));
    if (variant.engine->native && !native_obstacle(variant).empty()) continue;
    const LatticeResult result = search_lattice(lattice_request(variant, request.world));
    if (!result.best.empty()) rows.push_back({offer, result.best.front()});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const CardRow& a, const CardRow& b) { return a.plan.usd < b.plan.usd; });
  if (rows.size() > n_cards_shown) rows.resize(n_cards_shown);
  return rows;
}

}  // namespace

std::string default_engine(const Variant& native_baseline) {
  return native_obstacle(native_baseline).empty() ? "native" : "torch";
}

Row compare(const Strategy& strategy, const Variant& baseline, const World& world) {
  Row row;
  row.strategy = &strategy;
  row.absent = strategy.absent(baseline);
  if (!row.absent.empty()) return row;
  row.engine = &engine_of(strategy, baseline, world);
  const fast::EngineSpec& other =
      strategy.reference_engine.empty()
          ? *row.engine
          : fast::find_engine(*world.engines, std::string(strategy.reference_engine));
  Effect& effect = row.effect;
  effect.before = changed(run_by(baseline, other), strategy.reference, world);
  effect.after = changed(run_by(baseline, *row.engine), strategy.apply, world);
  if (&other != row.engine) effect.after.kernels = &other;
  for (const Variant* variant : {&effect.before, &effect.after})
    if (row.absent.empty()) row.absent = obstacle(*variant);
  if (!row.absent.empty()) return row;
  effect.was = evaluate(effect.before, world);
  effect.is = evaluate(effect.after, world);
  row.native = native_obstacle(effect.after);
  row.time_limit = time_limit(effect.was, effect.is);
  row.memory_limit = memory_limit(effect.was, effect.is);
  row.verdict = strategy.judge(effect);
  row.refill = refill(effect, world);
  return row;
}

Explanation explain(const Request& request) {
  Explanation out;
  out.baseline = request.baseline;
  out.outcome = evaluate(request.baseline, request.world);
  out.native = native_obstacle(request.baseline);
  find_best(request, out);
  out.anything_fits = out.best.has_value();
  for (const Strategy& strategy : strategies()) {
    Row row = compare(strategy, request.baseline, request.world);
    row.removal = removal(strategy, out, request.world);
    out.anything_fits = out.anything_fits || (row.absent.empty() && row.effect.is.fits);
    out.rows.push_back(std::move(row));
  }
  out.cards = other_cards(request);
  return out;
}

}  // namespace aforo::explain
