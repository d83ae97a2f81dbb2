#include "planner/fast/pipeline_stage.h"

#include <algorithm>
#include <cmath>

namespace aforo::fast {
namespace {

/// Layers with experts among the first n.
double experts_before(const ModelSpec& model, double n) {
  if (!model.is_moe()) return 0;
  return std::floor(std::max(0.0, n - model.moe.first_dense_layers) / model.moe.every);
}

double layers_of_stage(const Setup& setup, int index) {
  const double n = setup.model->n_layers, p = setup.parallel.pp;
  if (p == 1) return n;
  const Parallelism& parallel = setup.parallel;
  const bool end = index == 0 || index == parallel.pp - 1;
  if (parallel.uneven_stages()) {
    if (end) return index == 0 ? parallel.first_stage_layers : parallel.last_stage_layers;
    return (n - parallel.first_stage_layers - parallel.last_stage_layers) / (p - 2);
  }
  if (setup.ends_count_as_layers) return std::ceil((n + 2) / p) - (end ? 1 : 0);
  return std::ceil(n / p);
}

double chunks_in_flight(const Setup& setup, int index) {
  const int p = setup.parallel.pp, v = setup.parallel.vpp, m = setup.grad_accum();
  if (setup.naive_pipeline) return 1;
  if (setup.parallel.pipeline_schedule == PipelineSchedule::zb_h1) return std::min(m, p);
  if (setup.parallel.pipeline_schedule == PipelineSchedule::zb_h2) return std::min(m, 2 * p - 1);
  if (v == 1) return std::min(m, p - index);
  const int group = m % p == 0 ? p : m;
  return std::min(m * v, 2 * (p - index - 1) + (v - 1) * group + 1);
}

}  // namespace

PipelineStage pipeline_stage(const Setup& setup, int index) {
  const ModelSpec& model = *setup.model;
  PipelineStage stage;
  stage.first = index == 0;
  stage.last = index == setup.parallel.pp - 1;
  const double layers = layers_of_stage(setup, index);
  const int first = setup.parallel.first_stage_layers;
  const double before = first > 0 && index > 0 ? first + layers * (index - 1) : layers * index;
  const double end =
      stage.last ? model.n_layers : std::min<double>(model.n_layers, before + layers);
  stage.moe = experts_before(model, end) - experts_before(model, end - layers);
  stage.dense = layers - stage.moe;
  const double chunks = chunks_in_flight(setup, index);
  const double v = setup.naive_pipeline ? 1 : setup.parallel.vpp;
  stage.micro_batches_in_flight = chunks;
  double in_flight = chunks / v;
  if (stage.last && setup.ends_count_as_layers && v > 1)  // the head's chunk has a layer less
    in_flight = std::max(0.0, chunks * (layers + 1) / v - 1) / std::max(1.0, layers);
  stage.in_flight_dense = in_flight * stage.dense;
  stage.in_flight_moe = in_flight * stage.moe;
  return stage;
}

/// Where layers divide only with embedding and head counted as one each, the last stage has one
/// layer less.
double slowest_stage(const Setup& setup, double average, double head) {
  const Parallelism& p = setup.parallel;
  if (p.pp == 1) return average + head;
  const int n_layers = setup.model->n_layers;
  const double n = n_layers, layer = average * p.pp / n;
  if (p.uneven_stages()) {
    const double first = layers_of_stage(setup, 0), last = layers_of_stage(setup, p.pp - 1);
    const double between = p.pp > 2 ? layers_of_stage(setup, 1) : 0;
    return std::max(std::max(first, between) * layer, last * layer + head);
  }
  if (n_layers % p.pp != 0 && (n_layers + 2) % p.pp == 0) {
    const double most = (n + 2) / p.pp;
    return std::max(most * layer, (most - 1) * layer + head);
  }
  return std::max(std::ceil(n / p.pp) * layer, average + head);
}

double drained(const Setup& setup, double busy, double weight_gradients) {
  const Parallelism& p = setup.parallel;
  const double one = (p.pp - 1.0) / p.vpp;
  if (p.pipeline_schedule == PipelineSchedule::one_f_one_b) return one * busy;
  const double moved = p.pipeline_schedule == PipelineSchedule::zb_h1 ? 2 : 3;
  return one * std::max(0.0, busy - moved * weight_gradients);
}

}  // namespace aforo::fast
