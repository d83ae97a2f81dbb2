#include "planner/program/program.h"

#include <boost/container/small_vector.hpp>

#include "planner/base/error.h"

namespace aforo {

Target cpu_target() { return {"cpu", 64, Bytes(8 * mebi)}; }

// 256: what vectorised kernels and cuBLASLt ask for. 32 MiB: cuBLASLt's recommended workspace on
// Hopper.
Target cuda_target() { return {"cuda", 256, Bytes(32 * mebi)}; }

const Section& StepProgram::section(SectionKind kind) const {
  for (const Section& section : sections)
    if (section.kind == kind) return section;
  throw InternalError("the program has no section " + std::string(name_of(kind)));
}

std::int64_t StepProgram::grad_accum() const { return section(SectionKind::micro_step).repeat; }

Cost cost_of(const StepProgram& program, const Op& op) {
  boost::container::small_vector<std::int64_t, 8> reads, writes;
  for (BufferId id : op.reads) reads.push_back(program.buffers[id].bytes().value);
  for (BufferId id : op.writes) writes.push_back(program.buffers[id].bytes().value);
  const OperandBytes sizes{reads.data(), writes.data(), static_cast<int>(reads.size()),
                           static_cast<int>(writes.size())};
  return std::visit([&](const auto& attrs) { return cost(attrs, sizes); }, op.attrs);
}

double sent_bytes(const StepProgram& program, const Op& op) {
  const auto bytes = [&](const Ids& ids) {
    return static_cast<double>(program.buffers[ids[0]].bytes().value);
  };
  if (const auto* gather = std::get_if<AllGather>(&op.attrs))
    return ring_bytes(bytes(op.writes), gather->n_ranks);
  if (const auto* reduce = std::get_if<AllReduce>(&op.attrs))
    return 2 * ring_bytes(bytes(op.reads), reduce->n_ranks);
  if (const auto* scatter = std::get_if<ReduceScatter>(&op.attrs))
    return ring_bytes(bytes(op.reads), scatter->n_ranks);
  return 0;
}

double sent_bytes(const StepProgram& program) {
  double sum = 0;
  for (const Section& section : program.sections)
    for (int i = section.begin; i < section.end; ++i)
      sum += sent_bytes(program, program.ops[i]) * static_cast<double>(section.repeat);
  return sum;
}

}  // namespace aforo
