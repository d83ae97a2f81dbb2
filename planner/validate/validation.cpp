#include "planner/validate/validation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/validate/rivals.h"

namespace aforo::validate {
namespace {

struct Column {
  const char* name;
  std::string (*value)(const Case&);
};

constexpr Column columns[] = {
    {"source", [](const Case& c) { return c.run->repo; }},
    {"gpu", [](const Case& c) { return c.run->gpu_class; }},
    {"engine", [](const Case& c) { return c.engine ? c.engine->name : std::string("unknown"); }},
    {"model", [](const Case& c) { return c.run->model_name; }},
    {"family", [](const Case& c) { return c.run->family; }},
    {"quality", [](const Case& c) { return c.run->quality; }},
    {"precision", [](const Case& c) { return c.run->precision; }},
    {"task", [](const Case& c) { return c.run->task; }},
    {"sharding", [](const Case& c) { return c.run->sharding; }},
};

bool among(const std::vector<std::string>& values, const std::string& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

/// Collects ratios of one group.
class Scorer {
 public:
  explicit Scorer(const ValidationRequest& request) : request_(request) {}

  void add(const Case& c, const Prediction& p, const std::vector<RivalTimes>& rivals,
           std::size_t row) {
    ++score_.n_rows;
    if (p.source == nullptr) {
      ++score_.not_predictable[c.problem];
      return;
    }
    add_time(c, p, rivals, row);
    add_memory(c, p);
    add_verdict(c, p);
  }

  GroupScore finish(const std::string& key, const std::vector<RivalTimes>& rivals) {
    score_.key = key;
    score_.tokens_per_s = summarise(time_);
    score_.memory = summarise(memory_);
    score_.korthikanti_memory = summarise(korthikanti_);
    if (!time_.empty()) score_.time_coverage = static_cast<double>(time_inside_) / time_.size();
    if (!memory_.empty())
      score_.memory_coverage = static_cast<double>(memory_inside_) / memory_.size();
    for (std::size_t i = 0; i < rivals.size(); ++i)
      score_.rivals.push_back({rivals[i].name, rivals[i].title,
                               summarise(i < rivals_.size() ? rivals_[i] : std::vector<double>{})});
    return score_;
  }

 private:
  void add_time(const Case& c, const Prediction& p, const std::vector<RivalTimes>& rivals,
                std::size_t row) {
    const auto measured = c.run->step_time();
    if (!measured || !among(request_.time_quality, c.run->quality)) return;
    time_.push_back(*measured / p.time.step);  // tokens/s, predicted over measured
    if (*measured >= p.time_low && *measured <= p.time_high) ++time_inside_;
    rivals_.resize(rivals.size());
    for (std::size_t i = 0; i < rivals.size(); ++i)
      rivals_[i].push_back(*measured / rivals[i].step_time[row]);
  }

  void add_memory(const Case& c, const Prediction& p) {
    const auto measured = c.run->measured.peak_mem_gib;
    if (!measured || *measured <= 0 || !among(request_.memory_quality, c.run->quality)) return;
    memory_.push_back(p.memory_gib / *measured);
    korthikanti_.push_back(korthikanti_like_gib(c) / *measured);
    if (*measured >= p.memory_low && *measured <= p.memory_high) ++memory_inside_;
  }

  void add_verdict(const Case& c, const Prediction& p) {
    if (c.run->measured.oom) {
      ++score_.oom_rows;
      score_.oom_caught += p.fits ? 0 : 1;
      return;
    }
    if (!among(request_.memory_quality, c.run->quality)) return;
    ++score_.fit_rows;
    score_.fit_passed += p.fits ? 1 : 0;
  }

  const ValidationRequest& request_;
  GroupScore score_;
  std::vector<double> time_, memory_, korthikanti_;
  std::vector<std::vector<double>> rivals_;
  int time_inside_ = 0, memory_inside_ = 0;
};

}  // namespace

std::string group_value(const Case& c, const std::string& column) {
  std::vector<std::string> names;
  for (const Column& known : columns) {
    if (column == known.name) return known.value(c);
    names.emplace_back(known.name);
  }
  throw InputError(
      fmt::format("there is no group \"{}\"; expected some of {}", column, fmt::join(names, ", ")));
}

Validation validate_runs(const std::deque<Case>& cases, const ValidationRequest& request) {
  const std::vector<Prediction> predictions = predict_all(cases, request);
  const std::vector<RivalTimes> rivals = rival_times(cases);
  std::map<std::string, Scorer> groups;
  Scorer all(request);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    std::string key;
    for (const std::string& column : request.by)
      key += (key.empty() ? "" : " | ") + group_value(cases[i], column);
    const auto group = groups.try_emplace(key, request).first;
    group->second.add(cases[i], predictions[i], rivals, i);
    all.add(cases[i], predictions[i], rivals, i);
  }
  Validation validation;
  validation.leave_out = request.leave_out;
  validation.by = request.by;
  for (auto& [key, scorer] : groups) validation.groups.push_back(scorer.finish(key, rivals));
  validation.all = all.finish("all", rivals);
  return validation;
}

}  // namespace aforo::validate
