#include "planner/validate/rivals.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "planner/baselines/korthikanti.h"
#include "planner/fast/layer_work.h"
#include "planner/fast/rates.h"
#include "planner/validate/statistics.h"

namespace aforo::validate {
namespace {

double peak_of(const Case& c) {
  const auto find = [&](const char* type, double otherwise) {
    return fast::peak_or(*c.cluster.accelerator, type, otherwise);
  };
  const double bf16 = find("bf16", find("fp16", 1e12));
  using fast::MatrixType;
  switch (c.setup.matrix) {
    case MatrixType::fp32:
      return find("fp32", bf16 / 8);
    case MatrixType::tf32:
      return find("tf32", bf16 / 2);
    case MatrixType::fp8:
    case MatrixType::fp4:
      return find("fp8", bf16);
    default:
      return bf16;
  }
}

std::vector<double> over_share(const std::deque<Case>& cases,
                               const std::map<std::string, double>& share, bool by_card) {
  std::vector<double> times;
  for (const Case& c : cases) {
    const bool known = c.problem.empty();
    const std::string key = by_card && known ? c.cluster.accelerator->name : "";
    times.push_back(known ? ideal_step_time(c) / share.at(key) : 0);
  }
  return times;
}

/// The median share of the ideal that the measured rows reach, by card or all together.
std::map<std::string, double> reached_shares(const std::deque<Case>& cases, bool by_card) {
  std::map<std::string, std::vector<double>> reached;
  for (const Case& c : cases) {
    if (!c.problem.empty()) continue;
    const std::string key = by_card ? c.cluster.accelerator->name : "";
    reached[key];
    if (const auto measured = c.run->step_time())
      reached[key].push_back(ideal_step_time(c) / *measured);
  }
  std::map<std::string, double> shares;
  for (const auto& [key, values] : reached)
    shares[key] = values.empty() ? 0.4 : quantile(values, 0.5);
  return shares;
}

/// Efficiency of a product by its size, as the shipped systems of Calculon have it.
double stepped_efficiency(double flops) {
  if (flops >= 128e9) return 0.95;
  if (flops >= 16e9) return 0.9;
  return flops >= 1e9 ? 0.6 : 0.1;
}

double calculon_layer(const Case& c, const fast::LayerWork& work) {
  const double peak = peak_of(c), bandwidth = 0.9 * c.cluster.accelerator->memory_bandwidth.value;
  double time = 0;
  for (int i = 0; i < work.n_products; ++i) {
    const fast::Product& p = work.products[i];
    const double flops = 2 * p.batch * p.m * p.n * p.k;
    time += flops / (peak * stepped_efficiency(flops)) +
            2 * p.batch * (p.m * p.k + p.k * p.n + p.m * p.n) / bandwidth;
  }
  time += work.attention_flops / (peak * stepped_efficiency(work.attention_flops));
  const double elements = work.norm_elements + work.activation_elements + work.core_elements;
  return time + 2 * (elements + 4 * work.score_elements) / bandwidth;
}

double calculon_time(const Case& c) {
  const fast::Setup& s = c.setup;
  const Parallelism& p = s.parallel;
  const double layers = static_cast<double>(c.model.n_layers) / p.pp;
  const double forward = layers * calculon_layer(c, fast::layer_work(s, c.model.is_moe()));
  const double again = s.recompute.full_layers > 0 ? forward : 0;
  const double message = 2 * fast::local_tokens(s) * c.model.d_model;
  const double passes = again > 0 ? 3 : 2;
  const double inside = 0.65 * c.cluster.accelerator->link.bandwidth.value;
  const double tp =
      p.tp > 1 && inside > 0 ? layers * 2 * passes * 2 * message * (p.tp - 1) / p.tp / inside : 0;
  const double micro = 3 * forward + again + tp;
  const double bubble = static_cast<double>(p.pp - 1) / p.vpp;
  const double parameters =
      static_cast<double>(count_active_parameters(c.model).with_embedding) / (p.tp * p.pp);
  const bool one_node = c.cluster.n_devices <= c.cluster.per_node;
  const double wire = one_node && inside > 0 ? inside : 0.9 * c.cluster.inter_bandwidth;
  const double dp = p.dp > 1 ? 2 * 2 * parameters * (p.dp - 1) / p.dp / wire : 0;
  return (s.grad_accum() + bubble) * micro + dp;
}

}  // namespace

double ideal_step_time(const Case& c) {
  const double parameters = static_cast<double>(count_active_parameters(c.model).with_embedding);
  return 6 * parameters * static_cast<double>(c.setup.tokens_per_step()) /
         (c.cluster.n_devices * peak_of(c));
}

std::vector<RivalTimes> rival_times(const std::deque<Case>& cases) {
  std::vector<RivalTimes> rivals;
  rivals.push_back(
      {"one_mfu", "one MFU for all", over_share(cases, reached_shares(cases, false), false)});
  rivals.push_back(
      {"mfu_per_card", "one MFU per card", over_share(cases, reached_shares(cases, true), true)});
  rivals.push_back({"six_nd", "6ND at 40 %", over_share(cases, {{"", 0.4}}, false)});
  RivalTimes calculon{"calculon_like", "Calculon-like", {}};
  for (const Case& c : cases)
    calculon.step_time.push_back(c.problem.empty() ? calculon_time(c) : 0);
  rivals.push_back(std::move(calculon));
  return rivals;
}

double korthikanti_like_gib(const Case& c) {
  const fast::Setup& s = c.setup;
  const Parallelism& p = s.parallel;
  const double parameters = static_cast<double>(count_parameters(c.model).total()) / (p.tp * p.pp);
  const double shards = p.dp * p.cp;
  double bytes = 18 * parameters;
  if (shards_states(p.sharding)) bytes = parameters * (6 + 12 / shards);
  if (shards_gradients(p.sharding)) bytes = parameters * (2 + 16 / shards);
  if (shards_weights(p.sharding)) bytes = parameters * 18 / shards;
  if (s.method != Method::full) bytes = 2 * parameters;
  const baselines::KorthikantiCase shape{c.model.n_layers,
                                         c.model.d_model,
                                         c.model.attention.n_heads,
                                         s.seq_len / p.cp,
                                         s.micro_batch_size,
                                         p.tp,
                                         p.pp,
                                         p.vpp};
  using baselines::KorthikantiMethod;
  const KorthikantiMethod method = s.recompute.full_layers > 0 ? KorthikantiMethod::full_recompute
                                   : s.flash_attention
                                       ? KorthikantiMethod::sequence_parallel_selective
                                       : KorthikantiMethod::sequence_parallel;
  return (bytes + static_cast<double>(korthikanti_activations(shape, method).value)) / gibi;
}

}  // namespace aforo::validate
