#pragma once
// One training configuration in the form that the fast evaluation reads: everything that decides
// memory and time, whatever engine runs it. Plain data; a search copies millions of them.

#include <cmath>
#include <cstdint>

#include "planner/spec/job.h"
#include "planner/spec/model.h"
#include "planner/spec/plan.h"

namespace aforo::fast {

/// What the matrix units multiply. Accumulation is fp32; fp8 and fp4 concern the layers' products,
/// attention and head stay in 16 bits.
enum class MatrixType { fp32, tf32, fp16, bf16, fp8, fp4 };

/// Bytes per trained parameter. `weight` is the copy that products read, 0 where it is cast from
/// the master in flight; `master` is the fp32 copy the optimizer updates; `gradient` what is kept
/// until the optimizer has run; `states` the optimizer's.
struct StateBytes {
  double weight = 2, gradient = 4, master = 4, states = 8;
  double total() const { return weight + gradient + master + states; }
};

/// Adam under the usual recipes.
constexpr StateBytes mixed_states{2, 4, 4, 8};         ///< Megatron, native: 18
constexpr StateBytes zero_states{2, 2, 4, 8};          ///< the ZeRO paper, DeepSpeed: 16
constexpr StateBytes fp32_sharded_states{0, 4, 4, 8};  ///< fp32 parameters, cast in flight: 16
constexpr StateBytes pure_16bit_states{2, 2, 0, 4};    ///< everything in 16 bits: 8

/// What a layer computes again in backward, by part.
struct RecomputeCounts {
  int full_layers = 0;              ///< whole layers
  int plain_layers = 0;             ///< nothing, although the other layers compute parts again
  bool attention_core = false;      ///< in the other layers: scores and softmax (unfused attention)
  bool norm = false;                ///< in the other layers: norms
  bool activation = false;          ///< in the other layers: the MLP's activation
  bool mlp_up = false;              ///< in the other layers: the first MLP product too
  bool qkv = false;                 ///< in the other layers: the products in front of attention
  bool out = false;                 ///< in the other layers: the product behind attention
  bool alternate_products = false;  ///< in the other layers: every second product (torch SAC)
};

/// What is trained beside frozen weights: low-rank matrices; scales and biases of every product's
/// output (adapter v2); prompts that attention reads (adapter v1).
enum class AdapterKind { low_rank, scale, prompt };

/// What the card brings to the account of memory.
struct DeviceLimits {
  double memory = 0;                       ///< bytes; 0: unknown
  int per_node = 8;                        ///< devices of one machine
  double context = 0.6 * (1 << 30);        ///< driver context and modules
  double gemm_workspace = 32 * (1 << 20);  ///< of one cuBLAS handle: 8.1 MiB before Hopper
};

struct Setup {
  const ModelSpec* model = nullptr;
  Method method = Method::full;
  LoraSpec lora;
  int seq_len = 0;
  const ExamplesSpec* examples = nullptr;  ///< of the job, if it has padded ones
  int document_len = 0;       ///< tokens that attend to each other in a packed sequence; 0: all
  std::int64_t vocab = 0;     ///< as padded by the engine; 0: the model's
  int global_batch_size = 0;  ///< sequences
  int micro_batch_size = 1;
  OptimizerKind optimizer = OptimizerKind::adamw;
  MatrixType matrix = MatrixType::bf16;
  StateBytes states = mixed_states;
  double reduce_bytes = 4;  ///< of a gradient element on the wire
  double frozen_bytes = 2;  ///< per frozen parameter (LoRA); NF4 with block scales about 0.56
  Parallelism parallel;
  RecomputeCounts recompute;
  bool flash_attention = true;
  bool compiled = false;  ///< the framework's compiler fuses passes
  bool cuda_graphs = false;
  bool deep_ep = false;         ///< tokens go once to each machine of their experts (DeepEP)
  bool quantized_fp32 = false;  ///< products with NF4 weights, norms and residuals are fp32
  bool whole_gradient_sends =
      false;                ///< every tensor-parallel rank sends gradients between stages whole
  bool fused_loss = false;  ///< logits are never kept in full
  bool optimizer_in_backward = false;
  bool dropout = false;
  OffloadTo offload_activations = OffloadTo::none;
  bool offload_inputs_only = false;  ///< of activations, only the inputs of layers
  OffloadTo offload_states = OffloadTo::none;
  OffloadTo offload_weights = OffloadTo::none;
  OffloadTo offload_gradients = OffloadTo::none;
  bool host_optimizer = false;  ///< the host updates what waits there; else it comes back first

  // What only memory depends on.
  int style = 0;                      ///< of the engine's ways to write a layer, EngineSpec::style
  int report_stage = -1;              ///< the pipeline stage asked about; -1: the fullest
  bool naive_pipeline = false;        ///< stages take turns: one micro-batch in flight
  bool ends_count_as_layers = false;  ///< stages are cut as if embedding and head were layers
  int loss_chunks = 1;                ///< the head runs over one part of the tokens at a time
  int expert_tp = 0;                  ///< tensor parallelism of experts; 0: tp
  double unquantized_bytes = 2;       ///< per frozen parameter outside the quantized matrices
  AdapterKind adapter = AdapterKind::low_rank;
  bool variable_lengths = false;  ///< sequences of a run differ; seq_len is the longest
  bool deterministic = false;     ///< matrix products with the large, fixed workspace
  DeviceLimits device;

  std::int64_t vocab_size() const { return vocab > 0 ? vocab : model->vocab_size; }
  int grad_accum() const {
    const std::int64_t per_step = static_cast<std::int64_t>(micro_batch_size) * parallel.dp;
    const std::int64_t n = global_batch_size / per_step;
    return n < 1 ? 1 : static_cast<int>(n);
  }
  /// Tokens learned from.
  std::int64_t tokens_per_step() const {
    if (examples != nullptr)
      return static_cast<std::int64_t>(examples->mean() * global_batch_size + 0.5);
    return static_cast<std::int64_t>(seq_len) * global_batch_size;
  }
  /// Tokens of a sequence that time is spent on. Padded examples are as long as the longest of a
  /// micro-step over all data-parallel ranks, on average: they wait for each other. Memory has to
  /// do for seq_len.
  double time_len() const {
    if (examples == nullptr) return seq_len;
    return std::round(examples->expected_longest(micro_batch_size * parallel.dp));
  }
};

}  // namespace aforo::fast
