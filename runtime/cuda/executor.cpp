#include "runtime/cuda/executor.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/base/error.h"
#include "runtime/cuda/device_error.h"
#include "runtime/cuda/graph.h"
#include "runtime/cuda/pattern.h"

namespace aforo::cuda {
namespace {

/// Where the workspace of an arena lies. cuBLASLt wants 256-byte alignment; a program of another
/// target may have less, then the rest of its first 256 bytes is left out.
Arena place_workspace(const StepProgram& program, std::byte* base) {
  if (program.ports.workspace == no_buffer) return {base, nullptr, 0};
  constexpr std::int64_t alignment = 256;
  const std::int64_t offset = program.memory.offsets[program.ports.workspace];
  const std::int64_t skipped = (alignment - offset % alignment) % alignment;
  const std::int64_t bytes = program.buffers[program.ports.workspace].bytes().value - skipped;
  return {base, base + offset + skipped, std::max<std::int64_t>(bytes, 0)};
}

DeviceMemory allocate_arena(Bytes bytes) {
  DeviceMemory memory;
  const cudaError_t code = cudaMalloc(memory.put(), static_cast<std::size_t>(bytes.value));
  if (code == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // an allocation that failed leaves its error behind
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "cudaMemGetInfo(&free, &total)");
    throw DeviceError(
        fmt::format("cudaMalloc(&arena, {}): out of memory; the plan needs {:.1f} GiB, the device "
                    "has {:.1f} GiB free of {:.1f} GiB",
                    bytes.value, as_gib(bytes), as_gib(Bytes(static_cast<std::int64_t>(free))),
                    as_gib(Bytes(static_cast<std::int64_t>(total)))));
  }
  check(code, "cudaMalloc(&arena, {})", bytes.value);
  return memory;
}

}  // namespace

CudaExecutor::CudaExecutor(const StepProgram& program) : program_(program) {
  check_program(program_);
  memory_ = allocate_arena(program_.memory.arena);
  check(cudaMallocHost(marks_.put(), pattern_marks_bytes), "cudaMallocHost(&marks, {})",
        pattern_marks_bytes);
  check(cudaStreamCreateWithFlags(stream_.put(), cudaStreamNonBlocking),
        "cudaStreamCreateWithFlags(&stream, NonBlocking)");
  arena_ = place_workspace(program_, static_cast<std::byte*>(memory_.get()));
  check(cudaMemsetAsync(memory_.get(), 0, static_cast<std::size_t>(program_.memory.arena.value),
                        stream_.get()),
        "cudaMemsetAsync(arena, 0, {}, stream)", program_.memory.arena.value);
  const std::int64_t alignment = std::min<std::int64_t>(program_.target.alignment, 256);
  plans_ =
      std::make_unique<GemmPlans>(GemmScratch{arena_.workspace, arena_.workspace_bytes, alignment});
  ops_ = bind(program_, arena_, *plans_);
  create_events();
  wait("load");
}

/// Work may still be queued if an error was thrown; the arena must outlive it.
CudaExecutor::~CudaExecutor() {
  if (stream_) log_release(cudaStreamSynchronize(stream_.get()));
}

void CudaExecutor::create_events() {
  int most = 0;
  for (const Section& section : program_.sections) most = std::max(most, section.size());
  events_.resize(static_cast<std::size_t>(most) + 1);
  for (CudaEvent& event : events_) check(cudaEventCreate(event.put()), "cudaEventCreate(&event)");
}

void CudaExecutor::launch(int op) const {
  execute(program_.ops[op].attrs, ops_[op].args(arena_, stream_.get()));
}

void CudaExecutor::wait(const char* after) const {
  check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize(stream) after {}", after);
}

void CudaExecutor::run(SectionKind kind) {
  const Section& section = program_.section(kind);
  CudaGraphExec& graph = graphs_[static_cast<std::size_t>(kind)];
  if (!graph) {
    run_first(section);
    graph = record(section);
    return;
  }
  check(cudaGraphLaunch(graph.get(), stream_.get()), "cudaGraphLaunch({}, stream)", name_of(kind));
  wait(name_of(kind).data());
}

void CudaExecutor::run_first(const Section& section) {
  for (int op = section.begin; op < section.end; ++op) {
    launch(op);
    check(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize(stream) after op {} ({} {})",
          op, name_of(program_.ops[op]), describe(program_.ops[op].label));
  }
}

CudaGraphExec CudaExecutor::record(const Section& section) const {
  StreamCapture capture(stream_.get());
  for (int op = section.begin; op < section.end; ++op) launch(op);
  return capture.finish();
}

std::vector<Seconds> CudaExecutor::run_profiled(SectionKind kind) {
  const Section& section = program_.section(kind);
  check(cudaEventRecord(events_[0].get(), stream_.get()), "cudaEventRecord(event 0, stream)");
  for (int op = section.begin; op < section.end; ++op) {
    launch(op);
    const int event = op - section.begin + 1;
    check(cudaEventRecord(events_[event].get(), stream_.get()), "cudaEventRecord(event {}, stream)",
          event);
  }
  wait(name_of(kind).data());
  std::vector<Seconds> times;
  for (int i = 0; i < section.size(); ++i) {
    float milliseconds = 0;
    check(cudaEventElapsedTime(&milliseconds, events_[i].get(), events_[i + 1].get()),
          "cudaEventElapsedTime(&milliseconds, event {}, event {})", i, i + 1);
    times.emplace_back(milliseconds * 1e-3);
  }
  return times;
}

void CudaExecutor::check_size(BufferId buffer, std::size_t bytes) const {
  if (buffer < 0 || buffer >= static_cast<BufferId>(program_.buffers.size()))
    throw InternalError(fmt::format("there is no buffer {}", buffer));
  const Buffer& target = program_.buffers[buffer];
  if (static_cast<std::int64_t>(bytes) != target.bytes().value)
    throw InternalError(fmt::format("buffer {} has {} bytes, the host's span {}", target.name,
                                    target.bytes().value, bytes));
}

void CudaExecutor::check_part(BufferId buffer, std::int64_t offset, std::size_t bytes) const {
  if (buffer < 0 || buffer >= static_cast<BufferId>(program_.buffers.size()))
    throw InternalError(fmt::format("there is no buffer {}", buffer));
  const Buffer& target = program_.buffers[buffer];
  const std::int64_t end = offset + static_cast<std::int64_t>(bytes);
  if (offset < 0 || end > target.bytes().value)
    throw InternalError(fmt::format("buffer {} has {} bytes, the host's span is bytes {} to {}",
                                    target.name, target.bytes().value, offset, end));
}

std::byte* CudaExecutor::place(BufferId buffer, std::int64_t offset) const {
  return static_cast<std::byte*>(arena_.place(program_, buffer)) + offset;
}

void CudaExecutor::write(BufferId buffer, std::span<const std::byte> bytes) {
  check_size(buffer, bytes.size());
  write_part(buffer, 0, bytes);
}

void CudaExecutor::read(BufferId buffer, std::span<std::byte> bytes) const {
  check_size(buffer, bytes.size());
  read_part(buffer, 0, bytes);
}

void CudaExecutor::write_part(BufferId buffer, std::int64_t offset,
                              std::span<const std::byte> bytes) {
  check_part(buffer, offset, bytes.size());
  check(cudaMemcpyAsync(place(buffer, offset), bytes.data(), bytes.size(), cudaMemcpyHostToDevice,
                        stream_.get()),
        "cudaMemcpyAsync({}, host, {}, HostToDevice, stream)", program_.buffers[buffer].name,
        bytes.size());
  wait("a write");
}

void CudaExecutor::read_part(BufferId buffer, std::int64_t offset,
                             std::span<std::byte> bytes) const {
  check_part(buffer, offset, bytes.size());
  check(cudaMemcpyAsync(bytes.data(), place(buffer, offset), bytes.size(), cudaMemcpyDeviceToHost,
                        stream_.get()),
        "cudaMemcpyAsync(host, {}, {}, DeviceToHost, stream)", program_.buffers[buffer].name,
        bytes.size());
  wait("a read");
}

void CudaExecutor::fill_pattern() {
  check(launch_fill_pattern(memory_.get(), program_.memory.arena.value, stream_.get()),
        "fill_pattern({} bytes)", program_.memory.arena.value);
  wait("fill_pattern");
}

Bytes CudaExecutor::touched() const {
  auto* marks = static_cast<std::int64_t*>(marks_.get());
  check(launch_find_touched(memory_.get(), program_.memory.arena.value, marks, stream_.get()),
        "touched({} bytes)", program_.memory.arena.value);
  wait("touched");
  return Bytes(*std::max_element(marks, marks + n_pattern_marks));
}

}  // namespace aforo::cuda
