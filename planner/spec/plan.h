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
/// tf32, fp8, fp4: as fp32 and bf16, with the layers' matrix products in the narrower type. The
/// native runtime does not execute these three yet.
enum class Precision { fp32, bf16, fp16, tf32, fp8, fp4 };

/// What a layer's backward pass computes again instead of keeping.
///   none       keeps everything that a gradient needs
///   selective  computes norms and activation functions again; keeps matrix products and attention
///   full       keeps the layer's input only
enum class Recompute { none, selective, full };

/// How model states are spread over the data-parallel ranks.
///   ddp     every rank holds everything; gradients are all-reduced
///   zero1   optimizer states and master weights are sharded
///   zero2   gradients too
///   zero3   weights too, gathered layer by layer (DeepSpeed)
///   fsdp    as zero3, as PyTorch does it; hsdp: sharded inside a group, replicated across groups
///   yafsdp  as zero3 with two flat buffers for weights and two for gradients
enum class Sharding { ddp, zero1, zero2, zero3, fsdp, hsdp, yafsdp };

constexpr bool shards_weights(Sharding s) { return s >= Sharding::zero3; }
constexpr bool shards_gradients(Sharding s) { return s >= Sharding::zero2; }
constexpr bool shards_states(Sharding s) { return s >= Sharding::zero1; }

/// Where a kind of tensor waits while it is not needed.
enum class OffloadTo { none, cpu, nvme };

/// What runs in parallel. world size = dp x tp x pp x cp; ep and the expert shards live inside
/// dp x cp (x tp for the experts' tensor parallelism).
struct Parallelism {
  int dp = 1, tp = 1, pp = 1, cp = 1, ep = 1;
  int vpp = 1;                     ///< model chunks a pipeline stage holds (interleaving)
  bool sequence_parallel = false;  ///< norms and residuals sharded over tp as well
  Sharding sharding = Sharding::ddp;
  int shard_group = 0;  ///< ranks of one hsdp group; 0: one machine
  bool reshard_after_forward = true;  ///< zero3, fsdp, hsdp: weights are gathered again for backward
  int world_size() const { return dp * tp * pp * cp; }
  bool operator==(const Parallelism&) const = default;
};

struct Plan {
  Precision precision = Precision::bf16;
  std::vector<Recompute> recompute;  ///< one per layer
  int micro_batch_size = 1;          ///< sequences per device and micro-step
  Parallelism parallel;
  std::string engine = "native";                    ///< who runs it: a name in profiles/engines
  OffloadTo offload_states = OffloadTo::none;       ///< optimizer states and master weights
  OffloadTo offload_activations = OffloadTo::none;  ///< what layers keep for backward
  /// Sums over micro-batches and ranks in an order that belongs to the job: native gives the same
  /// bits for every dp and sharding, at a reduction each micro-step.
  bool deterministic = false;

  /// Micro-steps per optimizer step for a job of `global_batch_size` sequences.
  int grad_accum(int global_batch_size) const {
    return global_batch_size / (micro_batch_size * parallel.dp);
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
