#include <fmt/format.h>

#include <cmath>

#include "planner/fast/layer_work.h"
#include "planner/search/layout_estimate.h"

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
