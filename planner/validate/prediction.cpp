#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <thread>

#include "planner/base/error.h"
#include "planner/validate/constants_fit.h"
#include "planner/validate/validation.h"

namespace aforo::validate {
namespace {

double memory_of_kind(const fast::MemoryParts& memory, const std::string& kind) {
  if (kind == "allocated") return memory.allocated();
  return kind == "device-used" ? memory.device() : memory.reserved();
}

std::string fold_key(const Case& c, LeaveOut leave_out) {
  return leave_out == LeaveOut::source ? c.run->repo : c.run->family;
}

/// Constants for every family (or source), fitted to the rows of quality A outside it, on all
/// cores; one set if nothing is left out.
class FoldedConstants {
 public:
  FoldedConstants(const std::deque<Case>& cases, LeaveOut leave_out)
      : shipped_(fast::Constants::load()), leave_out_(leave_out) {
    if (leave_out == LeaveOut::none) return;
    const std::vector<TimedCase> timed = quality_a(timed_cases(cases, shipped_));
    for (const Case& c : cases) fold_.emplace(fold_key(c, leave_out), 0);
    int next = 0;
    for (auto& [key, fold] : fold_) fold = next++;
    constants_.assign(next, shipped_);
    std::atomic<int> todo{0};
    const auto work = [&] {
      for (int fold = todo++; fold < next; fold = todo++) fit_without(timed, fold);
    };
    std::vector<std::thread> threads;
    for (unsigned t = 1; t < std::thread::hardware_concurrency(); ++t) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
  }

  const fast::Constants& of(const Case& c) const {
    return leave_out_ == LeaveOut::none ? shipped_ : constants_[fold_.at(fold_key(c, leave_out_))];
  }

 private:
  void fit_without(const std::vector<TimedCase>& timed, int fold) {
    std::vector<TimedCase> rest;
    for (const TimedCase& one : timed)
      if (fold_.at(fold_key(*one.source, leave_out_)) != fold) rest.push_back(one);
    if (rest.size() < timed.size()) constants_[fold] = fit_constants(rest, shipped_, 10);
  }

  static std::vector<TimedCase> quality_a(std::vector<TimedCase> timed) {
    std::erase_if(timed, [](const TimedCase& one) { return one.source->run->quality != "A"; });
    return timed;
  }

  fast::Constants shipped_;
  LeaveOut leave_out_;
  std::map<std::string, int> fold_;
  std::vector<fast::Constants> constants_;
};

Prediction predict_one(const Case& c, const fast::Constants& constants,
                       const PublishedRanges& ranges) {
  Prediction p;
  p.source = &c;
  const fast::Rates rates = fast::rate_recipe(constants, c.cluster, *c.engine).rates(constants);
  p.time = fast::time_parts(c.setup, c.cluster, rates);
  const ErrorRange& time = range_of(ranges.time, c.engine->name);
  p.time_low = p.time.step * time.low;
  p.time_high = p.time.step * time.high;
  p.memory = fast::memory_parts(c.setup, *c.engine);
  p.memory_gib = memory_of_kind(p.memory, c.run->measured.mem_kind) / gibi;
  const ErrorRange& memory = range_of(ranges.memory, c.engine->name);
  p.memory_low = p.memory_gib * memory.low;
  p.memory_high = p.memory_gib * memory.high;
  p.capacity_gib = as_gib(c.cluster.accelerator->usable_memory);
  p.fits = p.memory.required() / gibi <= p.capacity_gib;
  return p;
}

}  // namespace

std::vector<Prediction> predict_all(const std::deque<Case>& cases,
                                    const ValidationRequest& request) {
  const FoldedConstants constants(cases, request.leave_out);
  const PublishedRanges ranges = PublishedRanges::load();
  std::vector<Prediction> predictions;
  for (const Case& c : cases)
    predictions.push_back(c.problem.empty() ? predict_one(c, constants.of(c), ranges)
                                            : Prediction{});
  return predictions;
}

}  // namespace aforo::validate
