#pragma once
// How a job is laid out. Nothing here changes what is learned, except the precision recipe's
// rounding.

#include <string>
#include <string_view>
#include <vector>

#include "planner/base/dtype.h"

namespace aforo {

/// fp32: everything in fp32.  bf16, fp16: matrices, embeddings and activations in 16 bits, norms
/// and biases in fp32, fp32 master weights, gradients and optimizer states; fp16 adds dynamic loss
/// scaling.
enum class Precision { fp32, bf16, fp16 };

/// What a layer's backward pass computes again instead of keeping.
///   none       keeps everything that a gradient needs
///   selective  computes norms and activation functions again; keeps matrix products and attention
///   full       keeps the layer's input only
enum class Recompute { none, selective, full };

struct Plan {
  Precision precision = Precision::bf16;
  std::vector<Recompute> recompute;  ///< one per layer
  int micro_batch_size = 1;          ///< sequences per device and micro-step
  int dp = 1;                        ///< data-parallel ranks

  /// Micro-steps per optimizer step for a job of `global_batch_size` sequences.
  int grad_accum(int global_batch_size) const {
    return global_batch_size / (micro_batch_size * dp);
  }

  bool operator==(const Plan&) const = default;
};

/// Where each kind of tensor is kept under a precision.
struct PrecisionRecipe {
  Dtype compute;        ///< activations and the weights that matrix products read
  bool master_weights;  ///< fp32 copy that the optimizer updates
  bool loss_scaling;
};
PrecisionRecipe recipe_of(Precision precision);

/// "none", "selective", "full", or runs such as "full x12, none x20", front layers first.
std::string describe_recompute(const std::vector<Recompute>& recompute);

/// Reads what describe_recompute writes, for `n_layers` layers; also "every 4": full on layers 0,
/// 4, 8, ..., none on the others. Throws InputError.
std::vector<Recompute> parse_recompute(const std::string& text, int n_layers);

}  // namespace aforo
