#pragma once
// For one job and card: each strategy against its claim, one change at a time.

#include <optional>
#include <string>
#include <vector>

#include "planner/explain/strategy.h"
#include "planner/search/lattice.h"

namespace aforo::explain {

/// A card that could be rented instead.
struct CardOffer {
  const AcceleratorSpec* card = nullptr;
  double usd_per_device_hour = 0;
};

struct Request {
  Variant baseline;  ///< bf16, no recomputation, plain data parallelism
  World world;
  std::vector<CardOffer> offers;
};

/// The same comparison with the fastest micro-batch that fits on either side: freed memory may be
/// spent on it. 0: none fits.
struct Refill {
  int before = 0, after = 0;
  double speedup = 0;
};

/// The best plan without a strategy that it uses, all else kept.
struct Removal {
  Outcome without;
  double slower = 1;  ///< step time over the best plan's
};

struct Row {
  const Strategy* strategy = nullptr;
  std::string absent;  ///< why it has no place here; then the rest is empty
  const fast::EngineSpec* engine = nullptr;
  std::string native;  ///< why the native runtime cannot execute it; "" if it can
  Effect effect;
  Verdict verdict;
  std::string time_limit, memory_limit;
  Refill refill;
  std::optional<Removal> removal;
};

/// The best plan on another card, by the same engine and as many devices.
struct CardRow {
  CardOffer offer;
  LatticePlan plan;
};

struct Explanation {
  Variant baseline;
  Outcome outcome;  ///< of the baseline
  std::string native;
  std::optional<Variant> best;  ///< of the lattice search on this card; none if nothing fits
  Outcome best_outcome;
  double least_memory = 0;  ///< bytes of the nearest plan if nothing fits
  std::vector<Row> rows;
  std::vector<CardRow> cards;  ///< cheapest for the whole job first; at most six
  bool anything_fits = false;
};

/// "torch" for several devices or what the native runtime cannot execute, else "native".
std::string default_engine(const Variant& native_baseline);

/// Compares one strategy with its reference.
Row compare(const Strategy& strategy, const Variant& baseline, const World& world);

Explanation explain(const Request& request);

}  // namespace aforo::explain
