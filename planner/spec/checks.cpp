#include "planner/spec/checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace aforo {

std::string size_problem(const TrainingJob& job, const Plan& plan) {
  const ModelSpec& m = job.model;
  // More than lowering makes of a row: values and gradients of every tensor of a layer, all layers
  // kept, logits and their gradient, eight bytes an element; top_k copies of what experts read.
  const double mlp = std::max(1.0 * m.mlp.d_ff, 1.0 * m.moe.top_k * (m.moe.d_ff + m.d_model) +
                                                    m.moe.d_ff_shared + m.moe.n_experts);
  const double attention = m.qkv_width() + m.attention_width();
  const double widths =
      m.n_layers * (24.0 * m.d_model + 8.0 * attention + 12.0 * mlp) + 4.0 * m.vocab_size;
  const double bytes = 8.0 * plan.micro_batch_size * job.seq_len * widths;
  if (bytes < 0x1p62) return "";
  return fmt::format(
      "micro_batch_size is {} with seq_len {}; a micro-step of {} would need more than 2^62 bytes",
      plan.micro_batch_size, job.seq_len, m.name);
}

}  // namespace aforo
