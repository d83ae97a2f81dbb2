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
  const bool end = index == 0 || index == setup.parallel.pp - 1;
  if (setup.ends_count_as_layers) return std::ceil((n + 2) / p) - (end ? 1 : 0);
  return std::ceil(n / p);
}

double chunks_in_flight(const Setup& setup, int index) {
  const int p = setup.parallel.pp, v = setup.parallel.vpp, m = setup.grad_accum();
  if (setup.naive_pipeline) return 1;
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
  const double end =
      stage.last ? model.n_layers : std::min<double>(model.n_layers, layers * (index + 1));
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

}  // namespace aforo::fast
