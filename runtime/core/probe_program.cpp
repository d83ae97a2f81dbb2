#include "runtime/core/probe_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <random>
#include <utility>

#include "planner/base/error.h"
#include "planner/program/operands.h"

namespace aforo {
namespace {

using Shared = boost::container::small_vector<std::pair<int, int>, 4>;

/// Which read (first) is the same buffer as which write (second) in a step program: what
/// accumulates, what the optimizer updates, and what plan_memory lays on top of a dying operand.
struct SharedOperands {
  Shared operator()(const ActivationBackward&) const { return {{1, 0}}; }
  Shared operator()(const AdamW&) const { return {{1, 0}, {2, 1}, {3, 2}}; }
  Shared operator()(const Add&) const { return {{0, 0}}; }
  Shared operator()(const AllReduce&) const { return {{0, 0}}; }
  Shared operator()(const ColumnSum& op) const { return op.accumulate ? Shared{{1, 0}} : Shared{}; }
  Shared operator()(const CrossEntropy& op) const {
    return op.has_gradient ? Shared{{0, 1}} : Shared{};
  }
  Shared operator()(const EmbeddingBackward& op) const {
    Shared shared;
    int read = 2;
    if (op.accumulate_tokens) shared.push_back({read++, 0});
    if (op.accumulate_positions) shared.push_back({read++, 1});
    return shared;
  }
  Shared operator()(const Gemm& op) const {
    return op.accumulate ? Shared{{op.has_bias ? 3 : 2, 0}} : Shared{};
  }
  Shared operator()(const LayerNormBackward& op) const {
    return norm(4, op.has_weight, op.has_bias, op.accumulate_dx, op.accumulate_weights);
  }
  Shared operator()(const QkNormBackward& op) const {
    return op.accumulate_weights ? Shared{{0, 0}, {5, 1}, {6, 2}} : Shared{{0, 0}};
  }
  Shared operator()(const RmsNormBackward& op) const {
    return norm(3, op.has_weight, false, op.accumulate_dx, op.accumulate_weights);
  }
  Shared operator()(const Rope&) const { return {{0, 0}}; }
  Shared operator()(const Sgd& op) const {
    return op.has_momentum ? Shared{{1, 0}, {4, 1}} : Shared{{1, 0}};
  }
  Shared operator()(const StepControl&) const { return {{1, 0}}; }
  Shared operator()(const SumLoss&) const { return {{1, 0}}; }

  Shared operator()(const Activation&) const { return {}; }
  Shared operator()(const Attention&) const { return {}; }
  Shared operator()(const AttentionBackward&) const { return {}; }
  Shared operator()(const Cast&) const { return {}; }
  Shared operator()(const Embedding&) const { return {}; }
  Shared operator()(const Fill&) const { return {}; }
  Shared operator()(const GradientNorm&) const { return {}; }
  Shared operator()(const LayerNorm&) const { return {}; }
  Shared operator()(const QkNorm&) const { return {}; }
  Shared operator()(const RmsNorm&) const { return {}; }

 private:
  /// The order of the norm headers: statistics, [weight], [dx], [dweight], [dbias].
  static Shared norm(int read, bool has_weight, bool has_bias, bool accumulate_dx,
                     bool accumulate_weights) {
    Shared shared;
    if (has_weight) ++read;
    if (accumulate_dx) shared.push_back({read++, 0});
    int write = 1;
    if (has_weight && accumulate_weights) shared.push_back({read++, write++});
    if (has_bias && accumulate_weights) shared.push_back({read++, write++});
    return shared;
  }
};

/// Position among the reads of the control buffer, which the schedule follows where there is one;
/// -1: the op reads no control.
int control_read(const OpAttrs& attrs) {
  if (std::holds_alternative<AdamW>(attrs)) return 4;
  if (std::holds_alternative<Sgd>(attrs)) return 2;
  if (std::holds_alternative<StepControl>(attrs)) return 1;
  const auto* loss = std::get_if<CrossEntropy>(&attrs);
  return loss != nullptr && loss->has_gradient ? 2 : -1;
}

bool reads_schedule(const OpAttrs& attrs) {
  return std::holds_alternative<AdamW>(attrs) || std::holds_alternative<Sgd>(attrs);
}

/// Elements of an operand whose rule leaves them open: position tables, and the norm's gradients.
std::int64_t open_numel(const OpAttrs& attrs) {
  if (const auto* op = std::get_if<Embedding>(&attrs)) return op->seq_len * op->d_model;
  if (const auto* op = std::get_if<EmbeddingBackward>(&attrs)) return op->seq_len * op->d_model;
  if (const auto* op = std::get_if<GradientNorm>(&attrs)) return op->numel;
  throw InternalError("a probe has an operand of unknown size");
}

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

  void emit(const Probe& probe) {
    const OperandRules rules = operand_rules(probe.attrs);
    Op op{probe.attrs, {}, {}, {Phase::forward, -1, "probe"}};
    const bool writes_control = std::holds_alternative<StepControl>(probe.attrs);
    for (const OperandRule& rule : rules.writes)
      op.writes.push_back(writes_control ? program_.ports.control : operand(rule, probe, true));
    const Shared shared = std::visit(SharedOperands{}, probe.attrs);
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
  bool in_rings_ = false;
};

/// The bits of `value`, a number between 2^-14 and 65504, in a floating-point type.
std::uint64_t bits_of(float value, Dtype dtype) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  switch (dtype) {
    case Dtype::fp64:
      return std::bit_cast<std::uint64_t>(static_cast<double>(value));
    case Dtype::bf16:
      return bits >> 16;
    case Dtype::fp16:
      return (bits - (112u << 23)) >> 13;  // exponents are biased by 15, not 127
    default:
      return bits;
  }
}

/// `n_bytes` of random numbers of one type. They repeat after a prime number of elements, so that
/// rows of an operand differ.
std::vector<std::byte> number_bytes(Dtype dtype, std::size_t n_bytes) {
  constexpr std::size_t period = 65537;
  const std::size_t width = static_cast<std::size_t>(size_of(dtype));
  std::mt19937 random(1);
  std::vector<std::byte> bytes(n_bytes);
  const std::size_t first = std::min(period * width, n_bytes);
  for (std::size_t i = 0; i + width <= first; i += width) {
    const std::uint64_t bits = bits_of(0.5f + static_cast<float>(random() >> 8) * 0x1p-24f, dtype);
    std::memcpy(bytes.data() + i, &bits, width);
  }
  for (std::size_t i = first; i < n_bytes; i += first)
    std::memcpy(bytes.data() + i, bytes.data(), std::min(first, n_bytes - i));
  return bytes;
}

/// True for a buffer that holds numbers and is not part of a ring, which is filled as a whole.
bool holds_numbers(const Buffer& buffer) {
  return buffer.dtype != Dtype::int32 && buffer.role != Role::workspace &&
         buffer.init.kind != InitKind::none;
}

std::vector<std::byte> index_bytes(std::int64_t n, std::int64_t n_rows) {
  std::mt19937_64 random(2);
  std::vector<std::int32_t> indices(static_cast<std::size_t>(n));
  for (std::int32_t& index : indices)
    index = static_cast<std::int32_t>(random() % static_cast<std::uint64_t>(n_rows));
  std::vector<std::byte> bytes(indices.size() * sizeof(std::int32_t));
  std::memcpy(bytes.data(), indices.data(), bytes.size());
  return bytes;
}

/// Rows of the table that an op's indices point into; 0 for an op without indices.
std::int64_t table_rows(const OpAttrs& attrs) {
  if (const auto* op = std::get_if<CrossEntropy>(&attrs)) return op->vocab;
  if (const auto* op = std::get_if<Embedding>(&attrs)) return op->vocab;
  if (const auto* op = std::get_if<EmbeddingBackward>(&attrs)) return op->vocab;
  return 0;
}

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
      builder.emit(probes[i]);
      result.probe_of.push_back(static_cast<int>(i));
    }
  }
  result.program = builder.finish();
  return result;
}

void fill_operands(Executor& executor, const StepProgram& program) {
  for (const Dtype dtype : {Dtype::fp64, Dtype::fp32, Dtype::bf16, Dtype::fp16}) {
    std::int64_t most = 0;
    for (const Buffer& buffer : program.buffers)
      if (buffer.dtype == dtype && holds_numbers(buffer))
        most = std::max(most, buffer.bytes().value);
    const std::vector<std::byte> numbers = number_bytes(dtype, static_cast<std::size_t>(most));
    for (std::size_t id = 0; id < program.buffers.size(); ++id) {
      const Buffer& buffer = program.buffers[id];
      if (buffer.dtype == dtype && holds_numbers(buffer))
        executor.write(static_cast<BufferId>(id),
                       {numbers.data(), static_cast<std::size_t>(buffer.bytes().value)});
    }
  }
  for (const Op& op : program.ops)
    for (BufferId id : op.reads)
      if (program.buffers[id].dtype == Dtype::int32)
        executor.write(id, index_bytes(program.buffers[id].shape.numel(), table_rows(op.attrs)));
  std::array<float, control::size> control{};
  control[control::loss_scale] = control[control::gradient_multiplier] = 1;
  control[control::optimizer_steps] = 1;
  executor.write(program.ports.control, std::as_bytes(std::span(control)));
}

}  // namespace aforo
