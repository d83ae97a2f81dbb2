#include "runtime/core/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>

#include "planner/base/error.h"
#include "runtime/core/checkpoint_format.h"
#include "runtime/core/file_writer.h"

namespace aforo {
namespace {

namespace fs = std::filesystem;
using namespace checkpoint;

static_assert(std::endian::native == std::endian::little, "checkpoints are little-endian");

constexpr std::string_view suffix = ".ckpt";
constexpr std::string_view unfinished_suffix = ".ckpt.part";

bool ends_with(const fs::path& path, std::string_view ending) {
  return path.filename().string().ends_with(ending);
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}
std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

void write_contents(FileWriter& file, const Executor& executor, const StepProgram& program,
                    const CheckpointState& state) {
  const std::string header = header_text(program, state);
  file.write(bytes_of(begin_mark));
  file.write(bytes_of(static_cast<std::uint64_t>(header.size())));
  file.write(bytes_of(std::string_view(header)));
  file.write(bytes_of(crc32(bytes_of(std::string_view(header)))));
  std::vector<std::byte> contents;
  for (BufferId id : kept_buffers(program)) {
    contents.resize(static_cast<std::size_t>(program.buffers[id].bytes().value));
    executor.read(id, contents);
    file.write(contents);
    file.write(bytes_of(crc32(contents)));
  }
  file.write(bytes_of(end_mark));
}

/// Removes all checkpoints but `last` and the one before it, which serves should the last be
/// damaged, and what crashes left unfinished. That a file cannot be removed is no reason to end a
/// training.
void remove_others(const fs::path& folder, const fs::path& last) {
  std::error_code ignored;
  int n_older = 0;
  for (const fs::path& path : checkpoints_in(folder))
    if (path > last || (path < last && ++n_older > 1)) fs::remove(path, ignored);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored))
    if (ends_with(entry.path(), unfinished_suffix)) fs::remove(entry.path(), ignored);
}

/// What is wrong with one file; another may do.
struct Damage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Reads one checkpoint from front to end.
class Reader {
 public:
  explicit Reader(const fs::path& path) : path_(path), file_(path, std::ios::binary) {
    if (!file_) throw Damage(fmt::format("cannot be opened: {}", std::strerror(errno)));
    size_ = static_cast<std::int64_t>(fs::file_size(path));
  }

  Header header() {
    expect(begin_mark, "does not begin as a checkpoint");
    const auto length = number<std::uint64_t>();
    if (length > static_cast<std::uint64_t>(size_)) throw truncated();
    const std::vector<std::byte> text = checked(static_cast<std::size_t>(length), "its header");
    Header header;
    try {
      header = parse_header({reinterpret_cast<const char*>(text.data()), text.size()});
    } catch (const std::exception& error) {
      throw Damage(error.what());
    }
    check_size(header, length);
    return header;
  }

  /// `n` bytes and the CRC that follows them.
  std::vector<std::byte> checked(std::size_t n, const std::string& what) {
    std::vector<std::byte> bytes(n);
    read(bytes);
    const std::uint32_t crc = crc32(bytes), stored = number<std::uint32_t>();
    if (crc != stored)
      throw Damage(fmt::format("{} has CRC {:08x}, stored is {:08x}", what, crc, stored));
    return bytes;
  }

  void end() { expect(end_mark, "does not end as a checkpoint"); }

 private:
  Damage truncated() const { return Damage(fmt::format("is truncated at {} bytes", size_)); }

  void check_size(const Header& header, std::uint64_t length) const {
    std::int64_t expected = static_cast<std::int64_t>(begin_mark.size() + sizeof length + length +
                                                      sizeof(std::uint32_t) + end_mark.size());
    for (const SavedBuffer& buffer : header.buffers)
      expected += buffer.bytes + static_cast<std::int64_t>(sizeof(std::uint32_t));
    if (size_ != expected) throw Damage(fmt::format("has {} bytes, expected {}", size_, expected));
  }

  template <typename T>
  T number() {
    std::array<std::byte, sizeof(T)> bytes;
    read(bytes);
    return std::bit_cast<T>(bytes);
  }

  void expect(std::string_view mark, const char* otherwise) {
    std::array<std::byte, begin_mark.size()> bytes;
    read(bytes);
    if (std::memcmp(bytes.data(), mark.data(), mark.size()) != 0) throw Damage(otherwise);
  }

  void read(std::span<std::byte> bytes) {
    file_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (static_cast<std::size_t>(file_.gcount()) != bytes.size()) throw truncated();
  }

  fs::path path_;
  std::ifstream file_;
  std::int64_t size_ = 0;
};

/// Throws Damage if the file is not intact, InputError if it belongs to something else.
LoadedCheckpoint load_file(const fs::path& path, Executor& executor, const StepProgram& program,
                           const std::string& job_key) {
  Reader reader(path);
  const Header header = reader.header();
  if (header.state.job_key != job_key)
    throw InputError(
        fmt::format("{}: was made for job {}, this plan is for {}; resume with the plan it was "
                    "made with, or train in another folder",
                    path.string(), header.state.job_key, job_key));
  const std::vector<BufferId> ids = match_buffers(header, program, path.string());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const SavedBuffer& saved = header.buffers[i];
    executor.write(ids[i], reader.checked(static_cast<std::size_t>(saved.bytes), saved.name));
  }
  reader.end();
  return {path, header.state.n_steps_done, {}};
}

}  // namespace

void save_checkpoint(const fs::path& folder, const Executor& executor, const StepProgram& program,
                     const CheckpointState& state) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw InputError(fmt::format("{}: cannot be made: {}; name another folder", folder.string(),
                                 error.message()));
  const std::string stem = fmt::format("step-{:09d}", state.n_steps_done);
  const fs::path unfinished = folder / (stem + std::string(unfinished_suffix));
  FileWriter file(unfinished);
  write_contents(file, executor, program, state);
  const fs::path finished = folder / (stem + std::string(suffix));
  file.move_to(finished);
  remove_others(folder, finished);
}

LoadedCheckpoint load_checkpoint(const fs::path& folder, Executor& executor,
                                 const StepProgram& program, const std::string& job_key) {
  std::vector<std::string> damaged;
  for (const fs::path& path : checkpoints_in(folder)) {
    try {
      LoadedCheckpoint loaded = load_file(path, executor, program, job_key);
      loaded.damaged = std::move(damaged);
      return loaded;
    } catch (const Damage& damage) {
      damaged.push_back(fmt::format("{}: {}", path.string(), damage.what()));
    }
  }
  if (damaged.empty())
    throw InputError(fmt::format("{}: holds no checkpoint (step-*{}); train without resuming",
                                 folder.string(), suffix));
  throw EnvironmentError(
      fmt::format("no checkpoint is intact: {}; train without resuming", fmt::join(damaged, "; ")));
}

std::vector<fs::path> checkpoints_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code missing;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, missing))
    if (ends_with(entry.path(), suffix)) found.push_back(entry.path());
  // Numbers have nine digits, so names sort as steps do.
  std::sort(found.rbegin(), found.rend());
  return found;
}

}  // namespace aforo
