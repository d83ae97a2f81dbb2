#pragma once
// Programs made only of ops under test, each on operands of its own.

#include <cstdint>
#include <span>
#include <vector>

#include "planner/program/program.h"
#include "runtime/core/backend.h"

namespace aforo {

/// One op to be timed.
struct Probe {
  OpAttrs attrs;
  Dtype dtype = Dtype::fp32;         ///< of every operand that may be of any activation type
  Dtype output_dtype = Dtype::fp32;  ///< of a product's, cast's or fill's output
  std::int64_t width = 1;            ///< PassPoint::width
};

/// Bytes that one copy of a probe's operands takes in an arena.
Bytes operand_bytes(const Probe& probe);

/// Where operands lie.
///   apart  every copy on memory of its own
///   ring   one behind the other in two rings, one for what is read and one for what is written, so
///          that a grid of large products needs little memory. All probes must have one dtype and
///          one output_dtype, since what one writes another may read as its sum
enum class ProbeLayout { apart, ring };

struct ProbeProgram {
  StepProgram program;        ///< one section, micro_step
  std::vector<int> probe_of;  ///< per op of the program, the index of its probe, or `producer`
};

/// Marks an op that is not timed: it writes the operand that in a step the op before has written.
constexpr int producer = -1;

/// All probes in order, each behind its producer if it has one, then all again, until probe i has
/// been copied copies[i] times. So between two runs of one copy all others run, which drives its
/// operands out of the caches if all of them (or a ring: `ring_bytes`, or the largest operand if
/// that is larger) exceed these. Outputs lie where a step program puts them: accumulated into, or
/// on top of an operand that dies.
ProbeProgram make_probe_program(std::span<const Probe> probes, std::span<const int> copies,
                                const Target& target, ProbeLayout layout, Bytes ring_bytes);

/// Writes every operand: numbers between 0.5 and 1.5, so that no sum cancels or overflows and no
/// denormal slows a kernel down; indices that are spread over their table.
void fill_operands(Executor& executor, const StepProgram& program);

}  // namespace aforo
