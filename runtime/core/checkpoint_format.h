#pragma once
// The file format of checkpoints. All numbers are little-endian.
//
//   8 bytes    "aforockp"
//   8 bytes    length of the header
//   header     JSON: version, n_steps_done, job_key, pieces [{name, dtype, rows, cols, begin, count}]
//   4 bytes    CRC-32 of the header
//   per piece  its bytes as in memory, then 4 bytes of CRC-32 over them
//   8 bytes    "aforoend"
//
// A piece is elements [begin, begin + count) of a tensor of rows x cols. One rank writes one file,
// step-<n>.ckpt. Several write a folder of that name with a file each, and a file "complete" once
// all are on the disk: JSON with version and files [{name, bytes}].

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/checkpoint.h"
#include "runtime/core/checkpoint_pieces.h"

namespace aforo::checkpoint {

constexpr std::string_view begin_mark = "aforockp";
constexpr std::string_view end_mark = "aforoend";
constexpr std::string_view complete_name = "complete";
constexpr int format_version = 2;

/// What is wrong with a checkpoint; another may do.
struct Damage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct SavedPiece {
  std::string name;
  Tensor tensor;
  std::int64_t begin = 0, count = 0;
  std::int64_t bytes = 0;
};

struct Header {
  CheckpointState state;
  std::vector<SavedPiece> pieces;
};

/// Throws std::runtime_error saying what is wrong with the text.
std::string header_text(const Header& header);
Header parse_header(std::string_view text);

struct CompleteMark {
  struct File {
    std::string name;
    std::int64_t bytes = 0;
  };
  std::vector<File> files;
};
std::string complete_text(const CompleteMark& mark);
CompleteMark parse_complete(std::string_view text);

/// Throws InputError, with both values, unless the pieces' tensors are those of the program.
void check_tensors(const std::vector<SavedPiece>& pieces, const StepProgram& program,
                   const std::string& file);

std::uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace aforo::checkpoint
