#pragma once
// What the field's best-known closed form says about memory, to stand beside our own estimates.
// Source: Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models",
// arXiv 2205.05198, table 2 and section 4.2.3.

#include <cstdint>

#include "planner/base/units.h"

namespace aforo::baselines {

/// A GPT with d_ff = 4 d_model, GELU and dropout in 16 bits, under Megatron's layouts.
struct KorthikantiCase {
  std::int64_t n_layers = 0, d_model = 0, n_heads = 0, seq_len = 0;
  std::int64_t micro_batch_size = 1;
  std::int64_t tp = 1, pp = 1;
  std::int64_t interleave = 1;  ///< model chunks a pipeline stage holds
};

enum class KorthikantiMethod {
  tensor_parallel,              ///< s b h (10 + 24/t + 5 a s / (h t)) a layer
  sequence_parallel,            ///< s b h (34 + 5 a s / h) / t
  sequence_parallel_selective,  ///< 34 s b h / t: attention is computed again
  full_recompute,               ///< 2 s b h: only the inputs of layers are kept
};

/// Activations of the first pipeline stage, which has n_layers (1 + (p - 1) / (p v)) of them in
/// flight with an interleaved schedule of p stages and v chunks. The last terms of the paper
/// (embedding, output) are left out, as in its figure 1.
Bytes korthikanti_activations(const KorthikantiCase& c, KorthikantiMethod method);

/// Weights, gradients and Adam's states: 18 bytes for each of the 12 L h^2 / (t p) parameters of
/// the layers.
Bytes korthikanti_states(const KorthikantiCase& c);

}  // namespace aforo::baselines
