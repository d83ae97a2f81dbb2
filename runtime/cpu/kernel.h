#pragma once
// The interface of CPU kernels. Every file in ops/ is compiled once per instruction set, in a
// namespace of its own; the executor picks one at start-up. Kernel files include little, so that no
// function compiled for a newer instruction set can replace one of the same name elsewhere.

#include <cstddef>
#include <cstdint>

#include "planner/base/dtype.h"
#include "planner/program/op.h"

#ifndef AFORO_ISA  // the build sets it: avx512, avx2, baseline
#define AFORO_ISA baseline
#endif

namespace aforo::cpu {

/// Operands of one op, in the order its header documents. Read and write pointers may be equal
/// where the op's in_place_pairs allow it.
struct KernelArgs {
  void* const* reads;
  void* const* writes;
  const Dtype* read_types;
  const Dtype* write_types;
  int n_reads;
  int n_writes;
  std::byte* workspace;  ///< shared scratch, 64-byte aligned; contents are lost between ops
  std::int64_t workspace_bytes;
  int n_threads;
  /// Elements of each operand: the attributes do not tell them of GradientNorm's many reads and
  /// EmbeddingBackward's position table.
  const std::int64_t* read_numels = nullptr;
  const std::int64_t* write_numels = nullptr;

  template <typename T>
  const T* in(int i) const {
    return static_cast<const T*>(reads[i]);
  }
  template <typename T>
  T* out(int i) const {
    return static_cast<T*>(writes[i]);
  }
};

/// Runs one op of any kind. One such function per instruction set.
using ExecuteFunction = void (*)(const OpAttrs& attrs, const KernelArgs& args);

namespace avx512 {
void execute(const OpAttrs& attrs, const KernelArgs& args);
}
namespace avx2 {
void execute(const OpAttrs& attrs, const KernelArgs& args);
}
namespace baseline {
void execute(const OpAttrs& attrs, const KernelArgs& args);
}

}  // namespace aforo::cpu

namespace aforo::cpu::AFORO_ISA {

// One overload per op; a missing one is a compile error in execute.cpp that names the op.
void run(const Activation&, const KernelArgs&);
void run(const ActivationBackward&, const KernelArgs&);
void run(const AdamW&, const KernelArgs&);
void run(const Add&, const KernelArgs&);
void run(const AllGather&, const KernelArgs&);  // of one rank, as the two other collectives: more
void run(const AllReduce&, const KernelArgs&);  // are the communicator's, see collectives.h
void run(const Attention&, const KernelArgs&);
void run(const AttentionBackward&, const KernelArgs&);
void run(const Cast&, const KernelArgs&);
void run(const ColumnSum&, const KernelArgs&);
void run(const CrossEntropy&, const KernelArgs&);
void run(const Embedding&, const KernelArgs&);
void run(const EmbeddingBackward&, const KernelArgs&);
void run(const Fill&, const KernelArgs&);
void run(const Gemm&,
         const KernelArgs&);  // own blocked product; the executor prefers oneDNN where it can
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

}  // namespace aforo::cpu::AFORO_ISA
