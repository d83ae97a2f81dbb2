#include "runtime/core/touched.h"

#include <algorithm>
#include <span>
#include <vector>

#include "runtime/core/number_bytes.h"

namespace aforo {
namespace {

// Small: sums over a layer stay within fp16, so that no step is skipped. All numbers are positive,
// as second moments must be. States differ from weights: a momentum that equals its weight may stay
// as it is under weight decay.
constexpr float weight_scale = 0x1p-7f, state_scale = 0x1p-6f;

/// What an optimizer step updates. Everything else that is kept is written by the training loop.
bool is_updated(const Buffer& buffer) {
  return buffer.persistent && (buffer.role == Role::weight || buffer.role == Role::master ||
                               buffer.role == Role::optimizer_state);
}

/// What is kept is written and read in pieces: the host's own memory is measured, too.
constexpr std::int64_t piece_bytes = mebi;

/// Calls visit(offset, size) for every piece of a buffer.
template <typename Visit>
void for_each_piece(const Buffer& buffer, Visit visit) {
  const std::int64_t bytes = buffer.bytes().value;
  for (std::int64_t offset = 0; offset < bytes; offset += piece_bytes)
    visit(offset, std::min(piece_bytes, bytes - offset));
}

/// The first contents of every piece of a buffer; the last may be shorter.
std::vector<std::byte> first_contents(const Buffer& buffer) {
  const float scale = buffer.role == Role::optimizer_state ? state_scale : weight_scale;
  const std::int64_t bytes = std::min(piece_bytes, buffer.bytes().value);
  return number_bytes(buffer.dtype, static_cast<std::size_t>(bytes), scale);
}

void write_first_contents(Executor& executor, BufferId id, const Buffer& buffer) {
  const std::vector<std::byte> first = first_contents(buffer);
  for_each_piece(buffer, [&](std::int64_t offset, std::int64_t bytes) {
    executor.write_part(id, offset, std::span(first).first(static_cast<std::size_t>(bytes)));
  });
}

void write_inputs(Executor& executor, const StepProgram& program) {
  const ProgramPorts& ports = program.ports;
  const std::vector<std::int32_t> zeros(static_cast<std::size_t>(program.rows), 0);
  write_values(executor, ports.tokens, zeros);
  write_values(executor, ports.targets, zeros);
  std::array<float, schedule::size> schedule{};
  schedule[schedule::learning_rate] = 1;
  write_values(executor, ports.schedule, schedule);
  std::array<float, control::size> control{};
  control[control::loss_scale] = 1;
  write_values(executor, ports.control, control);
}

/// Bytes up to the last that differs, plus one; 0 if none does.
std::int64_t changed_bytes(std::span<const std::byte> before, std::span<const std::byte> after) {
  return before.rend() - std::mismatch(before.rbegin(), before.rend(), after.rbegin()).first;
}

/// The buffer up to its last element that changed.
Bytes changed(const Executor& executor, BufferId id, const Buffer& buffer) {
  const std::vector<std::byte> first = first_contents(buffer);
  std::vector<std::byte> piece(first.size());
  std::int64_t end = 0;
  for_each_piece(buffer, [&](std::int64_t offset, std::int64_t bytes) {
    const auto n = static_cast<std::size_t>(bytes);
    const std::span after = std::span(piece).first(n);
    executor.read_part(id, offset, after);
    if (const std::int64_t last = changed_bytes(std::span(first).first(n), after))
      end = offset + last;
  });
  const std::int64_t width = size_of(buffer.dtype);
  return Bytes((end + width - 1) / width * width);
}

}  // namespace

TouchedMemory measure_touched(Executor& executor, const StepProgram& program) {
  executor.fill_pattern();
  write_inputs(executor, program);
  const auto n_buffers = static_cast<BufferId>(program.buffers.size());
  for (BufferId id = 0; id < n_buffers; ++id)
    if (is_updated(program.buffers[id])) write_first_contents(executor, id, program.buffers[id]);
  for (const Section& section : program.sections) executor.run(section.kind);

  TouchedMemory touched;
  touched.arena = executor.touched();
  for (BufferId id = 0; id < n_buffers; ++id) {
    const Buffer& buffer = program.buffers[id];
    if (is_updated(buffer))
      touched.kept[static_cast<int>(buffer.role)] += changed(executor, id, buffer);
  }
  return touched;
}

}  // namespace aforo
