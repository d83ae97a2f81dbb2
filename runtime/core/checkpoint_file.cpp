#include "runtime/core/checkpoint_file.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>

#include "runtime/core/file_writer.h"

namespace aforo::checkpoint {
namespace {

static_assert(std::endian::native == std::endian::little, "checkpoints are little-endian");

constexpr std::int64_t crc_bytes = sizeof(std::uint32_t);

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// A file that counts what is written.
class CountingWriter {
 public:
  explicit CountingWriter(FileWriter& file) : file_(file) {}
  void write(std::span<const std::byte> bytes) {
    file_.write(bytes);
    n_bytes_ += static_cast<std::int64_t>(bytes.size());
  }
  std::int64_t n_bytes() const { return n_bytes_; }

 private:
  FileWriter& file_;
  std::int64_t n_bytes_ = 0;
};

}  // namespace

std::int64_t write_file(const std::filesystem::path& unfinished,
                        const std::filesystem::path& finished, const Executor& executor,
                        const StepProgram& program, int rank, const CheckpointState& state) {
  const std::vector<Piece> pieces = pieces_to_save(program, rank);
  const std::map<std::string, Tensor> tensors = kept_tensors(program);
  Header header{state, {}};
  for (const Piece& piece : pieces)
    header.pieces.push_back({piece.tensor, tensors.at(piece.tensor), piece.begin, piece.count});
  const std::string text = header_text(header);
  FileWriter writer(unfinished);
  CountingWriter file(writer);
  file.write(bytes_of(begin_mark));
  file.write(bytes_of(static_cast<std::uint64_t>(text.size())));
  file.write(bytes_of(std::string_view(text)));
  file.write(bytes_of(crc32(bytes_of(std::string_view(text)))));
  std::vector<std::byte> contents;
  for (const Piece& piece : pieces) {
    const std::int64_t width = size_of(program.buffers[piece.buffer].dtype);
    contents.resize(static_cast<std::size_t>(piece.count * width));
    executor.read_part(piece.buffer, piece.at * width, contents);
    file.write(contents);
    file.write(bytes_of(crc32(contents)));
  }
  file.write(bytes_of(end_mark));
  writer.move_to(finished);
  return file.n_bytes();
}

CheckpointFile::CheckpointFile(const std::filesystem::path& path) : file_(path, std::ios::binary) {
  if (!file_) throw Damage(fmt::format("cannot be opened: {}", std::strerror(errno)));
  size_ = static_cast<std::int64_t>(std::filesystem::file_size(path));
  read_header();
}

void CheckpointFile::read_header() {
  expect(begin_mark, "does not begin as a checkpoint");
  std::uint64_t length = 0;
  read(std::as_writable_bytes(std::span(&length, 1)));
  if (length > static_cast<std::uint64_t>(size_)) throw truncated();
  const std::vector<std::byte> text = checked(static_cast<std::size_t>(length), "its header");
  try {
    header_ = parse_header({reinterpret_cast<const char*>(text.data()), text.size()});
  } catch (const std::exception& error) {
    throw Damage(error.what());
  }
  std::int64_t at = static_cast<std::int64_t>(begin_mark.size() + sizeof length + length) + crc_bytes;
  for (const SavedPiece& piece : header_.pieces) {
    offsets_.push_back(at);
    at += piece.bytes + crc_bytes;
  }
  const std::int64_t expected = at + static_cast<std::int64_t>(end_mark.size());
  if (size_ != expected) throw Damage(fmt::format("has {} bytes, expected {}", size_, expected));
  file_.seekg(at);
  expect(end_mark, "does not end as a checkpoint");
}

std::vector<std::byte> CheckpointFile::read_piece(std::size_t index) {
  file_.seekg(offsets_[index]);
  const SavedPiece& piece = header_.pieces[index];
  return checked(static_cast<std::size_t>(piece.bytes), piece.name);
}

/// `n` bytes and the CRC that follows them.
std::vector<std::byte> CheckpointFile::checked(std::size_t n, const std::string& what) {
  std::vector<std::byte> bytes(n);
  read(bytes);
  std::uint32_t stored = 0;
  read(std::as_writable_bytes(std::span(&stored, 1)));
  if (const std::uint32_t crc = crc32(bytes); crc != stored)
    throw Damage(fmt::format("{} has CRC {:08x}, stored is {:08x}", what, crc, stored));
  return bytes;
}

void CheckpointFile::expect(std::string_view mark, const char* otherwise) {
  std::array<std::byte, begin_mark.size()> bytes;
  read(bytes);
  if (std::memcmp(bytes.data(), mark.data(), mark.size()) != 0) throw Damage(otherwise);
}

void CheckpointFile::read(std::span<std::byte> bytes) {
  file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (static_cast<std::size_t>(file_.gcount()) != bytes.size()) throw truncated();
}

Damage CheckpointFile::truncated() const {
  return Damage(fmt::format("is truncated at {} bytes", size_));
}

}  // namespace aforo::checkpoint
