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
///   zeropp  spelled zero++: as zero3 with less on the wire (DeepSpeed ZeRO++; see ZeroPlusPlus)
enum class Sharding { ddp, zero1, zero2, zero3, fsdp, hsdp, yafsdp, zeropp };

constexpr bool shards_weights(Sharding s) { return s >= Sharding::zero3; }
constexpr bool shards_gradients(Sharding s) { return s >= Sharding::zero2; }
constexpr bool shards_states(Sharding s) { return s >= Sharding::zero1; }

/// The parts of ZeRO++, by DeepSpeed's names; each works without the others. Source: Wang et al.
/// 2023, arXiv 2306.10209.
struct ZeroPlusPlus {
  bool qwz = true;  ///< zero_quantized_weights: weights travel in 8 bits with a scale a block
  bool hpz = true;  ///< zero_hpz_partition_size: a second copy of the weights is spread over
                    ///< `shard_group` ranks only, so that backward gathers inside a machine
  bool qgz = true;  ///< zero_quantized_gradients: gradients travel in 4 bits, by all-to-all
  bool operator==(const ZeroPlusPlus&) const = default;
};

/// In which order a pipeline's stages run forward and backward passes.
///   1f1b   one forward, one backward; with vpp above 1 interleaved (Narayanan et al. 2021)
///   zb_h1  weight gradients fill the drain; memory as 1f1b (Qi et al. 2023; ZB1P in PyTorch)
///   zb_h2  and the fill too, at twice the activations
enum class PipelineSchedule { one_f_one_b, zb_h1, zb_h2 };

/// Where a kind of tensor waits while it is not needed.
enum class OffloadTo { none, cpu, nvme };

/// What runs in parallel. world size = dp x tp x pp x cp; ep and the expert shards live inside
/// dp x cp (x tp for the experts' tensor parallelism).
struct Parallelism {
  int dp = 1, tp = 1, pp = 1, cp = 1, ep = 1;
  int vpp = 1;                     ///< model chunks a pipeline stage holds (interleaving)
  bool sequence_parallel = false;  ///< norms and residuals sharded over tp as well
  Sharding sharding = Sharding::ddp;
  int shard_group = 0;  ///< ranks of one hsdp group or secondary zero++ copy; 0: one machine
  ZeroPlusPlus zeropp;  ///< of sharding zero++ alone
  bool reshard_after_forward =
      true;  ///< zero3, fsdp, hsdp: weights are gathered again for backward
  PipelineSchedule pipeline_schedule = PipelineSchedule::one_f_one_b;
  int first_stage_layers = 0;  ///< of a pipeline whose ends differ; 0: as even as it gets
  int last_stage_layers = 0;
  bool uneven_stages() const { return first_stage_layers > 0 || last_stage_layers > 0; }
  int world_size() const { return dp * tp * pp * cp; }
  bool operator==(const Parallelism&) const = default;
};

/// What is wrong with first_stage_layers and last_stage_layers for `n_layers` layers; "" if every
/// stage between them gets the same number, at least one. Both or neither have to be given.
std::string stage_problem(const Parallelism& p, int n_layers);

/// "qwz, hpz": the parts of ZeRO++ that are on; "none" without any.
std::string describe(const ZeroPlusPlus& parts);
/// Reads a list of qwz, hpz and qgz. Throws InputError.
ZeroPlusPlus parse_zeropp(const std::string& text);

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
