#pragma once
// Plans over several ranks that tests share.

#include <string>
#include <vector>

#include "planner/program/program.h"
#include "planner/spec/enum_tables.h"
#include "tests/support/tiny.h"

namespace aforo::tiny {

inline Plan rank_plan(const TrainingJob& job, Precision precision, int dp, Sharding sharding,
                      int micro_batch_size = 1, Recompute recompute = Recompute::none) {
  Plan result = plan(job, precision, recompute, micro_batch_size);
  result.parallel.dp = dp;
  result.parallel.sharding = sharding;
  return result;
}

/// The CPU's with a workspace that is quick to clear, many times over.
inline Target rank_target() {
  Target target = cpu_target();
  target.workspace = Bytes(512 * kibi);
  return target;
}

constexpr Sharding shardings[] = {Sharding::ddp,  Sharding::zero1, Sharding::zero2, Sharding::zero3,
                                  Sharding::fsdp, Sharding::hsdp,  Sharding::yafsdp};

/// Every way to shard `dp` ranks: hsdp in groups of two where that divides them, and weights kept
/// after the forward pass.
struct NamedPlan {
  std::string name;
  Plan plan;
};
inline std::vector<NamedPlan> sharded_plans(const TrainingJob& job, Precision precision, int dp,
                                            int micro_batch_size = 1,
                                            Recompute recompute = Recompute::none) {
  std::vector<NamedPlan> result;
  for (const Sharding sharding : shardings) {
    Plan plan = rank_plan(job, precision, dp, sharding, micro_batch_size, recompute);
    if (sharding == Sharding::hsdp && dp % 2 == 0) plan.parallel.shard_group = 2;
    result.push_back({std::string(enum_name(sharding)), plan});
  }
  Plan keep = rank_plan(job, precision, dp, Sharding::fsdp, micro_batch_size, recompute);
  keep.parallel.reshard_after_forward = false;
  result.push_back({"fsdp, kept after forward", keep});
  return result;
}

}  // namespace aforo::tiny
