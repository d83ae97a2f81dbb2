#pragma once
// The interface between the executor and the kernels: one `run` per op of the closed list.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "planner/base/dtype.h"
#include "planner/program/op.h"

namespace aforo::cuda {

class GemmPlan;

/// Operands of one op, in the order its header documents, as device pointers, and where to run.
/// Read and write pointers may be equal where the op's in_place_pairs allow it.
struct KernelArgs {
  void* const* reads;
  void* const* writes;
  const Dtype* read_types;
  const Dtype* write_types;
  const std::int64_t* read_numels;
  const std::int64_t* write_numels;
  int n_reads;
  int n_writes;
  std::byte* workspace;  ///< shared scratch, 256-byte aligned; contents are lost between ops
  std::int64_t workspace_bytes;
  cudaStream_t stream;
  const GemmPlan* gemm;  ///< of a Gemm, else null

  template <typename T>
  const T* in(int i) const {
    return static_cast<const T*>(reads[i]);
  }
  template <typename T>
  T* out(int i) const {
    return static_cast<T*>(writes[i]);
  }
};

/// Queues one op on args.stream; does not wait. Throws DeviceError if a launch is refused,
/// InternalError if the op cannot run.
void execute(const OpAttrs& attrs, const KernelArgs& args);

/// What this backend lacks to run the op, as "op with attribute (limit)"; "" if it can. A program
/// that needs what is lacking is refused when it is loaded.
std::string lack_of_kernel(const OpAttrs& attrs);

// One overload per op; a missing one is a compile error in execute.cpp that names the op.
void run(const Activation&, const KernelArgs&);
void run(const ActivationBackward&, const KernelArgs&);
void run(const AdamW&, const KernelArgs&);
void run(const Add&, const KernelArgs&);
void run(const AllGather&, const KernelArgs&);  // these and the sums of flat units: lack_of_kernel
void run(const AllReduce&, const KernelArgs&);  // says which are not there yet
void run(const Attention&, const KernelArgs&);
void run(const AttentionBackward&, const KernelArgs&);
void run(const Cast&, const KernelArgs&);
void run(const ColumnSum&, const KernelArgs&);
void run(const CrossEntropy&, const KernelArgs&);
void run(const Embedding&, const KernelArgs&);
void run(const EmbeddingBackward&, const KernelArgs&);
void run(const Fill&, const KernelArgs&);
void run(const Gemm&, const KernelArgs&);
void run(const GradientNorm&, const KernelArgs&);
void run(const LayerNorm&, const KernelArgs&);
void run(const LayerNormBackward&, const KernelArgs&);
void run(const NormPartials&, const KernelArgs&);
void run(const NormTotal&, const KernelArgs&);
void run(const QkNorm&, const KernelArgs&);
void run(const QkNormBackward&, const KernelArgs&);
void run(const ReduceScatter&, const KernelArgs&);
void run(const RmsNorm&, const KernelArgs&);
void run(const RmsNormBackward&, const KernelArgs&);
void run(const Rope&, const KernelArgs&);
void run(const Sgd&, const KernelArgs&);
void run(const StepControl&, const KernelArgs&);
void run(const SumLoss&, const KernelArgs&);

}  // namespace aforo::cuda
