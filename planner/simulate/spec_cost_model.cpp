#include <fmt/format.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/simulate/cost_model.h"

namespace aforo {
namespace {

// Flash attention's share of what large products reach: forward about 0.75, backward about 0.6 on
// A100 and H100 (FlashAttention-2 paper, figures 4 to 6: 50-73 % of peak where products reach 80-85
// %). Assumed for other cards.
constexpr double attention_forward_share = 0.75;
constexpr double attention_backward_share = 0.60;

// Until it is validated against published runs on a card, a spec-sheet time is a judgement: kernels
// rarely beat the assumed efficiencies by more than a fifth, and miss them by half when shapes are
// small.
constexpr Spread spec_spread{0.20, 0.50};

class SpecCostModel final : public CostModel {
 public:
  explicit SpecCostModel(AcceleratorSpec accelerator) : spec_(std::move(accelerator)) {}

  OpTime op_time(const StepProgram& program, const Op& op) const override {
    if (const auto* reduce = std::get_if<AllReduce>(&op.attrs)) return all_reduce_time(*reduce);
    const Cost cost = cost_of(program, op);
    const double rate = compute_rate(program, op);
    const Seconds compute = rate > 0 ? Flops(cost.flops) / FlopsPerSecond(rate) : Seconds(0);
    const Seconds memory(cost.bytes / (spec_.memory_bandwidth.value * spec_.memory_efficiency));
    const Seconds busy = std::max(compute, memory);
    const char* limit = compute > memory ? "compute" : "memory";
    if (busy < spec_.launch_overhead) limit = "launch";
    return {busy + spec_.launch_overhead, limit};
  }

  std::string device() const override { return spec_.name; }
  Origin origin() const override { return Origin::spec; }
  Spread spread() const override { return spec_spread; }
  Bytes capacity() const override { return spec_.usable_memory; }
  Bytes overhead(Dtype) const override { return spec_.context_memory; }

  FlopsPerSecond peak(Dtype compute) const override {
    const std::string name(name_of(compute));
    const auto found = spec_.peak_dense.find(name);
    if (found != spec_.peak_dense.end()) return found->second;
    throw InputError(fmt::format(
        "{} has no {} peak in its profile; use --precision with one of those it has: {}",
        spec_.name, name, peak_names()));
  }

 private:
  std::string peak_names() const {
    std::string names;
    for (const auto& [name, rate] : spec_.peak_dense) names += (names.empty() ? "" : ", ") + name;
    return names;
  }

  /// FLOP/s of the matrix units for products and attention; 0 for passes, which memory limits.
  double compute_rate(const StepProgram& program, const Op& op) const {
    double share = 0;
    if (std::holds_alternative<Gemm>(op.attrs)) share = 1;
    if (std::holds_alternative<Attention>(op.attrs)) share = attention_forward_share;
    if (std::holds_alternative<AttentionBackward>(op.attrs)) share = attention_backward_share;
    if (share == 0) return 0;
    return peak(program.buffers[op.reads[0]].dtype).value * spec_.gemm_efficiency * share;
  }

  /// Ring: 2 (n-1)/n * bytes at the bus bandwidth of the machine, plus one launch.
  OpTime all_reduce_time(const AllReduce& op) const {
    if (spec_.link.all_reduce.value <= 0)
      throw InputError(fmt::format("{} has no link.all_reduce in its profile, which {} ranks need",
                                   spec_.name, op.n_ranks));
    const double bytes = 4.0 * op.numel;
    const double factor = 2.0 * (op.n_ranks - 1) / op.n_ranks;
    return {Seconds(factor * bytes / spec_.link.all_reduce.value) + spec_.launch_overhead, "link"};
  }

  AcceleratorSpec spec_;
};

}  // namespace

std::unique_ptr<CostModel> spec_cost_model(const AcceleratorSpec& accelerator) {
  return std::make_unique<SpecCostModel>(accelerator);
}

}  // namespace aforo
