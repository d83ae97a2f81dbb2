#include "planner/search/recompute_optimum.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace aforo {
namespace {

/// Evaluates choices of one layout; both treatments of the other layers have their block costs
/// once.
class Chooser {
 public:
  Chooser(const RecomputeRequest& request, bool offloaded)
      : request_(request), setup_(request.setup) {
    setup_.recompute = {};
    setup_.offload_activations = offloaded ? OffloadTo::cpu : OffloadTo::none;
    kept_ = blocks(false);
    selective_ = blocks(true);
  }

  RecomputeChoice evaluate(std::string name, int full, int plain, bool selective) {
    set(full, plain, selective);
    const fast::MemoryParts memory = fast::memory_parts(setup_, *request_.engine);
    RecomputeChoice choice{std::move(name), setup_.recompute, setup_.offload_activations};
    choice.device = memory.device();
    choice.host = memory.host;
    choice.step_s =
        fast::time_parts(setup_, request_.cluster, request_.rates, selective ? selective_ : kept_)
            .step;
    const bool room = request_.host_memory <= 0 || memory.host <= request_.host_memory;
    choice.fits = choice.device <= request_.memory_limit && room;
    return choice;
  }

  std::optional<RecomputeChoice> best() {
    const int n_layers = setup_.model->n_layers;
    for (int full = 0; full <= n_layers; ++full) {
      consider(evaluate("optimal", full, 0, false));
      const int rest = n_layers - full;
      if (rest == 0) continue;
      consider(evaluate("optimal", full, 0, true));
      if (request_.engine->supports.recompute_per_layer) consider_most_kept(full, rest);
    }
    return best_;
  }

 private:
  fast::Blocks blocks(bool selective) {
    set(0, 0, selective);
    return fast::block_costs(setup_, request_.cluster, request_.rates);
  }

  void set(int full, int plain, bool selective) {
    setup_.recompute.full_layers = full;
    setup_.recompute.plain_layers = plain;
    setup_.recompute.norm = setup_.recompute.activation = selective;
  }

  /// Of the layers beside the full ones as many as fit are kept, the others selective: each kept
  /// layer takes memory and saves time.
  void consider_most_kept(int full, int rest) {
    int fits = 0, too_many = rest;
    while (too_many - fits > 1) {
      const int middle = (fits + too_many) / 2;
      (evaluate("optimal", full, middle, true).fits ? fits : too_many) = middle;
    }
    if (fits > 0) consider(evaluate("optimal", full, fits, true));
  }

  void consider(RecomputeChoice choice) {
    if (choice.fits && (!best_ || choice.step_s < best_->step_s)) best_ = std::move(choice);
  }

  const RecomputeRequest& request_;
  fast::Setup setup_;
  fast::Blocks kept_, selective_;
  std::optional<RecomputeChoice> best_;
};

}  // namespace

std::optional<RecomputeChoice> best_recompute(const RecomputeRequest& request, bool offloaded) {
  return Chooser(request, offloaded).best();
}

std::vector<RecomputeChoice> recompute_choices(const RecomputeRequest& request) {
  const int n_layers = request.setup.model->n_layers;
  Chooser chooser(request, false);
  std::vector<RecomputeChoice> choices{chooser.evaluate("none", 0, 0, false),
                                       chooser.evaluate("selective", 0, 0, true),
                                       chooser.evaluate("full", n_layers, 0, false)};
  if (auto best = chooser.best()) choices.push_back(std::move(*best));
  if (!request.engine->supports.offload_activations) return choices;
  auto offloaded = best_recompute(request, true);
  if (!offloaded) offloaded = Chooser(request, true).evaluate("", 0, 0, false);
  offloaded->name = "activations on the host";
  choices.push_back(std::move(*offloaded));
  return choices;
}

std::string describe(const fast::RecomputeCounts& counts, int n_layers) {
  std::string out;
  const auto add = [&](const char* kind, int n) {
    if (n == n_layers)
      out = kind;
    else if (n > 0)
      out += fmt::format("{}{} x{}", out.empty() ? "" : ", ", kind, n);
  };
  const int full = std::min(counts.full_layers, n_layers);
  const int rest = n_layers - full;
  const int plain = counts.norm ? std::min(counts.plain_layers, rest) : rest;
  add("full", full), add("selective", rest - plain), add("none", plain);
  return out;
}

}  // namespace aforo
