#include "planner/explain/judge.h"

#include <fmt/format.h>

#include <cmath>

#include "planner/base/units.h"
#include "planner/fast/layer_work.h"
#include "planner/fast/weight_counts.h"
#include "planner/spec/model.h"

namespace aforo::explain {
namespace {

Verdict verdict(VerdictKind kind, const std::string& numbers) {
  constexpr const char* starts[] = {"holds here: ", "holds in part: ", "does not hold here: ", "",
                                    ""};
  return {kind, starts[static_cast<int>(kind)] + numbers};
}

/// Of two claims that come together.
VerdictKind both(bool first, bool second) {
  if (first && second) return VerdictKind::holds;
  return first || second ? VerdictKind::partly : VerdictKind::fails;
}

/// "memory -42 %", "step +31 %"
std::string change(const char* what, double before, double after) {
  const double percent = std::round(100 * (after / before - 1)) + 0.0;  // no "-0"
  return fmt::format("{} {:+.0f} %", what, percent);
}
std::string memory_change(const Effect& e) {
  return change("memory", e.was.device_bytes, e.is.device_bytes);
}
std::string step_change(const Effect& e) { return change("step", e.was.step_s, e.is.step_s); }

double peak_ratio(const Effect& e, const char* over) {
  const auto& peaks = e.before.cluster.accelerator->peak_dense;
  const auto peak = [&](const char* name) {
    const auto found = peaks.find(name);
    return found == peaks.end() ? 0.0 : found->second.value;
  };
  const double fast = peaks.contains("bf16") ? peak("bf16") : peak("fp16");
  return peak(over) > 0 ? fast / peak(over) : 0;
}

std::string peak_text(const Effect& e, const char* over) {
  const double ratio = peak_ratio(e, over);
  return ratio > 0 ? fmt::format("peaks of this card differ by {:.1f}x", ratio)
                   : fmt::format("the profile has no {} peak", over);
}

/// How many times more parameters fit into the same bytes of states on n devices, n without end.
double zero_ceiling(const fast::Setup& s) {
  const fast::StateBytes& b = s.states;
  double stays = b.weight + b.gradient;
  if (shards_gradients(s.parallel.sharding)) stays = b.weight;
  if (shards_weights(s.parallel.sharding)) return 0;
  return b.total() / stays;
}

std::string when_it_fits(const Effect& e) {
  if (!e.was.fits && e.is.fits) return "; what it brings is that the job fits";
  return "";
}

}  // namespace

Verdict judge_mixed_precision(const Effect& e) {
  const VerdictKind kind = both(e.speedup() >= 6, e.saved() >= 0.45);
  return verdict(kind, fmt::format("{:.1f}x faster than strict fp32 ({}); {}: {}; {}", e.speedup(),
                                   peak_text(e, "fp32"), memory_change(e),
                                   memory_limit(e.was, e.is), time_limit(e.was, e.is)));
}

Verdict judge_over_tf32(const Effect& e) {
  const VerdictKind kind = both(e.speedup() >= 6, e.saved() >= 0.45);
  return verdict(kind, fmt::format("{:.1f}x faster ({}); {}; {}", e.speedup(), peak_text(e, "tf32"),
                                   memory_change(e), time_limit(e.was, e.is)));
}

Verdict judge_fp8(const Effect& e) {
  const bool fast = e.speedup() >= 1.8;
  return verdict(fast ? VerdictKind::holds : VerdictKind::fails,
                 fmt::format("{:.2f}x; attention and head stay in 16 bits and casts are added: {}",
                             e.speedup(), time_limit(e.was, e.is)));
}

Verdict judge_recompute(const Effect& e) {
  const double more = e.is.step_s / e.was.step_s - 1;
  const bool quick = more <= 0.27, small = e.saved() >= 0.65;
  const bool kept = e.is.kept <= 0.35 * e.was.kept;  // some tell the claim of activations alone
  const VerdictKind kind = small && quick  ? VerdictKind::holds
                           : small || kept ? VerdictKind::partly
                                           : VerdictKind::fails;
  return verdict(kind, fmt::format("{} (kept activations {:+.0f} %), {}; {}{}", memory_change(e),
                                   100 * (e.is.kept / e.was.kept - 1), step_change(e),
                                   memory_limit(e.was, e.is), when_it_fits(e)));
}

Verdict judge_zero(const Effect& e) {
  const double smaller = e.was.states() / e.is.states();
  const VerdictKind kind = both(smaller >= 10, e.speedup() >= 9);
  const double ceiling = zero_ceiling(e.after.setup);
  const std::string limit =
      e.after.setup.method != Method::full ? std::string("adapters leave little to share")
      : ceiling > 0 ? fmt::format("at most {:.1f}x on any number of devices", ceiling)
                    : fmt::format("10x takes 10 devices, here are {}", e.after.cluster.n_devices);
  return verdict(kind, fmt::format("states {:.1f}x smaller ({}), {}, {}; {}{}", smaller, limit,
                                   memory_change(e), step_change(e), time_limit(e.was, e.is),
                                   when_it_fits(e)));
}

Verdict judge_fsdp(const Effect& e) {
  const bool fast = e.speedup() >= 1.15;
  return verdict(fast ? VerdictKind::holds : VerdictKind::fails,
                 fmt::format("{:.2f}x the speed of plain data parallelism, communication {:.0f} -> "
                             "{:.0f} % of the step; {}{}",
                             e.speedup(), 100 * communication_share(e.was),
                             100 * communication_share(e.is), memory_change(e), when_it_fits(e)));
}

Verdict judge_yafsdp(const Effect& e) {
  const double less = 1 - e.is.step_s / e.was.step_s;
  const double exposed = 100 * communication_share(e.was);
  return verdict(less >= 0.10 ? VerdictKind::holds : VerdictKind::fails,
                 fmt::format("{:.1f} % less time than FSDP, of whose step {:.0f} % is exposed "
                             "communication ({}); {}; published runs had 64 to 256 "
                             "devices, here are {}",
                             100 * less, exposed, time_gain(e.was, e.is), memory_change(e),
                             e.after.cluster.n_devices));
}

Verdict judge_8bit_optimizer(const Effect& e) {
  const double less = 1 - e.is.memory.optimizer_states / e.was.memory.optimizer_states;
  const bool matters = e.saved() >= 0.10;
  const VerdictKind kind = less < 0.7 ? VerdictKind::fails
                           : matters  ? VerdictKind::holds
                                      : VerdictKind::partly;
  return verdict(kind, fmt::format("optimizer states {:+.0f} %, whole device {:+.0f} %, {}; {}{}",
                                   -100 * less, -100 * e.saved(), step_change(e),
                                   memory_limit(e.was, e.is), when_it_fits(e)));
}

Verdict judge_offload_states(const Effect& e) {
  const double smaller = e.was.states() / e.is.states();
  return verdict(smaller >= 10 ? VerdictKind::holds : VerdictKind::fails,
                 fmt::format("states on the device {:.1f}x smaller, {}, {:.1f} GiB on the host, "
                             "{}; {}{}",
                             smaller, memory_change(e), e.is.memory.host / gibi, step_change(e),
                             time_limit(e.was, e.is), when_it_fits(e)));
}

Verdict judge_zeropp(const Effect& e) {
  const VerdictKind kind = e.speedup() >= 2      ? VerdictKind::holds
                           : e.speedup() >= 1.05 ? VerdictKind::partly
                                                 : VerdictKind::fails;
  return verdict(kind, fmt::format("exposed exchange {:.0f} -> {:.0f} ms, {}, {}; {}{}",
                                   1e3 * e.was.time.dp, 1e3 * e.is.time.dp, step_change(e),
                                   memory_change(e), time_limit(e.was, e.is), when_it_fits(e)));
}

Verdict judge_offload_nvme(const Effect& e) {
  return verdict(
      VerdictKind::unclaimed,
      fmt::format("{}, {:.1f} GiB on drives and {:.1f} GiB on the host where states on the host "
                  "take {:.1f} GiB there, {}; {}{}",
                  memory_change(e), e.is.memory.disk / gibi, e.is.memory.host / gibi,
                  e.was.memory.host / gibi, step_change(e), time_limit(e.was, e.is),
                  when_it_fits(e)));
}

Verdict judge_offload_activations(const Effect& e) {
  return verdict(
      VerdictKind::unclaimed,
      fmt::format("{}, {:.1f} GiB on the host, {}; {}{}", memory_change(e), e.is.memory.host / gibi,
                  step_change(e), time_limit(e.was, e.is), when_it_fits(e)));
}

Verdict judge_lora(const Effect& e) {
  const double fewer = trained_parameters(e.before.setup) / trained_parameters(e.after.setup);
  const double less = e.was.device_bytes / e.is.device_bytes;
  const VerdictKind kind = both(fewer >= 1e4, less >= 3);
  return verdict(kind, fmt::format("{:.0f}x fewer trained parameters ({:.2f} %), memory {:.1f}x "
                                   "less, step {:+.0f} %; {}{}",
                                   fewer, 100 / fewer, less, 100 * (e.is.step_s / e.was.step_s - 1),
                                   memory_limit(e.was, e.is), when_it_fits(e)));
}

Verdict judge_qlora(const Effect& e) {
  const double n_params = static_cast<double>(count_parameters(*e.after.setup.model).total());
  const bool shared = shards_weights(e.after.setup.parallel.sharding);
  const double weights = e.is.memory.weights * (shared ? e.after.setup.parallel.dp : 1);
  // 65B of Llama: 64.8e9 in quantized matrices, 0.5e9 in embedding and head of 16 bits.
  const double of_65b = 64.8e9 * e.after.setup.frozen_bytes + 0.5e9 * 2;
  return verdict(e.is.fits ? VerdictKind::holds : VerdictKind::fails,
                 fmt::format("one card of {:.0f} GiB {}: {:.1f} -> {:.1f} GiB, {:.2f} bytes a "
                             "parameter (embedding and head stay in 16 bits); 65B take {:.0f} of "
                             "48 GB so; {}",
                             e.is.capacity_bytes / gibi, e.is.fits ? "does" : "does not do",
                             e.was.device_bytes / gibi, e.is.device_bytes / gibi,
                             weights / n_params, of_65b / 1e9, step_change(e)));
}

Verdict judge_more_devices(const Effect& e) {
  const double n = static_cast<double>(e.after.cluster.n_devices) / e.before.cluster.n_devices;
  const double share = e.speedup() / n;
  const VerdictKind kind = share >= 0.95  ? VerdictKind::holds
                           : share >= 0.8 ? VerdictKind::partly
                                          : VerdictKind::fails;
  return verdict(kind, fmt::format("{:.2f}x the speed for {:.0f}x the devices ({:.0f} %): {}",
                                   e.speedup(), n, 100 * share, scaling_limit(e.was, e.is, n)));
}

double trained_parameters(const fast::Setup& setup) {
  if (setup.method == Method::full)
    return static_cast<double>(count_parameters(*setup.model).total());
  fast::Setup whole = setup;
  whole.parallel = {};
  const fast::LayerCounts layers = fast::layer_counts(*setup.model);
  double n = layers.dense * fast::layer_weights(whole, false).adapters;
  if (layers.moe > 0) n += layers.moe * fast::layer_weights(whole, true).adapters;
  return n;
}

}  // namespace aforo::explain
