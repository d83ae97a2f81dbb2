// First contents of probe programs.

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "runtime/core/number_bytes.h"
#include "runtime/core/probe_operands.h"
#include "runtime/core/probe_program.h"

namespace aforo {
namespace {

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

}  // namespace

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
  write_values(executor, program.ports.control, control);
}

}  // namespace aforo
