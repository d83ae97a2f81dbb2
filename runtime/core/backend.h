#pragma once
// The seam between a program and what executes it. The CPU backend is linked in; others are
// plug-ins.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "planner/base/units.h"
#include "planner/program/program.h"
#include "runtime/core/communicator.h"

namespace aforo {

/// Holds one program's arena and runs its sections. Nothing is allocated after construction.
class Executor {
 public:
  virtual ~Executor() = default;

  /// Runs the ops of one section once; returns when they are done.
  virtual void run(SectionKind kind) = 0;

  /// Runs a section once, op by op, and returns the time of each op in order.
  virtual std::vector<Seconds> run_profiled(SectionKind kind) = 0;

  /// Copies host bytes into a buffer, or out of it. Sizes must be equal; throws InternalError if
  /// not.
  virtual void write(BufferId buffer, std::span<const std::byte> bytes) = 0;
  virtual void read(BufferId buffer, std::span<std::byte> bytes) const = 0;

  /// The same for bytes from `offset` of the buffer on, so that the host need not hold all of it.
  /// Throws InternalError if they end outside.
  virtual void write_part(BufferId buffer, std::int64_t offset,
                          std::span<const std::byte> bytes) = 0;
  virtual void read_part(BufferId buffer, std::int64_t offset,
                         std::span<std::byte> bytes) const = 0;

  /// Fills every persistent buffer with its first contents (see Init), everything else with zeros.
  virtual void initialize(std::uint64_t seed) = 0;

  /// Fills the arena with a pattern; after some runs `touched()` is the high-water mark of bytes
  /// that changed.
  virtual void fill_pattern() = 0;
  virtual Bytes touched() const = 0;
};

/// A whole buffer from, or into, a contiguous container of its element type.
template <typename T>
void write_values(Executor& executor, BufferId buffer, const T& values) {
  executor.write(buffer, std::as_bytes(std::span(values)));
}
template <typename T>
void read_values(const Executor& executor, BufferId buffer, T& values) {
  executor.read(buffer, std::as_writable_bytes(std::span(values)));
}

/// What executes programs: a device and its libraries.
class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string name() const = 0;         ///< "cpu"
  virtual std::string description() const = 0;  ///< "cpu, 2 threads, avx512, oneDNN 2.6.3"
  virtual int n_threads() const = 0;            ///< 1 for a device

  /// A program of several ranks needs the communicator of this rank, which must outlive the
  /// executor.
  virtual std::unique_ptr<Executor> load(const StepProgram& program,
                                         Communicator* communicator = nullptr) = 0;
};

/// The CPU backend. `n_threads` 0: all cores this process may use.
std::unique_ptr<Backend> make_cpu_backend(int n_threads = 0);

}  // namespace aforo
