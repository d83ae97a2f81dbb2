#include <algorithm>
#include <cmath>

#include "planner/fast/time.h"

namespace aforo::fast {

TimeParts native_step(const Setup& setup, const Cluster& cluster, const Rates& rates,
                      const NativeBlocks& blocks) {
  const NativeCost cost = native_cost(setup, blocks);
  const double n = setup.grad_accum();
  TimeParts t;
  t.products = cost.total(NativePart::products, n);
  t.attention = cost.total(NativePart::attention, n);
  t.passes = cost.total(NativePart::passes, n);
  t.recompute = cost.total(NativePart::recompute, n);
  t.head = cost.total(NativePart::head, n);
  t.optimizer = cost.total(NativePart::optimizer, n);
  t.dp = cost.total(NativePart::dp, n);
  t.fixed = blocks.overhead;
  t.hardware_flops = cost.total(NativePart::flops, n);
  const double sum =
      t.products + t.attention + t.passes + t.recompute + t.head + t.optimizer + t.dp + t.fixed;
  const double nodes = std::max(1.0, static_cast<double>(cluster.n_devices) / cluster.per_node);
  t.step = sum * (1 + rates[Rate::straggler] * std::log2(nodes));
  return t;
}

}  // namespace aforo::fast
