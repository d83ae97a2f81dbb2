#pragma once
// One file of a checkpoint: written by one rank, read by any.

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/checkpoint_format.h"

namespace aforo::checkpoint {

/// Writes what the rank saves to `unfinished`, synchronizes it and renames it. Returns its size.
/// Throws EnvironmentError if the disk does not take it; nothing is left then.
std::int64_t write_file(const std::filesystem::path& unfinished,
                        const std::filesystem::path& finished, const Executor& executor,
                        const StepProgram& program, int rank, const CheckpointState& state);

/// A file that is open for reading. Throws Damage, here and below, if it is not intact.
class CheckpointFile {
 public:
  explicit CheckpointFile(const std::filesystem::path& path);

  const Header& header() const { return header_; }

  /// The bytes of piece number `index`.
  std::vector<std::byte> read_piece(std::size_t index);

 private:
  Damage truncated() const;
  void read(std::span<std::byte> bytes);
  void expect(std::string_view mark, const char* otherwise);
  std::vector<std::byte> checked(std::size_t n, const std::string& what);
  void read_header();

  std::ifstream file_;
  std::int64_t size_ = 0;
  Header header_;
  std::vector<std::int64_t> offsets_;  ///< of the pieces
};

}  // namespace aforo::checkpoint
