#include "planner/search/fit.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/fast/setup_of_job.h"
#include "planner/lower/lower.h"
#include "planner/search/layout_estimate.h"
#include "planner/spec/enum_tables.h"

namespace aforo {

std::vector<FitMethod> usual_methods(Precision sixteen_bit, Method method) {
  std::string name = sixteen_bit == Precision::bf16 ? "bf16" : "fp16";
  if (method != Method::full) {
    name = fmt::format("{} {}", enum_name(method), name);
    return {{name, sixteen_bit, Recompute::none},
            {name + ", recompute selective", sixteen_bit, Recompute::selective},
            {name + ", recompute full", sixteen_bit, Recompute::full}};
  }
  return {{"fp32", Precision::fp32, Recompute::none},
          {name, sixteen_bit, Recompute::none},
          {name + ", recompute selective", sixteen_bit, Recompute::selective},
          {name + ", recompute full", sixteen_bit, Recompute::full}};
}

const FitCell& FitTable::cell(const FitMethod& method, int seq_len, int micro_batch_size) {
  const Key key{method.precision, method.recompute, seq_len, micro_batch_size};
  const auto known = cells_.find(key);
  if (known != cells_.end()) return known->second;
  TrainingJob job;
  job.model = model_;
  job.seq_len = seq_len;
  job.global_batch_size = 2 * micro_batch_size;
  job.n_tokens = job.tokens_per_step();
  job.method = method_;
  Plan plan{method.precision, std::vector<Recompute>(model_.n_layers, method.recompute),
            micro_batch_size, 1};
  FitCell cell = engine_ ? engine_cell(job, plan) : native_cell(job, plan);
  return cells_.emplace(key, std::move(cell)).first->second;
}

FitCell FitTable::native_cell(const TrainingJob& job, const Plan& plan) const {
  const MemoryPlan memory = lower(job, plan, target_).memory;
  const auto most = std::max_element(memory.at_peak.begin(), memory.at_peak.end());
  return {memory.arena, std::string(name_of(static_cast<Role>(most - memory.at_peak.begin())))};
}

FitCell FitTable::engine_cell(const TrainingJob& job, const Plan& plan) const {
  const fast::MemoryParts memory =
      fast::memory_parts(fast::setup_of(job, plan, *engine_, card_), *engine_);
  std::vector<NamedPart> parts = named(memory);
  const auto most =
      std::max_element(parts.begin(), parts.end(),
                       [](const NamedPart& a, const NamedPart& b) { return a.value < b.value; });
  return {Bytes(static_cast<std::int64_t>(memory.reserved())), most->name};
}

int FitTable::largest_micro_batch(const FitMethod& method, int seq_len, Bytes overhead,
                                  Bytes capacity) {
  int largest = 0;
  for (int size : {1, 2, 3, 4, 8, 16, 32, 64}) {
    if (cell(method, seq_len, size).arena + overhead > capacity) break;
    largest = size;
  }
  return largest;
}

}  // namespace aforo
