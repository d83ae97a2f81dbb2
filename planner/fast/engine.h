#pragma once
// What one training engine does differently from another, as data: profiles/engines/<name>.yaml.

#include <string>
#include <vector>

#include "planner/base/yaml_reader.h"
#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo::fast {

/// What a way of writing layers, loss and optimizer keeps in memory. Bytes are per element; the
/// defaults are fused kernels with static memory, as the native runtime has.
struct MemoryStyle {
  std::string name;                     ///< "" for the engine's own
  std::vector<std::string> frameworks;  ///< beginnings of framework names that are written so

  bool persistent_gradients = true;  ///< gradient buffers outlive the step
  double norm_bytes = 2;             ///< an RMS norm keeps of its input (4: an fp32 copy)
  double norm_weight_bytes = 0;      ///< and beside it where its weight is trained
  bool norm_output = true;   ///< normed input is kept even if the product after it is frozen
  double gate_tensors = 2;   ///< tensors of d_ff that a gated activation keeps beside the product
  bool repeated_kv = false;  ///< keys and values are copied for every query head
  bool joint_qkv = false;    ///< values are a view: the joint product stays, with rotated copies
  double score_bytes = 2;    ///< an attention score keeps when unfused; 3 more with dropout
  double adapter_bytes = 2;  ///< an adapter keeps of its input (with dropout a mask and a copy)
  bool adapter_per_matrix = false;  ///< of q, k and v each its own
  bool quantized_inputs = false;    ///< products with quantized weights keep their input
  bool quantized_head = false;      ///< the head is quantized too
  bool ties = true;                 ///< a tied head is stored once
  bool fp8_inputs = false;          ///< with fp8 products their inputs are kept in 8 bits
  bool compiled = false;            ///< a compiler always fuses norms and activations
  bool static_buffers = false;      ///< a layer's working set has memory of its own all the time
  bool loads_whole = false;         ///< FSDP gathers all weights at once to load a checkpoint
  double expert_imbalance = 1;      ///< tokens of the fullest rank over the mean
  double logit_bytes = 2;           ///< a logit takes at the peak of the loss
  double parallel_logit_bytes = 0;  ///< the same with the vocabulary over tp; 0: the same
  double fused_logit_bytes = 2;     ///< the same with a fused, compiled or chunked loss
  double gathered_units = 2;        ///< layers whose sharded weights are whole at once
  double optimizer_temporary = 0;   ///< copies of one moment that an update makes
  double workspaces = 1;            ///< matrix-product workspaces, one per handle and stream
  double extra_workspaces = 0;      ///< of libraries with their own
  int vocab_multiple = 1;           ///< the vocabulary is padded to this times tp
  bool pipeline_outputs = false;    ///< stages keep outputs beside checkpointed inputs
  double slack = 0;                 ///< reserved but free, as a share of what is allocated
  double variable_length_cache =
      0;                    ///< blocks of other lengths, as a share of loss and working set
  double communicator = 0;  ///< bytes of one communicator

  /// The same with the keys of a YAML map put in place of what it has.
  MemoryStyle with(const YamlNode& node) const;
};

/// Layouts an engine can run. What is not listed is never proposed for it.
struct EngineSupport {
  std::vector<Sharding> shardings = {Sharding::ddp};
  std::vector<Method> methods = {Method::full};
  bool tp = false, pp = false, cp = false, ep = false;
  bool interleaving = false;  ///< vpp above 1
  std::vector<PipelineSchedule> schedules = {PipelineSchedule::one_f_one_b};
  bool uneven_stages = false;  ///< first and last stage may hold other numbers of layers
  bool fp8 = false;
  bool offload_states = false, offload_activations = false;
  bool recompute_per_layer = false;  ///< kept, selective and full layers beside each other
  bool offload_nvme = false;         ///< states may wait on local drives too
  bool moe = false;
};

struct EngineSpec {
  std::string name;
  std::string title;                           ///< "Megatron-Core with Transformer Engine"
  std::string rates;                           ///< the engine whose calibrated constants it has
  bool native = false;                         ///< aforo's own runtime executes it
  std::vector<std::string> frameworks;         ///< beginnings of framework names in published runs
  std::vector<std::string> runs_on = {"gpu"};  ///< kinds of accelerators: gpu, tpu, custom, cpu
  bool host_optimizer = false;                 ///< the host updates states that wait there
  bool lazy_states = false;  ///< optimizer states are allocated by the first update
  bool proposed = true;      ///< `aforo plan` tries it unasked; false for engines of the past
  EngineSupport supports;
  MemoryStyle memory;               ///< unless a style says otherwise
  std::vector<MemoryStyle> styles;  ///< programs of this engine that are written otherwise

  bool runs_on_kind(const std::string& kind) const;
  bool trains(Method method) const;
  /// Style 0 is the engine's own, 1 the first of `styles`.
  const MemoryStyle& style(int index) const { return index > 0 ? styles[index - 1] : memory; }
  /// The style of the longest beginning of `framework`; 0 if none has one.
  int style_of(const std::string& framework) const;
};

EngineSpec read_engine(const YamlNode& node);

/// The engine of that name. Throws InputError naming the nearest.
const EngineSpec& find_engine(const std::vector<EngineSpec>& engines, const std::string& name);

/// The engine that the runtime is.
EngineSpec native_engine();

/// Every profile in profiles/engines, sorted by name.
std::vector<EngineSpec> all_engines();

}  // namespace aforo::fast
