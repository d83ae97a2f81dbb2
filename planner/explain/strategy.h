#pragma once
// The strategies that are told as ways to train faster or in less memory: what is claimed for each,
// how it changes a setup, and who executes it.

#include <optional>
#include <span>
#include <string_view>

#include "planner/explain/terms.h"
#include "planner/explain/variant.h"

namespace aforo::explain {

/// What is said, and where; `caveat` is what the source measured or leaves out.
struct Claim {
  std::string_view text, source, caveat;
};

enum class VerdictKind {
  holds,      ///< here, in every part that is claimed
  partly,     ///< in one part of several, or under a condition
  fails,      ///< not here
  unclaimed,  ///< nothing is claimed; the numbers stand alone
  undecided   ///< the strategy has no place here; no numbers, no verdict
};
std::string_view name_of(VerdictKind kind);

struct Verdict {
  VerdictKind kind = VerdictKind::undecided;
  std::string text;  ///< with the numbers that decided, unless undecided
};

/// A change that was evaluated: two variants that differ in it alone.
struct Effect {
  Variant before, after;
  Outcome was, is;
  double speedup() const { return was.step_s / is.step_s; }
  double saved() const { return 1 - is.device_bytes / was.device_bytes; }  ///< share of memory
};

struct Strategy {
  std::string_view name;   ///< in JSON: "zero3"
  std::string_view title;  ///< in tables: "ZeRO-3 over plain DP"
  Claim claim;
  std::string_view engine;            ///< runs the change; "": the baseline's, if it can
  std::string_view reference_engine;  ///< runs what it is compared with; "": the same
  /// Turns a copy of the baseline into what the claim compares with. May be null: the baseline.
  void (*reference)(Variant&, const World&);
  void (*apply)(Variant&, const World&);
  /// Why it has no place here; "" if it has.
  std::string (*absent)(const Variant& baseline);
  Verdict (*judge)(const Effect&);
  /// Takes it out of a plan; false if the plan does not use it. May be null: never taken out.
  bool (*remove)(Variant&);
};

/// In the order in which users meet them: precision, recomputation, sharding, optimizer, offload,
/// adapters, devices.
std::span<const Strategy> strategies();

/// Null if there is none of that name.
const Strategy* find_strategy(std::string_view name);

}  // namespace aforo::explain
