#include "planner/spec/checks.h"

#include <fmt/format.h>

namespace aforo {

std::string size_problem(const TrainingJob& job, const Plan& plan) {
  const ModelSpec& m = job.model;
  // More than lowering makes of a row: values and gradients of every tensor of a layer, all layers
  // kept, logits and their gradient, eight bytes an element.
  const double widths = m.n_layers * (24.0 * m.d_model + 8.0 * m.qkv_width() + 12.0 * m.mlp.d_ff) +
                        4.0 * m.vocab_size;
  const double bytes = 8.0 * plan.micro_batch_size * job.seq_len * widths;
  if (bytes < 0x1p62) return "";
  return fmt::format(
      "micro_batch_size is {} with seq_len {}; a micro-step of {} would need more than 2^62 bytes",
      plan.micro_batch_size, job.seq_len, m.name);
}

}  // namespace aforo
