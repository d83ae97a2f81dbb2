#include "planner/explain/terms.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/base/units.h"

namespace aforo::explain {
namespace {

/// The largest part of `after` that is at least 80 % of what it was; -1 if every part shrank.
int largest_kept(const std::vector<Term>& before, const std::vector<Term>& after) {
  int best = -1;
  for (int i = 0; i < static_cast<int>(after.size()); ++i) {
    const bool kept = after[i].value >= 0.8 * before[i].value;
    if (kept && after[i].value > 0 && (best < 0 || after[i].value > after[best].value)) best = i;
  }
  return best;
}

int largest(const std::vector<Term>& terms) {
  const auto most = std::max_element(
      terms.begin(), terms.end(), [](const Term& a, const Term& b) { return a.value < b.value; });
  return static_cast<int>(most - terms.begin());
}

int most_grown(const std::vector<Term>& before, const std::vector<Term>& after) {
  int best = 0;
  for (int i = 1; i < static_cast<int>(after.size()); ++i)
    if (after[i].value - before[i].value > after[best].value - before[best].value) best = i;
  return best;
}

}  // namespace

std::vector<Term> time_terms(const Outcome& outcome) {
  const fast::TimeParts& t = outcome.time;
  return {{"matrix products", t.products},
          {"attention", t.attention},
          {"norms, activations and casts", t.passes},
          {"recomputation", t.recompute},
          {"head and loss", t.head},
          {"waiting for the host", t.host},
          {"pipeline bubble", t.bubble},
          {"communication", t.tp + t.cp + t.ep + t.pp + t.dp},
          {"optimizer", t.optimizer},
          {"host transfers", t.offload},
          {"fixed cost of a step", t.fixed}};
}

std::vector<Term> memory_terms(const Outcome& outcome) {
  const fast::MemoryParts& m = outcome.memory;
  return {{"states", outcome.states()},
          {"activations and temporaries", outcome.activations()},
          {"logits", m.logits},
          {"gathered weights", m.gathered},
          {"context, workspaces and reserve", m.workspace + m.slack + m.cache + m.context}};
}

std::string time_limit(const Outcome& before, const Outcome& after) {
  const std::vector<Term> was = time_terms(before), is = time_terms(after);
  if (after.step_s > 1.02 * before.step_s) {
    const int i = most_grown(was, is);
    return fmt::format("{} +{:.0f} % of a step", is[i].name,
                       100 * (is[i].value - was[i].value) / before.step_s);
  }
  const int kept = largest_kept(was, is);
  const int i = kept < 0 ? largest(is) : kept;
  const double share = 100 * is[i].value / after.step_s;
  return kept < 0 ? fmt::format("largest part of the step: {}, {:.0f} %", is[i].name, share)
                  : fmt::format("{}, {:.0f} % of the step, not sped up", is[i].name, share);
}

std::string time_gain(const Outcome& before, const Outcome& after) {
  const std::vector<Term> was = time_terms(before), is = time_terms(after);
  const int i = most_grown(is, was);
  return fmt::format("{} {:+.0f} % of a step", is[i].name,
                     100 * (is[i].value - was[i].value) / before.step_s);
}

std::string scaling_limit(const Outcome& before, const Outcome& after, double n) {
  std::vector<Term> ideal = time_terms(before);
  const std::vector<Term> is = time_terms(after);
  for (Term& term : ideal) term.value /= n;
  const int i = most_grown(ideal, is);
  return fmt::format("{}, {:.0f} % of the step, {:.1f}x shorter instead of {:.0f}x", is[i].name,
                     100 * is[i].value / after.step_s, n * ideal[i].value / is[i].value, n);
}

std::string memory_limit(const Outcome& before, const Outcome& after) {
  const std::vector<Term> was = memory_terms(before), is = memory_terms(after);
  if (after.peaks_at_update())
    return fmt::format(
        "the peak is the optimizer's update: states of {:.1f} GiB and {:.1f} GiB of "
        "temporaries",
        after.states() / gibi, after.activations() / gibi);
  if (after.device_bytes > 1.02 * before.device_bytes) {
    const int i = most_grown(was, is);
    return fmt::format("{} grow by {:.1f} GiB", is[i].name, (is[i].value - was[i].value) / gibi);
  }
  const int kept = largest_kept(was, is);
  const int i = kept < 0 ? largest(is) : kept;
  return fmt::format("{} {} {:.1f} GiB", is[i].name, kept < 0 ? "still take" : "stay at",
                     is[i].value / gibi);
}

double communication_share(const Outcome& outcome) {
  const fast::TimeParts& t = outcome.time;
  return (t.tp + t.cp + t.ep + t.pp + t.dp) / outcome.step_s;
}

}  // namespace aforo::explain
