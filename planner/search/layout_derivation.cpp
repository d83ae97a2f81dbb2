#include <fmt/format.h>

#include <cmath>

#include "planner/fast/layer_work.h"
#include "planner/fast/pipeline_stage.h"
#include "planner/search/layout_estimate.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

std::string ms(double seconds) { return fmt::format("{:.4g} ms", 1e3 * seconds); }
std::string gib(double bytes) { return fmt::format("{:.3f} GiB", bytes / gibi); }

/// Collects lines of the derivation.
class Deriver {
 public:
  Deriver(const fast::Setup& setup, const fast::Cluster& cluster, const fast::EngineSpec& engine,
          const fast::Constants& constants, const LayoutEstimate& estimate)
      : s_(setup),
        cluster_(cluster),
        e_(estimate),
        rates_(fast::rate_recipe(constants, cluster, engine).rates(constants)) {}

  std::vector<Derivation> run() {
    layout();
    rates();
    pipeline();
    exchange();
    offload();
    times();
    memory();
    return std::move(lines_);
  }

 private:
  void line(std::string name, std::string text) {
    lines_.push_back({std::move(name), std::move(text)});
  }

  void layout() {
    const Parallelism& p = s_.parallel;
    line("devices",
         fmt::format("tp {} x cp {} x pp {} x dp {} = {}", p.tp, p.cp, p.pp, p.dp, p.world_size()));
    line("micro-steps",
         fmt::format("global_batch_size {} / (micro_batch_size {} x dp {}) = {}",
                     s_.global_batch_size, s_.micro_batch_size, p.dp, s_.grad_accum()));
    line("tokens of a device and micro-step",
         fmt::format("micro_batch_size {} x seq_len {} / cp {} = {:.0f}", s_.micro_batch_size,
                     s_.seq_len, p.cp, fast::local_tokens(s_)));
    const fast::LayerWork work = fast::layer_work(s_, s_.model->is_moe());
    double flops = 0;
    for (int i = 0; i < work.n_products; ++i) {
      const fast::Product& product = work.products[i];
      flops += 2 * product.batch * product.m * product.n * product.k;
    }
    line("layer, forward", fmt::format("{:.4g} TFLOP in {} products, {:.4g} TFLOP in attention",
                                       flops / 1e12, work.n_products, work.attention_flops / 1e12));
  }

  void rates() {
    using fast::Rate;
    line("large products",
         fmt::format("{:.1f} TFLOP/s in 16 bits, {:.1f} in fp8; at half rate below {:.3g} output "
                     "elements or an inner length of {:.0f}",
                     rates_[Rate::gemm_16] / 1e12, rates_[Rate::gemm_8] / 1e12,
                     rates_[Rate::half_mn], rates_[Rate::half_k]));
    line("attention", fmt::format("{:.0f} % of that forward, {:.0f} % backward; at half rate below "
                                  "{:.0f} keys",
                                  100 * rates_[Rate::attention_forward],
                                  100 * rates_[Rate::attention_backward], rates_[Rate::half_seq]));
    line("passes", fmt::format("{:.0f} GB/s, {:.2f} x the traffic of perfectly fused ones",
                               rates_[Rate::memory] / 1e9, rates_[Rate::pass_factor]));
    if (s_.parallel.world_size() > 1)
      line("links",
           fmt::format("{:.0f} GB/s inside a node of {}, {:.1f} GB/s a device between "
                       "nodes",
                       rates_[Rate::intra] / 1e9, cluster_.per_node, rates_[Rate::inter] / 1e9));
  }

  void pipeline() {
    const Parallelism& p = s_.parallel;
    if (p.pp == 1) return;
    if (p.uneven_stages())
      line("stages",
           fmt::format("{} layers in the first, {} in the last, {} in the {} between",
                       p.first_stage_layers, p.last_stage_layers,
                       s_.model->n_layers - p.first_stage_layers - p.last_stage_layers, p.pp - 2));
    constexpr const char* formulas[] = {"(p - 1)(f + b) / v", "(p - 1)(f + b - 2 w)",
                                        "(p - 1)(f + b - 3 w)"};
    line(
        "pipeline fill and drain",
        fmt::format("{}: {} with p {}, v {}, w the weight gradients of backward b; {:.0f} "
                    "micro-batches wait in the first stage",
                    enum_name(p.pipeline_schedule), formulas[static_cast<int>(p.pipeline_schedule)],
                    p.pp, p.vpp, fast::pipeline_stage(s_, 0).micro_batches_in_flight));
  }

  void exchange() {
    const Parallelism& p = s_.parallel;
    if (p.sharding != Sharding::zeropp) return;
    const ZeroPlusPlus& on = p.zeropp;
    line("zero++",
         fmt::format("bytes an element on the wire: weights forward {}, backward {}, gradients {}; "
                     "zero3 has 2, 2 and {:g}, between machines too",
                     on.qwz ? 1 : 2,
                     on.hpz   ? "2 inside machines"
                     : on.qwz ? "1"
                              : "2",
                     on.qgz ? "1/2 in two all-to-alls" : fmt::format("{:g}", s_.reduce_bytes),
                     s_.reduce_bytes));
  }

  void offload() {
    if (s_.offload_states == OffloadTo::none) return;
    line("states elsewhere",
         fmt::format("{}; the {} updates them; host link {:.1f} GB/s{}{}",
                     s_.offload_states == OffloadTo::cpu ? "in host memory" : "on local drives",
                     s_.host_optimizer ? "host" : "device", rates_[fast::Rate::host_link] / 1e9,
                     s_.host_optimizer ? fmt::format(", host memory {:.1f} GB/s a device (assumed)",
                                                     cluster_.host_memory_bandwidth / 1e9)
                                       : "",
                     s_.offload_states == OffloadTo::nvme
                         ? fmt::format(", drives {:.1f} GB/s a device each way (assumed)",
                                       cluster_.nvme_bandwidth / 1e9)
                         : ""));
  }

  void times() {
    for (const NamedPart& part : named(e_.time))
      if (std::abs(part.value) > 1e-6 * e_.time.step)
        line(fmt::format("+ {}", part.name), ms(part.value));
    line("= step", fmt::format("{} ({} to {}, 80 % of {} published runs)", ms(e_.step_time.mid),
                               ms(e_.step_time.low), ms(e_.step_time.high), e_.n_time_rows));
  }

  void memory() {
    const fast::StateBytes& b = s_.states;
    line("bytes a trained parameter",
         fmt::format("weight {:g} + gradient {:g} + master {:g} + states {:g} = {:g}, before "
                     "sharding",
                     b.weight, b.gradient, b.master, b.states, b.total()));
    for (const NamedPart& part : named(e_.memory))
      if (part.value != 0) line(fmt::format("+ {}", part.name), gib(part.value));
    line("= device memory",
         fmt::format("{} ({} to {}) of {}", gib(e_.memory.device()), gib(e_.memory_bytes.low),
                     gib(e_.memory_bytes.high), gib(e_.capacity)));
    if (e_.memory.host > 0) line("host memory", gib(e_.memory.host));
    if (e_.memory.disk > 0) line("local drives", gib(e_.memory.disk));
  }

  const fast::Setup& s_;
  const fast::Cluster& cluster_;
  const LayoutEstimate& e_;
  fast::Rates rates_;
  std::vector<Derivation> lines_;
};

}  // namespace

std::vector<Derivation> derive(const fast::Setup& setup, const fast::Cluster& cluster,
                               const fast::EngineSpec& engine, const fast::Constants& constants,
                               const LayoutEstimate& estimate) {
  return Deriver(setup, cluster, engine, constants, estimate).run();
}

}  // namespace aforo
