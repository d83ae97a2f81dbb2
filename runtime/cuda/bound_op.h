#pragma once
// Ops of a program tied to their places in the arena.

#include <boost/container/small_vector.hpp>
#include <vector>

#include "planner/program/program.h"
#include "runtime/cuda/gemm.h"
#include "runtime/cuda/kernel.h"

namespace aforo::cuda {

/// What all ops of an executor share.
struct Arena {
  std::byte* base;  ///< on the device
  std::byte* workspace;
  std::int64_t workspace_bytes;

  std::byte* place(const StepProgram& program, BufferId id) const {
    return base + program.memory.offsets[id];
  }
};

/// Operands of one op as device pointers, computed once: the arena does not move.
class BoundOp {
 public:
  BoundOp(const StepProgram& program, const Op& op, const Arena& arena, GemmPlans& plans);
  KernelArgs args(const Arena& arena, cudaStream_t stream) const;

 private:
  struct Operands {
    boost::container::small_vector<void*, 6> pointers;
    boost::container::small_vector<Dtype, 6> types;
    boost::container::small_vector<std::int64_t, 6> numels;
  };
  static Operands operands(const StepProgram& program, const Ids& ids, const Arena& arena);

  Operands reads_, writes_;
  const GemmPlan* gemm_ = nullptr;
};

/// Throws EnvironmentError naming every kind of op that this backend cannot run, InternalError if
/// the program is not placed or placed where kernels cannot read it.
void check_program(const StepProgram& program);

/// One BoundOp per op of the program.
std::vector<BoundOp> bind(const StepProgram& program, const Arena& arena, GemmPlans& plans);

}  // namespace aforo::cuda
