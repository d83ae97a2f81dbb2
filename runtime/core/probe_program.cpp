#include "runtime/core/probe_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "planner/program/operands.h"
#include "runtime/core/probe_operands.h"

namespace aforo {
namespace {

Dtype dtype_of(TypeRule rule, const Probe& probe, bool is_output) {
  switch (rule) {
    case TypeRule::any:
      return probe.dtype;
    case TypeRule::any_or_fp32:
    case TypeRule::unchecked:
      return is_output ? probe.output_dtype : probe.dtype;
    case TypeRule::fp32:
      return Dtype::fp32;
    case TypeRule::fp64:
      return Dtype::fp64;
    case TypeRule::int32:
      return Dtype::int32;
    case TypeRule::sixteen_bit:
      return Dtype::bf16;
  }
  return Dtype::fp32;
}

/// A stretch of the arena whose memory is given out round and round.
struct Ring {
  std::int64_t begin = 0, size = 0, next = 0;

  std::int64_t take(std::int64_t bytes) {
    if (next + bytes > size) next = 0;
    const std::int64_t offset = begin + next;
    next += bytes;
    return offset;
  }
};

/// Adds ops on operands of their own.
class ProbeBuilder {
 public:
  explicit ProbeBuilder(const Target& target) {
    program_.target = target;
    program_.rows = program_.seq_len = 1;
    ProgramPorts& ports = program_.ports;
    ports.workspace = add("workspace", target.workspace.value / 4, Dtype::fp32, Role::workspace);
    ports.control = add("control", control::size, Dtype::fp32, Role::control);
    ports.schedule = add("schedule", schedule::size, Dtype::fp32, Role::input);
  }

  /// From here on operands lie in rings of this size; each is one buffer that can be filled.
  void use_rings(Bytes size, Dtype read, Dtype written) {
    reads_ = add_ring("ring.reads", size, read);
    writes_ = add_ring("ring.writes", size, written);
    in_rings_ = true;
  }

  /// Emits the op that writes the fresh operand of `probe`, if it has one, and its op. Returns how
  /// many that were.
  int emit_with_producer(const Probe& probe) {
    emit(probe);
    const int fresh = fresh_read(probe.attrs);
    if (fresh < 0) return 1;
    const BufferId target = program_.ops.back().reads[fresh];
    const std::int64_t numel = program_.buffers[target].shape.numel();
    const Dtype other = program_.buffers[target].dtype == Dtype::fp32 ? Dtype::bf16 : Dtype::fp32;
    const BufferId source = source_of(numel, other);
    program_.ops.insert(program_.ops.end() - 1,
                        {Cast{numel}, {source}, {target}, {Phase::forward, -1, "producer"}});
    return 2;
  }

  void emit(const Probe& probe) {
    const OperandRules rules = operand_rules(probe.attrs);
    Op op{probe.attrs, {}, {}, {Phase::forward, -1, "probe"}};
    const bool writes_control = std::holds_alternative<StepControl>(probe.attrs);
    for (const OperandRule& rule : rules.writes)
      op.writes.push_back(writes_control ? program_.ports.control : operand(rule, probe, true));
    const SharedOperands shared = shared_operands(probe.attrs);
    for (int i = 0; i < static_cast<int>(rules.reads.size()); ++i) {
      const auto same = std::find_if(shared.begin(), shared.end(),
                                     [&](const auto& pair) { return pair.first == i; });
      op.reads.push_back(same == shared.end() ? read_operand(rules, probe, i)
                                              : op.writes[same->second]);
    }
    program_.ops.push_back(std::move(op));
  }

  StepProgram finish() {
    const int n_ops = static_cast<int>(program_.ops.size());
    program_.sections = {{SectionKind::micro_step, 0, n_ops, 1}};
    program_.memory.persistent = program_.memory.arena;
    program_.memory.peak_op = 0;
    return std::move(program_);
  }

 private:
  BufferId read_operand(const OperandRules& rules, const Probe& probe, int index) {
    const int control = control_read(probe.attrs);
    if (index == control) return program_.ports.control;
    if (reads_schedule(probe.attrs) && index == control + 1) return program_.ports.schedule;
    return operand(rules.reads[index], probe, false);
  }

  BufferId operand(const OperandRule& rule, const Probe& probe, bool is_output) {
    const std::int64_t numel = rule.numel >= 0 ? rule.numel : open_numel(probe.attrs);
    const Dtype dtype = dtype_of(rule.type, probe, is_output);
    std::string name = fmt::format("operand{}", program_.buffers.size());
    if (in_rings_)
      return declare(std::move(name), numel, dtype, Role::activation,
                     is_output ? &writes_ : &reads_);
    return add(std::move(name), numel, dtype,
               dtype == Dtype::int32 ? Role::input : Role::activation);
  }

  /// What fresh operands are converted from: one buffer for all of one length and type.
  BufferId source_of(std::int64_t numel, Dtype dtype) {
    const auto [entry, is_new] = sources_.try_emplace({numel, dtype}, 0);
    if (is_new)
      entry->second =
          add(fmt::format("source{}", program_.buffers.size()), numel, dtype, Role::activation);
    return entry->second;
  }

  Ring add_ring(const char* name, Bytes size, Dtype dtype) {
    const std::int64_t bytes = aligned(size.value);
    const std::int64_t begin = program_.memory.arena.value;
    add(name, bytes / size_of(dtype), dtype, Role::activation);
    return {begin, bytes, 0};
  }

  BufferId add(std::string name, std::int64_t numel, Dtype dtype, Role role) {
    return declare(std::move(name), numel, dtype, role, nullptr);
  }

  /// A buffer in a ring, or behind all others. Only the latter are filled (InitKind::zeros marks
  /// them): what lies in a ring is filled with it.
  BufferId declare(std::string name, std::int64_t numel, Dtype dtype, Role role, Ring* ring) {
    const InitKind init = ring == nullptr ? InitKind::zeros : InitKind::none;
    Buffer buffer{std::move(name), {1, numel, 1}, dtype, role, {init}, true};
    const std::int64_t bytes = aligned(buffer.bytes().value);
    program_.memory.offsets.push_back(ring != nullptr ? ring->take(bytes)
                                                      : program_.memory.arena.value);
    if (ring == nullptr) program_.memory.arena += Bytes(bytes);
    program_.buffers.push_back(std::move(buffer));
    return static_cast<BufferId>(program_.buffers.size()) - 1;
  }

  std::int64_t aligned(std::int64_t bytes) const {
    const std::int64_t alignment = program_.target.alignment;
    return (bytes + alignment - 1) / alignment * alignment;
  }

  StepProgram program_;
  Ring reads_, writes_;
  std::map<std::pair<std::int64_t, Dtype>, BufferId> sources_;  ///< by length and type
  bool in_rings_ = false;
};

}  // namespace

Bytes operand_bytes(const Probe& probe) {
  ProbeBuilder builder(Target{"", 64, Bytes(0)});
  builder.emit(probe);
  return builder.finish().memory.arena;
}

ProbeProgram make_probe_program(std::span<const Probe> probes, std::span<const int> copies,
                                const Target& target, ProbeLayout layout, Bytes ring_bytes) {
  ProbeBuilder builder(target);
  if (layout == ProbeLayout::ring && !probes.empty()) {
    for (const Probe& probe : probes) ring_bytes = std::max(ring_bytes, operand_bytes(probe));
    builder.use_rings(ring_bytes, probes[0].dtype, probes[0].output_dtype);
  }
  ProbeProgram result;
  const int n_rounds = copies.empty() ? 0 : *std::max_element(copies.begin(), copies.end());
  for (int round = 0; round < n_rounds; ++round) {
    for (std::size_t i = 0; i < probes.size(); ++i) {
      if (round >= copies[i]) continue;
      if (builder.emit_with_producer(probes[i]) == 2) result.probe_of.push_back(producer);
      result.probe_of.push_back(static_cast<int>(i));
    }
  }
  result.program = builder.finish();
  return result;
}

}  // namespace aforo
