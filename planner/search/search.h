#pragma once
// The best plan for a job on a device: precision x sharding x micro-batch x recomputation per layer.

#include <optional>
#include <string>
#include <vector>

#include "planner/simulate/simulate.h"

namespace aforo {

struct SearchRequest {
  TrainingJob job;
  Target target;
  int dp = 1;
  std::vector<Sharding> shardings = {Sharding::ddp};  ///< those allowed; of one rank all are one
  int shard_group = 0;                                ///< of hsdp
  bool reshard_after_forward = true;
  bool deterministic = false;
  std::vector<Precision> precisions;   ///< those allowed; in order of preference when equal
  std::vector<int> micro_batch_sizes;  ///< empty: every divisor of the batch per rank
  std::optional<Bytes>
      memory_limit;  ///< per device, overhead included; default: the device's capacity
  std::optional<DollarsPerHour> price_per_device;
  std::optional<Dollars> budget;
  std::optional<Seconds> deadline;
};

struct Candidate {
  Plan plan;
  Estimate estimate;
  std::optional<Interval> cost;  ///< dollars for the whole job
};

/// A part of the space that holds no plan, and the binding reason with both values.
struct Rejection {
  std::string what;          ///< "bf16, micro_batch_size 16"
  std::string reason;        ///< "needs 31.2 GiB with recompute full; 23.1 GiB are there"
  bool over_budget = false;  ///< fits, but costs or takes too much
};

struct SearchResult {
  std::vector<Candidate> ranked;  ///< fastest first; ties: least memory, then larger micro-batch
  std::vector<Rejection> rejected;
  std::vector<std::string> why;  ///< sentences on why the first won
  int n_evaluated = 0;
};

/// Exhaustive over precision, sharding and micro-batch; for each the recomputation is the least that
/// fits (see recompute_path). The chosen peak never rises when memory_limit falls: the winner is
/// the fastest of one fixed list of plans that fit.
SearchResult search(const SearchRequest& request, const CostModel& model);

/// Plans of growing recomputation for `n_layers` layers: none; selective on the first 1..n layers;
/// then full on the first 1..n layers, selective on the others. Front layers come first, since
/// their recomputed activations return when the saved ones of later layers are gone.
std::vector<std::vector<Recompute>> recompute_path(int n_layers);

}  // namespace aforo
