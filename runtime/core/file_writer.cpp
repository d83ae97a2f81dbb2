#include "runtime/core/file_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "planner/base/error.h"

namespace aforo {

FileWriter::FileWriter(std::filesystem::path path) : path_(std::move(path)) {
  file_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file_ < 0) fail("cannot be created");
}

FileWriter::~FileWriter() {
  if (file_ < 0) return;
  close(file_);
  unlink(path_.c_str());
}

void FileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot be written");
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
}

void FileWriter::move_to(const std::filesystem::path& final_path) {
  if (fsync(file_) != 0) fail("cannot be written");
  if (rename(path_.c_str(), final_path.c_str()) != 0) fail("cannot be renamed");
  close(file_);
  file_ = -1;
  synchronize_folder(final_path.parent_path());
}

void synchronize_folder(const std::filesystem::path& path) {
  const int folder = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  fsync(folder);
  close(folder);
}

void FileWriter::fail(const char* what) const {
  throw EnvironmentError(fmt::format("{}: {}: {}; free some space or name another folder",
                                     path_.string(), what, std::strerror(errno)));
}

}  // namespace aforo
