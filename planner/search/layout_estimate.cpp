#include "planner/search/layout_estimate.h"

#include <fmt/format.h>

#include <algorithm>

namespace aforo {
namespace {

Interval interval(double mid, const fast::ErrorRange& range) {
  return {mid * range.low, mid, mid * range.high};
}

Interval scaled(const Interval& value, double factor) {
  return {value.low * factor, value.mid * factor, value.high * factor};
}

/// The largest parts with their shares, three at most, those under a tenth left out.
std::string largest(std::vector<NamedPart> parts) {
  double sum = 0;
  for (const NamedPart& part : parts) sum += std::max(0.0, part.value);
  std::sort(parts.begin(), parts.end(),
            [](const NamedPart& a, const NamedPart& b) { return a.value > b.value; });
  std::string out;
  for (std::size_t i = 0; i < std::min<std::size_t>(3, parts.size()); ++i) {
    const double share = sum > 0 ? parts[i].value / sum : 0;
    if (share < 0.1 && i > 0) break;
    out += fmt::format("{}{} {:.0f} %", out.empty() ? "" : ", ", parts[i].name, 100 * share);
  }
  return out;
}

double peak_of(const fast::Setup& setup, const AcceleratorSpec& card) {
  constexpr const char* names[] = {"fp32", "tf32", "fp16", "bf16", "fp8", "fp4"};
  const auto found = card.peak_dense.find(names[static_cast<int>(setup.matrix)]);
  if (found != card.peak_dense.end()) return found->second.value;
  double most = 0;
  for (const auto& [type, rate] : card.peak_dense) most = std::max(most, rate.value);
  return most;
}

void set_utilisation(const TrainingJob& job, const fast::Setup& setup, const fast::Cluster& cluster,
                     LayoutEstimate& e) {
  const double tokens = static_cast<double>(job.tokens_per_step());
  const double offered = e.step_time.mid * peak_of(setup, *cluster.accelerator) * cluster.n_devices;
  const FlopsPerToken flops = flops_per_token(job.model, job.seq_len);
  e.mfu_causal = flops.causal * tokens / offered;
  e.mfu_full = flops.full_square * tokens / offered;
  e.hfu = e.time.hardware_flops * cluster.n_devices / offered;
}

}  // namespace

std::vector<NamedPart> named(const fast::TimeParts& t) {
  return {{"matrix products", t.products},
          {"attention", t.attention},
          {"passes", t.passes},
          {"recomputation", t.recompute},
          {"head and loss", t.head},
          {"waiting for the host", t.host},
          {"pipeline bubble", t.bubble},
          {"tensor-parallel exchange", t.tp},
          {"context-parallel exchange", t.cp},
          {"expert exchange", t.ep},
          {"pipeline transfers", t.pp},
          {"gradient and weight exchange", t.dp},
          {"optimizer", t.optimizer},
          {"offloading", t.offload},
          {"fixed", t.fixed}};
}

std::vector<NamedPart> named(const fast::MemoryParts& m) {
  return {{"weights", m.weights},
          {"master weights", m.master},
          {"optimizer states", m.optimizer_states},
          {"gradients", m.gradients},
          {"gathered weights", m.gathered},
          {"activations", m.activations},
          {"working set", m.working},
          {"logits and loss", m.logits},
          {"workspaces", m.workspace},
          {"allocator slack", m.slack + m.cache},
          {"context and libraries", m.context}};
}

LayoutEstimate estimate_layout(const TrainingJob& job, const fast::Setup& setup,
                               const fast::Cluster& cluster, const fast::EngineSpec& engine,
                               const fast::Constants& constants,
                               const fast::PublishedRanges& ranges) {
  LayoutEstimate e;
  const fast::Rates rates = fast::rate_recipe(constants, cluster, engine).rates(constants);
  e.time = fast::time_parts(setup, cluster, rates);
  const fast::ErrorRange& time = fast::range_of(ranges.time, engine.name);
  e.n_time_rows = time.n_rows;
  e.step_time = interval(e.time.step, time);
  const double tokens = static_cast<double>(job.tokens_per_step());
  e.tokens_per_second = {tokens / e.step_time.high, tokens / e.step_time.mid,
                         tokens / e.step_time.low};
  e.hours = scaled(e.step_time, static_cast<double>(job.n_steps()) / 3600);
  e.device_hours = scaled(e.hours, cluster.n_devices);
  e.memory = fast::memory_parts(setup, engine);
  e.memory_bytes = interval(e.memory.required(), fast::range_of(ranges.memory, engine.name));
  e.capacity = static_cast<double>(cluster.accelerator->usable_memory.value);
  e.verdict = e.memory_bytes.mid > e.capacity                          ? Verdict::too_big
              : e.memory_bytes.mid > (1 - tight_headroom) * e.capacity ? Verdict::tight
                                                                       : Verdict::fits;
  e.limited_by = largest(named(e.time));
  e.memory_limited_by = largest(named(e.memory));
  set_utilisation(job, setup, cluster, e);
  return e;
}

}  // namespace aforo
