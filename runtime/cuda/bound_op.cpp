#include "runtime/cuda/bound_op.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>
#include <string>

#include "planner/base/error.h"

namespace aforo::cuda {
namespace {

GemmShape shape_of(const StepProgram& program, const Op& op, const Gemm& attrs) {
  const Dtype in = program.buffers[op.reads[0]].dtype, out = program.buffers[op.writes[0]].dtype;
  if (attrs.accumulate) {
    const Dtype before = program.buffers[op.reads[attrs.has_bias ? 3 : 2]].dtype;
    if (before != out)
      throw InternalError(
          fmt::format("gemm accumulates {} into {}", name_of(before), name_of(out)));
  }
  return {attrs.m,          attrs.n, attrs.k, attrs.trans_a, attrs.trans_b, attrs.has_bias,
          attrs.accumulate, in,      out};
}

}  // namespace

BoundOp::BoundOp(const StepProgram& program, const Op& op, const Arena& arena, GemmPlans& plans)
    : reads_(operands(program, op.reads, arena)), writes_(operands(program, op.writes, arena)) {
  if (const auto* gemm = std::get_if<Gemm>(&op.attrs))
    gemm_ = &plans.plan(shape_of(program, op, *gemm));
}

BoundOp::Operands BoundOp::operands(const StepProgram& program, const Ids& ids,
                                    const Arena& arena) {
  Operands result;
  for (BufferId id : ids) {
    result.pointers.push_back(arena.place(program, id));
    result.types.push_back(program.buffers[id].dtype);
    result.numels.push_back(program.buffers[id].shape.numel());
  }
  return result;
}

KernelArgs BoundOp::args(const Arena& arena, cudaStream_t stream) const {
  return {reads_.pointers.data(),
          writes_.pointers.data(),
          reads_.types.data(),
          writes_.types.data(),
          reads_.numels.data(),
          writes_.numels.data(),
          static_cast<int>(reads_.pointers.size()),
          static_cast<int>(writes_.pointers.size()),
          arena.workspace,
          arena.workspace_bytes,
          stream,
          gemm_};
}

void check_program(const StepProgram& program) {
  std::set<std::string> lacking;
  for (const Op& op : program.ops)
    if (std::string lack = lack_of_kernel(op.attrs); !lack.empty()) lacking.insert(std::move(lack));
  if (!lacking.empty())
    throw EnvironmentError(fmt::format("the cuda backend cannot run {}; use the cpu backend",
                                       fmt::join(lacking, ", ")));
  if (program.memory.offsets.size() != program.buffers.size())
    throw InternalError(fmt::format("the program places {} of {} buffers",
                                    program.memory.offsets.size(), program.buffers.size()));
  // 16: the widest element any kernel or cuBLASLt algorithm for unaligned operands loads at once.
  constexpr std::int64_t least_alignment = 16;
  if (program.target.alignment % least_alignment != 0 ||
      program.memory.arena.value % least_alignment != 0)
    throw InternalError(fmt::format(
        "buffers are aligned to {} bytes in an arena of {}; the cuda backend needs multiples of {}",
        program.target.alignment, program.memory.arena.value, least_alignment));
  verify(program);
}

std::vector<BoundOp> bind(const StepProgram& program, const Arena& arena, GemmPlans& plans) {
  std::vector<BoundOp> ops;
  ops.reserve(program.ops.size());
  for (const Op& op : program.ops) ops.emplace_back(program, op, arena, plans);
  return ops;
}

}  // namespace aforo::cuda
