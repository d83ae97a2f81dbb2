#pragma once
// What an export target can say. A plan that needs more is refused: a file that silently runs
// something else would make its numbers wrong.

#include <string>
#include <vector>

#include "planner/spec/plan_file.h"

namespace aforo {

/// DeepSpeed's stage: 0 for ddp, and where one rank alone shards nothing.
int zero_stage(const Parallelism& parallel);

/// How finely a target says what backward computes again.
///   elsewhere  not at all: the training script does, so any plan goes and the file says which
///   whole      full recomputation of all layers or of none
///   selective  all layers alike: none, selective or full
///   front      full on the first layers, nothing on the rest
///   either     as selective or as front
enum class RecomputeForm { elsewhere, whole, selective, front, either };

/// Empty lists mean every value.
struct Expresses {
  std::vector<Sharding> shardings;
  std::vector<Precision> precisions;
  std::vector<Method> methods;
  std::vector<OptimizerKind> optimizers;
  std::vector<ScheduleKind> schedules;
  bool tp = false, pp = false, vpp = false, cp = false, ep = false;
  std::vector<OffloadTo> offload_states = {OffloadTo::none};
  std::vector<OffloadTo> offload_activations = {OffloadTo::none};
  RecomputeForm recompute = RecomputeForm::elsewhere;
  std::vector<std::string> engines;  ///< whose predictions hold for what the file runs
};

struct Difference {
  std::string text;    ///< "sharding zero1 (it has fsdp, hsdp)"
  std::string option;  ///< of `aforo plan`, that avoids it: "--sharding fsdp,hsdp"
};
/// What the plan says and the target cannot; empty if nothing.
std::vector<Difference> differences(const Expresses& target, const PlanFile& plan);

/// Recomputation read from the front.
struct FrontRecompute {
  int full_layers = 0;     ///< before the first that is not
  bool selective = false;  ///< on that one
  bool ordered = true;     ///< all others are as that one
};
FrontRecompute front_recompute(const std::vector<Recompute>& layers);

}  // namespace aforo
