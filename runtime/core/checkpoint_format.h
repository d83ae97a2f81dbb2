#pragma once
// The file format of checkpoints. All numbers are little-endian.
//
//   8 bytes    "aforockp"
//   8 bytes    length of the header
//   header     JSON: version, n_steps_done, job_key, buffers [{name, dtype, rows, cols, bytes}...]
//   4 bytes    CRC-32 of the header
//   per buffer its bytes as in memory, then 4 bytes of CRC-32 over them
//   8 bytes    "aforoend"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "planner/program/program.h"
#include "runtime/core/checkpoint.h"

namespace aforo::checkpoint {

constexpr std::string_view begin_mark = "aforockp";
constexpr std::string_view end_mark = "aforoend";
constexpr int format_version = 1;

struct SavedBuffer {
  std::string name;
  std::string dtype;
  std::int64_t rows = 0, cols = 0;
  std::int64_t bytes = 0;
};

struct Header {
  CheckpointState state;
  std::vector<SavedBuffer> buffers;
};

/// Ids of the buffers that a checkpoint holds: persistent ones that training carries on, in program
/// order.
std::vector<BufferId> kept_buffers(const StepProgram& program);

std::string header_text(const StepProgram& program, const CheckpointState& state);

/// Throws std::runtime_error saying what is wrong with the text.
Header parse_header(std::string_view text);

/// For each buffer of the header, the program's buffer of that name. Throws InputError, with both
/// values, if the buffers are not the same in name, type and shape.
std::vector<BufferId> match_buffers(const Header& header, const StepProgram& program,
                                    const std::string& file);

std::uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace aforo::checkpoint
