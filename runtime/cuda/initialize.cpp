// CudaExecutor::initialize: persistent buffers only, so that what `touched` finds of the rest was
// written by ops.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "planner/base/error.h"
#include "runtime/cuda/device_error.h"
#include "runtime/cuda/executor.h"
#include "runtime/cuda/normal_numbers.h"
#include "runtime/cuda/ops/elementwise.h"

namespace aforo::cuda {
namespace {

[[noreturn]] void refuse(const Buffer& buffer, const char* start) {
  throw InternalError(
      fmt::format("{} is {}, which cannot start as {}", buffer.name, name_of(buffer.dtype), start));
}

void fill_value(const Buffer& buffer, float value, std::byte* place, cudaStream_t stream) {
  if (value == 0) {
    check(cudaMemsetAsync(place, 0, static_cast<std::size_t>(buffer.bytes().value), stream),
          "cudaMemsetAsync({}, 0, {}, stream)", buffer.name, buffer.bytes().value);
  } else if (buffer.dtype == Dtype::int32) {
    refuse(buffer, "a constant");
  } else {
    check(launch_fill(place, buffer.dtype, value, buffer.shape.numel(), stream), "fill({}, {})",
          buffer.name, value);
  }
}

/// In pieces of 16 MiB, so that the host needs little memory for large buffers.
void fill_normal_numbers(const Buffer& buffer, std::uint64_t seed, std::byte* place,
                         cudaStream_t stream) {
  constexpr std::int64_t piece = 4 * mebi;  // elements; a multiple of 4
  if (buffer.dtype != Dtype::fp32) refuse(buffer, "normal numbers");
  std::vector<float> numbers(static_cast<std::size_t>(std::min(piece, buffer.shape.numel())));
  for (std::int64_t first = 0; first < buffer.shape.numel(); first += piece) {
    const std::int64_t n = std::min(piece, buffer.shape.numel() - first);
    fill_normal(seed, buffer.init.stream, first, static_cast<double>(buffer.init.value),
                std::span(numbers).first(static_cast<std::size_t>(n)));
    check(cudaMemcpyAsync(place + first * 4, numbers.data(), static_cast<std::size_t>(n) * 4,
                          cudaMemcpyHostToDevice, stream),
          "cudaMemcpyAsync({} + {}, host, {}, HostToDevice, stream)", buffer.name, first * 4,
          n * 4);
    check(cudaStreamSynchronize(stream), "cudaStreamSynchronize(stream) after {}",
          buffer.name);  // `numbers` is used again
  }
}

}  // namespace

void CudaExecutor::initialize_buffer(BufferId id, std::uint64_t seed) {
  const Buffer& buffer = program_.buffers[id];
  std::byte* place = arena_.place(program_, id);
  switch (buffer.init.kind) {
    case InitKind::none:
    case InitKind::zeros:
    case InitKind::copy_of_master:
      return fill_value(buffer, 0, place, stream_.get());
    case InitKind::ones:
      return fill_value(buffer, 1, place, stream_.get());
    case InitKind::constant:
      return fill_value(buffer, buffer.init.value, place, stream_.get());
    case InitKind::segments:
      throw InternalError(fmt::format("{} is flat, which the cuda backend does not do", buffer.name));
    case InitKind::normal:
      return fill_normal_numbers(buffer, seed, place, stream_.get());
  }
}

void CudaExecutor::copy_master(BufferId id) {
  const Buffer& copy = program_.buffers[id];
  const Buffer& master = program_.buffers[copy.init.source];
  if (master.dtype != Dtype::fp32 || master.shape.numel() != copy.shape.numel())
    throw InternalError(fmt::format("{} cannot start as a copy of {}", copy.name, master.name));
  check(launch_cast(arena_.place(program_, copy.init.source), master.dtype,
                    arena_.place(program_, id), copy.dtype, copy.shape.numel(), stream_.get()),
        "cast({}, {})", master.name, copy.name);
}

void CudaExecutor::initialize(std::uint64_t seed) {
  const auto n_buffers = static_cast<BufferId>(program_.buffers.size());
  for (BufferId id = 0; id < n_buffers; ++id)
    if (program_.buffers[id].persistent) initialize_buffer(id, seed);
  for (BufferId id = 0; id < n_buffers; ++id)
    if (program_.buffers[id].persistent &&
        program_.buffers[id].init.kind == InitKind::copy_of_master)
      copy_master(id);
  wait("initialize");
}

}  // namespace aforo::cuda
