#pragma once
// Runs one program on one device: an arena, a stream, and a graph per section.

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/core/backend.h"
#include "runtime/cuda/bound_op.h"
#include "runtime/cuda/gemm.h"
#include "runtime/cuda/handle.h"

namespace aforo::cuda {

/// The arena is one allocation of the program's arena bytes. Beside it the device holds what CUDA
/// itself keeps (context, kernels, cuBLASLt's handle, graphs): the overhead of the profile.
///
/// The first run of a section goes op by op and waits after each, so that an error names its op and
/// every kernel is loaded; then the section is recorded as a graph, and later runs replay that.
class CudaExecutor final : public Executor {
 public:
  /// Throws EnvironmentError if the program has ops without a kernel, DeviceError if the arena does
  /// not fit the device.
  explicit CudaExecutor(const StepProgram& program);
  ~CudaExecutor() override;

  void run(SectionKind kind) override;
  std::vector<Seconds> run_profiled(SectionKind kind) override;
  void write(BufferId buffer, std::span<const std::byte> bytes) override;
  void read(BufferId buffer, std::span<std::byte> bytes) const override;
  void write_part(BufferId buffer, std::int64_t offset, std::span<const std::byte> bytes) override;
  void read_part(BufferId buffer, std::int64_t offset, std::span<std::byte> bytes) const override;
  void initialize(std::uint64_t seed) override;
  void fill_pattern() override;
  Bytes touched() const override;

 private:
  void create_events();
  void launch(int op) const;
  void run_first(const Section& section);
  CudaGraphExec record(const Section& section) const;
  void wait(const char* after) const;
  void check_size(BufferId buffer, std::size_t bytes) const;
  void check_part(BufferId buffer, std::int64_t offset, std::size_t bytes) const;
  std::byte* place(BufferId buffer, std::int64_t offset) const;
  void initialize_buffer(BufferId buffer, std::uint64_t seed);
  void copy_master(BufferId buffer);

  StepProgram program_;
  DeviceMemory memory_;
  PinnedMemory marks_;  ///< where touched() gets its answer
  CudaStream stream_;
  Arena arena_{};
  std::unique_ptr<GemmPlans> plans_;
  std::vector<BoundOp> ops_;
  std::vector<CudaEvent> events_;        ///< one more than the largest section has ops
  std::array<CudaGraphExec, 4> graphs_;  ///< by SectionKind
};

}  // namespace aforo::cuda
