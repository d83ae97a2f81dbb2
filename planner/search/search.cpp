#include "planner/search/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

std::vector<int> divisors(int n) {
  std::vector<int> result;
  for (int d = 1; d <= n; ++d)
    if (n % d == 0) result.push_back(d);
  return result;
}

/// Searches the plans of one precision and micro-batch along the recompute path.
class PathSearch {
 public:
  PathSearch(const SearchRequest& request, const CostModel& model, Plan plan, Bytes limit)
      : request_(request),
        model_(model),
        plan_(std::move(plan)),
        limit_(limit),
        path_(recompute_path(request.job.model.n_layers)) {}

  /// The least recomputation whose peak stays within the limit. Memory falls along the path, so it
  /// is bisected; the neighbours before the found point are looked at too, since packing can make a
  /// plan a little smaller out of turn.
  std::optional<Plan> least_that_fits() {
    if (memory(0) <= limit_) return at(0);
    const int last = static_cast<int>(path_.size()) - 1;
    if (memory(last) > limit_) return std::nullopt;
    int too_big = 0, fits = last;
    while (fits - too_big > 1) {
      const int middle = (too_big + fits) / 2;
      (memory(middle) <= limit_ ? fits : too_big) = middle;
    }
    return at(fits);
  }

  Bytes least_memory() { return memory(static_cast<int>(path_.size()) - 1); }
  int n_evaluated() const { return static_cast<int>(memory_.size()); }

 private:
  Plan at(int index) const {
    Plan plan = plan_;
    plan.recompute = path_[index];
    return plan;
  }

  Bytes memory(int index) {
    const auto known = memory_.find(index);
    if (known != memory_.end()) return known->second;
    const StepProgram program = lower(request_.job, at(index), request_.target);
    return memory_[index] = device_memory(program, model_, recipe_of(plan_.precision).compute);
  }

  const SearchRequest& request_;
  const CostModel& model_;
  Plan plan_;
  Bytes limit_;
  std::vector<std::vector<Recompute>> path_;
  std::map<int, Bytes> memory_;
};

class Search {
 public:
  Search(const SearchRequest& request, const CostModel& model)
      : request_(request), model_(model), limit_(request.memory_limit.value_or(model.capacity())) {}

  SearchResult run() {
    for (Precision precision : request_.precisions) {
      if (!supported(precision)) continue;
      for (Sharding sharding : request_.shardings)
        for (int micro_batch_size : micro_batch_sizes())
          if (!try_plan(precision, sharding, micro_batch_size))
            break;  // a larger micro-batch needs more still
    }
    std::stable_sort(result_.ranked.begin(), result_.ranked.end(), better);
    explain();
    return std::move(result_);
  }

 private:
  static std::string sharding_of(const Plan& plan) {
    if (plan.parallel.dp == 1) return "";
    return fmt::format(", sharding {}", enum_name(plan.parallel.sharding));
  }

  static bool better(const Candidate& a, const Candidate& b) {
    if (a.estimate.step_time.mid != b.estimate.step_time.mid)
      return a.estimate.step_time.mid < b.estimate.step_time.mid;
    if (a.estimate.memory != b.estimate.memory) return a.estimate.memory < b.estimate.memory;
    return a.plan.micro_batch_size > b.plan.micro_batch_size;
  }

  bool supported(Precision precision) {
    try {
      model_.peak(recipe_of(precision).compute);
      return true;
    } catch (const InputError& error) {
      result_.rejected.push_back({std::string(enum_name(precision)), error.what()});
      return false;
    }
  }

  std::vector<int> micro_batch_sizes() const {
    if (!request_.micro_batch_sizes.empty()) return request_.micro_batch_sizes;
    if (request_.job.global_batch_size % request_.dp != 0)
      throw InputError(fmt::format("dp {} does not divide global_batch_size {}", request_.dp,
                                   request_.job.global_batch_size));
    return divisors(request_.job.global_batch_size / request_.dp);
  }

  /// False if nothing fits, so that larger micro-batches need not be tried.
  bool try_plan(Precision precision, Sharding sharding, int micro_batch_size) {
    Plan plan{precision, {}, micro_batch_size, {.dp = request_.dp, .sharding = sharding}};
    plan.parallel.shard_group = request_.shard_group;
    plan.parallel.reshard_after_forward = request_.reshard_after_forward;
    plan.deterministic = request_.deterministic;
    PathSearch path(request_, model_, plan, limit_);
    const std::optional<Plan> found = path.least_that_fits();
    result_.n_evaluated += path.n_evaluated();
    std::string what =
        fmt::format("{}, micro_batch_size {}", enum_name(precision), micro_batch_size);
    if (request_.dp > 1) what += fmt::format(", sharding {}", enum_name(sharding));
    if (!found) {
      result_.rejected.push_back(
          {what, fmt::format("needs {:.2f} GiB even with recompute full; {:.2f} GiB are allowed",
                             as_gib(path.least_memory()), as_gib(limit_))});
      return false;
    }
    Candidate candidate{*found, {}, {}};
    candidate.estimate =
        simulate(lower(request_.job, *found, request_.target), request_.job, *found, model_);
    if (request_.price_per_device)
      candidate.cost = cost(candidate.estimate.device_hours, *request_.price_per_device);
    if (within_budget(candidate, what)) result_.ranked.push_back(std::move(candidate));
    return true;
  }

  bool within_budget(const Candidate& candidate, const std::string& what) {
    const double hours = candidate.estimate.hours.mid;
    if (request_.deadline && hours * 3600 > request_.deadline->value) {
      result_.rejected.push_back({what,
                                  fmt::format("takes {:.1f} h; the deadline is {:.1f} h", hours,
                                              request_.deadline->value / 3600),
                                  true});
      return false;
    }
    if (request_.budget && candidate.cost && candidate.cost->mid > request_.budget->value) {
      result_.rejected.push_back({what,
                                  fmt::format("costs ${:.2f}; the budget is ${:.2f}",
                                              candidate.cost->mid, request_.budget->value),
                                  true});
      return false;
    }
    return true;
  }

  void explain() {
    if (result_.ranked.empty()) return;
    const Candidate& first = result_.ranked.front();
    result_.why.push_back(fmt::format("fastest of {} plans that fit: {:.4g} tokens/s",
                                      result_.ranked.size(), first.estimate.tokens_per_second.mid));
    if (result_.ranked.size() > 1) {
      const Candidate& second = result_.ranked[1];
      result_.why.push_back(
          fmt::format("{:.1f} % faster than the next: {}, micro_batch_size {}, recompute {}{}",
                      100 * (second.estimate.step_time.mid / first.estimate.step_time.mid - 1),
                      enum_name(second.plan.precision), second.plan.micro_batch_size,
                      describe_recompute(second.plan.recompute), sharding_of(second.plan)));
    }
    const bool recomputes = std::any_of(first.plan.recompute.begin(), first.plan.recompute.end(),
                                        [](Recompute r) { return r != Recompute::none; });
    result_.why.push_back(
        recomputes ? fmt::format("recompute {} is the least that stays within {:.2f} GiB",
                                 describe_recompute(first.plan.recompute), as_gib(limit_))
                   : "nothing has to be computed again");
  }

  const SearchRequest& request_;
  const CostModel& model_;
  Bytes limit_;
  SearchResult result_;
};

}  // namespace

std::vector<std::vector<Recompute>> recompute_path(int n_layers) {
  std::vector<std::vector<Recompute>> path;
  std::vector<Recompute> layers(n_layers, Recompute::none);
  path.push_back(layers);
  for (Recompute kind : {Recompute::selective, Recompute::full})
    for (int i = 0; i < n_layers; ++i) {
      layers[i] = kind;
      path.push_back(layers);
    }
  return path;
}

SearchResult search(const SearchRequest& request, const CostModel& model) {
  return Search(request, model).run();
}

}  // namespace aforo
