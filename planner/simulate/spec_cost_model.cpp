#include <fmt/format.h>

#include "planner/base/error.h"
#include "planner/fast/op_time.h"
#include "planner/fast/ranges.h"
#include "planner/simulate/cost_model.h"

namespace aforo {
namespace {

// The native engine has no published runs: its times on a card are a judgement until there are.
// Kernels rarely beat the rates by more than a fifth, and miss them by half when shapes are small.
constexpr Spread native_spread{0.20, 0.50};

/// What every card shares; read once.
struct Published {
  fast::Constants constants = fast::Constants::load();
  fast::EngineSpec native = fast::native_engine();
  Spread spread = native_spread;

  Published() {
    const fast::ErrorRanges times = fast::PublishedRanges::load().time;
    if (const auto own = times.find(native.name); own != times.end())
      spread = {1 - own->second.low, own->second.high - 1};
  }
};

const Published& published() {
  static const Published loaded;
  return loaded;
}

/// One machine, as large as the program asks for.
fast::Cluster one_machine(const AcceleratorSpec& spec) {
  constexpr int any = 1 << 20;
  return {&spec, 1, any, spec.link.all_reduce.value, 0};
}

fast::Rates rates_on(const fast::Cluster& cluster) {
  return fast::rate_recipe(published().constants, cluster, published().native)
      .rates(published().constants);
}

class SpecCostModel final : public CostModel {
 public:
  explicit SpecCostModel(AcceleratorSpec accelerator)
      : spec_(std::move(accelerator)), timer_(one_machine(spec_), rates_on(one_machine(spec_))) {}
  SpecCostModel(AcceleratorSpec accelerator, fast::Cluster cluster)
      : spec_(std::move(accelerator)), timer_(of(spec_, cluster), rates_on(of(spec_, cluster))) {}

  OpTime op_time(const StepProgram& program, const Op& op) const override {
    if (const int n_ranks = n_ranks_of(op.attrs); n_ranks > 1) check_link(n_ranks);
    if (multiplies(op)) peak(program.buffers[op.reads[0]].dtype);
    const fast::OpSeconds time = timer_.op_time(program, op);
    return {Seconds(time.time), time.limited_by};
  }
  Seconds step_overhead() const override { return Seconds(timer_.step_overhead()); }

  std::string device() const override { return spec_.name; }
  Origin origin() const override { return Origin::calibrated; }
  Spread spread() const override { return published().spread; }
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
  static bool multiplies(const Op& op) {
    return std::holds_alternative<Gemm>(op.attrs) || std::holds_alternative<Attention>(op.attrs) ||
           std::holds_alternative<AttentionBackward>(op.attrs);
  }

  std::string peak_names() const {
    std::string names;
    for (const auto& [name, rate] : spec_.peak_dense) names += (names.empty() ? "" : ", ") + name;
    return names;
  }

  static fast::Cluster of(const AcceleratorSpec& spec, fast::Cluster cluster) {
    cluster.accelerator = &spec;
    return cluster;
  }

  void check_link(int n_ranks) const {
    if (spec_.link.all_reduce.value <= 0)
      throw InputError(fmt::format("{} has no link.all_reduce in its profile, which {} ranks need",
                                   spec_.name, n_ranks));
  }

  AcceleratorSpec spec_;
  fast::OpTimer timer_;
};

}  // namespace

std::unique_ptr<CostModel> spec_cost_model(const AcceleratorSpec& accelerator,
                                           const fast::Cluster& cluster) {
  return std::make_unique<SpecCostModel>(accelerator, cluster);
}

std::unique_ptr<CostModel> spec_cost_model(const AcceleratorSpec& accelerator) {
  return std::make_unique<SpecCostModel>(accelerator);
}

}  // namespace aforo
