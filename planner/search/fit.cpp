#include "planner/search/fit.h"

#include <algorithm>

#include "planner/lower/lower.h"

namespace aforo {

std::vector<FitMethod> usual_methods(Precision sixteen_bit) {
  const std::string name = sixteen_bit == Precision::bf16 ? "bf16" : "fp16";
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
  Plan plan{method.precision, std::vector<Recompute>(model_.n_layers, method.recompute),
            micro_batch_size, 1};
  const MemoryPlan memory = lower(job, plan, target_).memory;
  const auto most = std::max_element(memory.at_peak.begin(), memory.at_peak.end());
  FitCell cell{memory.arena,
               std::string(name_of(static_cast<Role>(most - memory.at_peak.begin())))};
  return cells_.emplace(key, std::move(cell)).first->second;
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
