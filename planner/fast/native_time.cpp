#include "planner/fast/native_time.h"

#include "planner/fast/native_program.h"

namespace aforo::fast {
namespace {

NativePart part_of(const Op& op) {
  if (n_ranks_of(op.attrs) > 0) return NativePart::dp;
  if (op.label.phase == Phase::optimizer || op.label.phase == Phase::setup)
    return NativePart::optimizer;
  if (op.label.phase == Phase::recompute) return NativePart::recompute;
  if (op.label.layer < 0) return NativePart::head;
  if (std::holds_alternative<Gemm>(op.attrs)) return NativePart::products;
  const bool attention = std::holds_alternative<Attention>(op.attrs) ||
                         std::holds_alternative<AttentionBackward>(op.attrs);
  return attention ? NativePart::attention : NativePart::passes;
}

NativeCost cost_of_program(const StepProgram& program, const OpTimer& timer) {
  NativeCost cost;
  for (const Section& section : program.sections) {
    if (section.repeat == 0) continue;
    auto& parts = section.kind == SectionKind::micro_step ? cost.micro : cost.once;
    for (int i = section.begin; i < section.end; ++i) {
      const Op& op = program.ops[i];
      parts[static_cast<int>(part_of(op))] += timer.op_time(program, op).time;
      parts[static_cast<int>(NativePart::flops)] += aforo::cost_of(program, op).flops;
    }
  }
  return cost;
}

/// Layers in [first, last) that have a window.
int windowed(const ModelSpec& model, int first, int last) {
  const int every = model.attention.full_attention_every;
  if (model.attention.sliding_window == 0) return 0;
  return last - first - (every > 0 ? last / every - first / every : 0);
}

}  // namespace

NativeCost NativeCost::plus(const NativeCost& other, double times) const {
  NativeCost sum = *this;
  for (int i = 0; i < n_native_parts; ++i) {
    sum.micro[i] += times * other.micro[i];
    sum.once[i] += times * other.once[i];
  }
  return sum;
}

NativeBlocks native_blocks(const Setup& setup, const Cluster& cluster, const Rates& rates) {
  const OpTimer timer(cluster, rates);
  const auto cost = [&](LayerRuns runs, Windows windows) {
    return cost_of_program(short_program(setup, runs, windows, "append_optimizer"), timer);
  };
  NativeBlocks blocks;
  blocks.overhead = timer.step_overhead();
  // Every further layer adds the same ops, so two layers less one are a layer.
  const NativeCost one = cost({0, 1}, Windows::none);
  const NativeCost layer = cost({0, 2}, Windows::none).plus(one, -1);
  blocks.ends = one.plus(layer, -1);
  blocks.layer[0] = {layer, layer};
  blocks.layer[1][0] = blocks.layer[1][1] = cost({1, 0}, Windows::none).plus(blocks.ends, -1);
  if (setup.model->attention.sliding_window > 0) {
    blocks.layer[0][1] = cost({0, 1}, Windows::all).plus(blocks.ends, -1);
    blocks.layer[1][1] = cost({1, 0}, Windows::all).plus(blocks.ends, -1);
  }
  return blocks;
}

NativeCost native_cost(const Setup& setup, const NativeBlocks& blocks) {
  const LayerRuns runs = runs_of(setup);
  const int windows_full = windowed(*setup.model, 0, runs.full),
            windows_rest = windowed(*setup.model, runs.full, runs.total());
  return blocks.ends.plus(blocks.layer[1][0], runs.full - windows_full)
      .plus(blocks.layer[1][1], windows_full)
      .plus(blocks.layer[0][0], runs.rest - windows_rest)
      .plus(blocks.layer[0][1], windows_rest);
}

}  // namespace aforo::fast
