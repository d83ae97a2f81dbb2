#include "planner/lower/sharding.h"

namespace aforo {

ShardingRules sharding_rules(const Plan& plan) {
  const Parallelism& p = plan.parallel;
  ShardingRules rules;
  rules.n_ranks = p.dp;
  rules.flat = p.dp > 1 || plan.deterministic;
  rules.reduce_each_micro_step = rules.in_order = plan.deterministic;
  if (p.dp == 1 || p.sharding == Sharding::ddp) return rules;
  const bool groups = p.sharding == Sharding::hsdp && p.shard_group > 0;
  rules.n_parts = groups ? p.shard_group : p.dp;
  rules.n_replicas = p.dp / rules.n_parts;
  rules.states = shards_states(p.sharding);
  rules.gradients = shards_gradients(p.sharding);
  rules.weights = shards_weights(p.sharding);
  rules.ring_slots = rules.vectors_together = p.sharding == Sharding::yafsdp;
  rules.gather_again = rules.ring_slots || p.reshard_after_forward;
  rules.reduce_each_micro_step |= rules.gradients;
  return rules;
}

}  // namespace aforo
