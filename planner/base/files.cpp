#include "planner/base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/base/text.h"

namespace fs = std::filesystem;

namespace aforo {
namespace {

[[noreturn]] void fail(const std::string& path, const char* what, int error) {
  throw InputError(fmt::format("{}: cannot {}: {}", path, what, std::strerror(error)));
}

/// Closes a descriptor at the end of a scope.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, std::string_view contents, const std::string& path) {
  while (!contents.empty()) {
    const ssize_t n = ::write(fd, contents.data(), contents.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path, "write", errno);
    contents.remove_prefix(static_cast<std::size_t>(n));
  }
}

void write_into(const std::string& path, std::string_view contents) {
  const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) fail(path, "write", errno);
  write_all(file.get(), contents, path);
}

void replace_file(const std::string& path, std::string_view contents) {
  const std::string temporary = fmt::format("{}.tmp{}", path, ::getpid());
  const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (file.get() < 0) fail(path, "write", errno);
  try {
    write_all(file.get(), contents, path);
    if (::fsync(file.get()) != 0) fail(path, "write", errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail(path, "write", errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

bool has_data(const fs::path& root) {
  std::error_code ignored;
  return fs::is_directory(root / "models", ignored) && fs::is_directory(root / "profiles", ignored);
}

}  // namespace

std::string read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail(path, "read", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) fail(path, "read", errno);
  if (S_ISDIR(status.st_mode)) fail(path, "read", EISDIR);
  std::string contents;
  char block[1 << 16];
  while (true) {
    const ssize_t n = ::read(file.get(), block, sizeof block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(path, "read", errno);
    if (n == 0) return contents;
    contents.append(block, static_cast<std::size_t>(n));
    if (contents.size() > limit)
      throw InputError(
          fmt::format("{}: larger than {}, which is the most this kind of file may have", path,
                      format_bytes(Bytes(static_cast<std::int64_t>(limit)))));
  }
}

void write_file(const std::string& path, std::string_view contents) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  if (fs::is_directory(status)) fail(path, "write", EISDIR);
  // A pipe or /dev/null must not be replaced by a file.
  if (fs::exists(status) && !fs::is_regular_file(status)) return write_into(path, contents);
  // The target of a link is replaced, not the link.
  const fs::path target = fs::is_symlink(path, ignored) ? fs::canonical(path, ignored) : fs::path();
  replace_file(target.empty() ? path : target.string(), contents);
}

std::string data_root() {
  if (const char* given = std::getenv("AFORO_DATA")) {
    if (has_data(given)) return given;
    throw EnvironmentError(fmt::format(
        "AFORO_DATA is {}, which has no models/ and profiles/; set it to the folder that has them, "
        "or unset it",
        shown(given)));
  }
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const std::string installed =
      (program.parent_path().parent_path() / "share" / "aforo").lexically_normal().string();
  for (const std::string& root : {installed, std::string(AFORO_SOURCE_DIR)})
    if (has_data(root)) return root;
  throw EnvironmentError(fmt::format(
      "no models/ and profiles/ in {} or {}; set AFORO_DATA to the folder that has them", installed,
      AFORO_SOURCE_DIR));
}

std::vector<std::string> files_in(const std::string& folder, std::string_view ending) {
  std::vector<std::string> paths;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().string().ends_with(ending)) paths.push_back(it->path().string());
  if (error) throw InputError(fmt::format("{}: cannot list: {}", folder, error.message()));
  std::sort(paths.begin(), paths.end());
  return paths;
}

}  // namespace aforo
