#include "planner/lower/passes/reduce.h"

#include <fmt/format.h>

#include "planner/lower/builder.h"
#include "planner/lower/sharding.h"

namespace aforo {
namespace {

/// Elements of a unit that belong to no segment.
struct Gap {
  std::int64_t begin, end;
};

std::vector<Gap> gaps_of(const FlatUnit& unit) {
  std::vector<Gap> gaps;
  std::int64_t at = 0;
  const auto up_to = [&](std::int64_t begin) {
    if (at < begin) gaps.push_back({at, begin});
  };
  for (const FlatSegment& segment : unit.segments) {
    up_to(segment.begin);
    at = segment.begin + segment.shape.numel();
  }
  up_to(unit.numel);
  return gaps;
}

}  // namespace

std::vector<Op> reduction_ops(Lowering& lowering, const UnitBuffers& unit, OpLabel label) {
  const ShardingRules rules = sharding_rules(lowering.plan);
  const bool several = lowering.plan.grad_accum(lowering.job.global_batch_size) > 1;
  const FlatUnit& flat = lowering.program.units[unit.unit];
  Builder builder(lowering.program);
  std::vector<Op> ops;
  if (rules.reduce_each_micro_step || !several)
    for (const Gap& gap : gaps_of(flat)) {
      const std::int64_t numel = gap.end - gap.begin;
      Buffer view{fmt::format("{}.gradient.gap{}", unit.name, gap.begin),
                  {1, numel, 1},
                  Dtype::fp32,
                  Role::gradient};
      view.inside = unit.gradient;
      view.inside_at = gap.begin * size_of(Dtype::fp32);
      ops.push_back({Fill{numel, 0.0f}, {}, {builder.add(view)}, label});
    }
  OpAttrs attrs = ReduceScatter{flat.numel, rules.n_parts};
  if (rules.n_parts == 1) attrs = AllReduce{flat.numel, rules.n_ranks};
  if (rules.shares()) attrs = ReduceScatter{flat.numel, rules.n_ranks, 1, false, rules.n_parts};
  ops.push_back({attrs, {unit.gradient}, {rules.shares() ? unit.share : unit.reduced}, label});
  return ops;
}

}  // namespace aforo
