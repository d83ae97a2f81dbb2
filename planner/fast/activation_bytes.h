#pragma once
// What one layer keeps of its forward pass for its backward pass, and what is live while the
// backward pass runs. Bytes of one device for one micro-batch.

#include "planner/fast/engine.h"
#include "planner/fast/setup.h"

namespace aforo::fast {

struct LayerActivations {
  double input = 0;    ///< all that is kept with full recomputation
  double kept = 0;     ///< under the setup's selective recomputation
  double all = 0;      ///< without recomputation
  double working = 0;  ///< gradients of activations live at once in backward
};

/// Sums what each operator saves. With d_model d, tokens T, two bytes an element, no parallelism:
///
///   GPT with dropout, unfused attention of a heads:  T (34 d + 5 a s)     Korthikanti, table 2
///   Llama, fused, no dropout:   T (8 d + 2 (2 q + 2 kv) + 6 d_ff + 4 a)   flash attention
///
/// Tensor parallelism divides the widths of heads and d_ff, sequence parallelism the rest too.
LayerActivations layer_activations(const Setup& setup, const MemoryStyle& style, bool moe_layer);

/// Tokens of one micro-batch on one device (context parallelism splits sequences).
inline double tokens_of(const Setup& setup) {
  return static_cast<double>(setup.micro_batch_size) * setup.seq_len / setup.parallel.cp;
}

}  // namespace aforo::fast
