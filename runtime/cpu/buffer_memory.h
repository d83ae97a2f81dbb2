#pragma once
// The memory of a program's buffers.

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <vector>

#include "planner/program/program.h"

namespace aforo::cpu {

/// Owns the memory of all buffers of one program: the arena of its memory plan, or one block a
/// buffer.
class BufferMemory {
 public:
  /// One block of program.memory.arena bytes. Every page is touched, so the process holds what the
  /// plan says from the start. Throws EnvironmentError if the machine has less memory available.
  static BufferMemory arena(const StepProgram& program, int rank);
  /// A block of exact size for each buffer that is no view, at no offset in particular.
  static BufferMemory separate(const StepProgram& program, int rank);

  std::byte* at(BufferId buffer) const { return buffers_[buffer]; }

  /// Fills all blocks with words that depend on their place and are NaN in every element type: what
  /// a kernel reads without having written it does not stay unnoticed.
  void fill_pattern();

  /// Highest offset in the arena of a byte that no longer holds the pattern, plus one; 0 if all do.
  /// Blocks of `separate` count at the planned offset of their buffer.
  Bytes touched() const;

 private:
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  struct Block {
    std::unique_ptr<std::byte[], Free> bytes;
    std::int64_t size;
    std::int64_t offset;  ///< in the arena
  };

  void place_views(const StepProgram& program, int rank);
  void add_block(std::int64_t size, std::int64_t alignment, std::int64_t offset);

  std::vector<Block> blocks_;
  std::vector<std::byte*> buffers_;
};

}  // namespace aforo::cpu
