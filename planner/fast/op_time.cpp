#include "planner/fast/op_time.h"

namespace aforo::fast {
namespace {

Setup graphs(MatrixType type) {
  Setup setup;
  setup.matrix = type;
  setup.cuda_graphs = true;
  return setup;
}

}  // namespace

OpTimer::OpTimer(const Cluster& cluster, const Rates& rates)
    : cluster_(cluster),
      rates_(rates),
      kernels_{Kernels(graphs(MatrixType::fp32), cluster_, rates_),
               Kernels(graphs(MatrixType::fp16), cluster_, rates_),
               Kernels(graphs(MatrixType::bf16), cluster_, rates_)} {}

const Kernels& OpTimer::kernels_for(Dtype type) const {
  if (type == Dtype::fp16) return kernels_[1];
  return kernels_[type == Dtype::bf16 ? 2 : 0];
}

OpSeconds OpTimer::sum(double compute, double memory) const {
  const double busy = std::max(compute, memory), gap = kernels_[0].gap(1);
  const char* limit = compute > memory ? "compute" : "memory";
  return {busy + gap, busy < gap ? "launch" : limit};
}

OpSeconds OpTimer::collective(double bytes, int rounds, Group group) const {
  return {rounds * gather_time(bytes, group, cluster_, rates_), "link"};
}

OpSeconds OpTimer::op_time(const StepProgram& program, const Op& op) const {
  const auto bytes = [&](const Ids& ids) {
    return static_cast<double>(program.buffers[ids[0]].bytes().value);
  };
  if (const auto* gather = std::get_if<AllGather>(&op.attrs))
    return collective(bytes(op.writes), 1, {gather->n_ranks, gather->stride});
  if (const auto* reduce = std::get_if<AllReduce>(&op.attrs))
    return collective(bytes(op.reads), 2, {reduce->n_ranks, reduce->stride});
  if (const auto* scatter = std::get_if<ReduceScatter>(&op.attrs))
    return collective(bytes(op.reads), 1, {scatter->n_ranks, scatter->stride});
  const Cost cost = cost_of(program, op);
  const double memory = cost.bytes / rates_[Rate::memory];
  if (const auto* gemm = std::get_if<Gemm>(&op.attrs)) {
    const Kernels& kernels = kernels_for(program.buffers[op.reads[0]].dtype);
    const auto m = static_cast<double>(gemm->m), n = static_cast<double>(gemm->n),
               k = static_cast<double>(gemm->k);
    return sum(kernels.product_arithmetic(m, n, k, Product{}), memory);
  }
  const auto* forward = std::get_if<Attention>(&op.attrs);
  const auto* backward = std::get_if<AttentionBackward>(&op.attrs);
  if (forward || backward) {
    const Kernels& kernels = kernels_for(program.buffers[op.reads[0]].dtype);
    const auto keys = static_cast<double>(forward ? forward->seq_len : backward->seq_len);
    return sum(kernels.fused_attention(cost.flops, keys, backward != nullptr), memory);
  }
  return sum(0, memory);
}

}  // namespace aforo::fast
