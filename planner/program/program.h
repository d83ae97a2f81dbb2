#pragma once
// The step program: every op and every buffer of one optimizer step. The planner simulates it, the
// runtime executes it.

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "planner/program/buffer.h"
#include "planner/program/control.h"
#include "planner/program/flat.h"
#include "planner/program/op.h"

namespace aforo {

/// The little that lowering may know of a backend. Not a hardware profile: a calibration must not
/// change the program.
struct Target {
  std::string name;             ///< "cpu", "cuda"
  std::int64_t alignment = 64;  ///< of every buffer, bytes
  Bytes workspace{8 * mebi};    ///< scratch that kernels share
};

Target cpu_target();
Target cuda_target();

/// A run of ops that executes `repeat` times in a row. One step is all sections in order;
/// `evaluate` runs on request only.
///   begin       clears what the step accumulates into
///   micro_step  forward and backward of one micro-batch
///   optimizer   gradient norm, clipping, update
///   evaluate    forward of one micro-batch, loss only
enum class SectionKind : std::uint8_t { begin, micro_step, optimizer, evaluate };

constexpr std::string_view name_of(SectionKind kind) {
  constexpr std::string_view names[] = {"begin", "micro_step", "optimizer", "evaluate"};
  return names[static_cast<int>(kind)];
}

struct Section {
  SectionKind kind;
  int begin = 0;            ///< first op
  int end = 0;              ///< one past the last op
  std::int64_t repeat = 1;  ///< times per step; 0 for evaluate

  int size() const { return end - begin; }
};

/// Place of every buffer in one arena, and what is live when.
struct MemoryPlan {
  std::vector<std::int64_t> offsets;  ///< per buffer
  Bytes arena;                        ///< high-water mark of all placements
  Bytes persistent;                   ///< weights, states and everything else that outlives a step
  std::array<Bytes, n_roles> persistent_by_role{};
  int peak_op = -1;                      ///< op at which most bytes are live
  std::array<Bytes, n_roles> at_peak{};  ///< live bytes by role at peak_op
  std::array<Bytes, 6> peak_of_phase{};  ///< most live bytes during each Phase
  Bytes fragmentation;                   ///< arena minus the most live bytes
};

/// Buffers the training loop writes or reads by name.
struct ProgramPorts {
  BufferId tokens = no_buffer;    ///< int32 [micro_batch_size * seq_len]
  BufferId targets = no_buffer;   ///< int32, the tokens one further
  BufferId schedule = no_buffer;  ///< fp32 [schedule::size]
  BufferId control = no_buffer;   ///< fp32 [control::size]
  BufferId loss_sum = no_buffer;  ///< fp64 [1]
  BufferId workspace = no_buffer;
};

struct StepProgram {
  Target target;
  std::vector<Buffer> buffers;
  std::vector<Op> ops;
  std::vector<Section> sections;
  std::vector<BufferId> parameters;  ///< fp32 masters (or fp32 weights) in declaration order; of
                                     ///< flat units, if there are any
  std::vector<FlatUnit> units;       ///< of buffers with a unit
  int n_ranks = 1;                   ///< that run this program together
  ProgramPorts ports;
  std::int64_t rows = 0;  ///< tokens of one micro-batch
  std::int64_t seq_len = 0;
  float initial_loss_scale = 1;  ///< control[loss_scale] before the first step
  MemoryPlan memory;

  const Section& section(SectionKind kind) const;  ///< throws InternalError if there is none
  std::int64_t grad_accum() const;                 ///< repeats of micro_step
};

/// Arithmetic and bytes of one op as its header declares them.
Cost cost_of(const StepProgram& program, const Op& op);

/// Bytes that one rank sends at this op, as a ring moves them (see ring_bytes); 0 for all other ops.
double sent_bytes(const StepProgram& program, const Op& op);

/// The same over one step.
double sent_bytes(const StepProgram& program);

/// Checks what every pass must leave true: operands exist, everything read was written before (or
/// is persistent), views lie inside their buffers, every shape fits its op, sections tile the ops,
/// and after plan_memory no two live buffers overlap, views of ring slots included. Throws
/// InternalError.
void verify(const StepProgram& program);

/// First 12 hex digits of a hash over everything that decides what is executed and where it lies.
std::string fingerprint(const StepProgram& program);

/// One line per op: label, op with attributes, operands with shapes, FLOPs and bytes.
std::string print(const StepProgram& program);

}  // namespace aforo
