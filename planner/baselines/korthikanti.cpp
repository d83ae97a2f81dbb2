#include "planner/baselines/korthikanti.h"

#include <cmath>

namespace aforo::baselines {
namespace {

double as_double(std::int64_t value) { return static_cast<double>(value); }

Bytes rounded(double bytes) { return Bytes(std::llround(bytes)); }

/// Bytes a layer keeps for each of its s b h activations.
double bytes_per_element(const KorthikantiCase& c, KorthikantiMethod method) {
  const double t = as_double(c.tp);
  const double attention = 5 * as_double(c.n_heads) * as_double(c.seq_len) / as_double(c.d_model);
  switch (method) {
    case KorthikantiMethod::tensor_parallel:
      return 10 + 24 / t + attention / t;
    case KorthikantiMethod::sequence_parallel:
      return (34 + attention) / t;
    case KorthikantiMethod::sequence_parallel_selective:
      return 34 / t;
    case KorthikantiMethod::full_recompute:
      return 2;
  }
  return 0;
}

}  // namespace

Bytes korthikanti_activations(const KorthikantiCase& c, KorthikantiMethod method) {
  const double elements =
      as_double(c.seq_len) * as_double(c.micro_batch_size) * as_double(c.d_model);
  const double stages = as_double(c.pp), chunks = as_double(c.interleave);
  const double layers = as_double(c.n_layers) *
                        (c.pp == 1 || c.interleave == 1 ? 1 : 1 + (stages - 1) / (stages * chunks));
  return rounded(elements * layers * bytes_per_element(c, method));
}

Bytes korthikanti_states(const KorthikantiCase& c) {
  const double d_model = as_double(c.d_model);
  const double parameters = 12 * as_double(c.n_layers) * d_model * d_model;
  return rounded(18 * parameters / as_double(c.tp * c.pp));
}

}  // namespace aforo::baselines
