#pragma once
// What a plan's sharding means for the passes: who holds what, and when ranks talk.

#include "planner/lower/lowering.h"

namespace aforo {

struct ShardingRules {
  int n_ranks = 1;     ///< data-parallel
  int n_parts = 1;     ///< parts of what is sharded: ranks of a shard group
  int n_replicas = 1;  ///< groups that hold the same (hsdp)
  bool flat = false;   ///< parameters lie in flat units
  bool states = false, gradients = false, weights = false;  ///< sharded
  bool gather_again = false;                                ///< weights are freed after forward
  bool reduce_each_micro_step = false;
  bool in_order = false;          ///< sums are added in the order of the job (deterministic)
  bool ring_slots = false;        ///< yafsdp: two buffers for weights, two for gradients
  bool vectors_together = false;  ///< yafsdp: one unit for all of them, gathered once a step

  bool shares() const { return in_order && n_replicas > 1; }
};

/// One rank holds everything, whatever the plan's sharding is. hsdp: `shard_group` ranks share, 0:
/// all do, as if they were one machine.
///
/// Where replicas sum in order, each rank of a replica sums a share of its part over all ranks, and
/// the replicas gather their shares once a step: as many bytes as a sum inside the groups and one
/// across them, which would add in another order.
ShardingRules sharding_rules(const Plan& plan);

}  // namespace aforo
