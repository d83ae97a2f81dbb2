#include "planner/base/files.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "planner/base/error.h"
#include "tests/base/thrown.h"
#include "tests/support/temporary_folder.h"

namespace fs = std::filesystem;

namespace aforo {
namespace {

/// Sets an environment variable for the length of a test.
struct Variable {
  explicit Variable(const std::string& value) { ::setenv("AFORO_DATA", value.c_str(), 1); }
  ~Variable() { ::unsetenv("AFORO_DATA"); }
};

/// No file may grow beyond `limit` bytes for the length of a test: what a full disk does, at a
/// known place.
class SmallFiles {
 public:
  explicit SmallFiles(rlim_t limit) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit now{limit, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
  }
  ~SmallFiles() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("files: what is written is read back, and no temporary file is left") {
  const TemporaryFolder folder;
  const std::string contents = std::string("a\0b\n", 4) + std::string(200000, 'x');
  write_file(folder / "f", "old");
  write_file(folder / "f", contents);
  CHECK(read_file(folder / "f") == contents);
  CHECK(folder.n_entries() == 1);
}

TEST_CASE("files: a file that cannot be read is refused with path and reason") {
  const TemporaryFolder folder;
  const std::string path = folder / "none";
  CHECK(test::input_error([&] { read_file(path); }) ==
        path + ": cannot read: No such file or directory");
  CHECK(test::input_error([&] { read_file(folder.path().string()); }) ==
        folder.path().string() + ": cannot read: Is a directory");
}

TEST_CASE("files: a file beyond the limit is refused before it is all in memory") {
  const TemporaryFolder folder;
  write_file(folder / "f", std::string(3000, 'x'));
  CHECK(read_file(folder / "f", 3000).size() == 3000);
  CHECK(test::input_error([&] { read_file(folder / "f", 2048); }) ==
        (folder / "f") + ": larger than 2.0 KiB, which is the most this kind of file may have");
  CHECK(test::input_error([] { read_file("/dev/zero", 1 << 20); }).find("larger than 1.0 MiB") !=
        std::string::npos);
}

TEST_CASE("files: a write that fails leaves the old file and nothing else") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "taken");
  CHECK(test::input_error([&] { write_file(folder / "taken", "x"); }) ==
        (folder / "taken") + ": cannot write: Is a directory");
  CHECK(test::input_error([&] { write_file(folder / "no/f", "x"); }) ==
        (folder / "no/f") + ": cannot write: No such file or directory");
  CHECK(folder.n_entries() == 1);
}

TEST_CASE("files: a write that breaks off half way leaves the old file and nothing else") {
  const TemporaryFolder folder;
  write_file(folder / "f", "old");
  {
    const SmallFiles small(4096);
    CHECK(test::input_error([&] { write_file(folder / "f", std::string(100000, 'x')); }) ==
          (folder / "f") + ": cannot write: File too large");
  }
  CHECK(read_file(folder / "f") == "old");
  CHECK(folder.n_entries() == 1);
}

TEST_CASE("files: a device is written into, not replaced") {
  write_file("/dev/null", "x");
  CHECK(fs::is_character_file("/dev/null"));
  CHECK(test::input_error([] { write_file("/dev/full", "x"); }) ==
        "/dev/full: cannot write: No space left on device");
}

TEST_CASE("files: writing through a link replaces its target, not the link") {
  const TemporaryFolder folder;
  write_file(folder / "target", "old");
  fs::create_symlink(folder / "target", folder / "link");
  write_file(folder / "link", "new");
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_file(folder / "target") == "new");
}

TEST_CASE("files: data_root is AFORO_DATA where that is set, and says so when it has no data") {
  const TemporaryFolder folder;
  fs::create_directory(folder / "models");
  fs::create_directory(folder / "profiles");
  {
    const Variable variable(folder.path().string());
    CHECK(data_root() == folder.path().string());
  }
  {
    const Variable variable("/no/such/folder");
    try {
      data_root();
      FAIL_CHECK("nothing was thrown");
    } catch (const EnvironmentError& error) {
      CHECK(std::string(error.what()) ==
            "AFORO_DATA is \"/no/such/folder\", which has no models/ and profiles/; set it to the "
            "folder that has them, or unset it");
    }
  }
}

TEST_CASE("files: data_root falls back to the source tree of the build") {
  CHECK(fs::equivalent(data_root(), AFORO_SOURCE_DIR));
}

TEST_CASE("files: files_in lists one ending, sorted, and refuses a folder that is none") {
  const TemporaryFolder folder;
  for (const char* name : {"b.yaml", "a.yaml", "c.json"}) write_file(folder / name, "");
  CHECK(files_in(folder.path().string(), ".yaml") ==
        std::vector<std::string>{folder / "a.yaml", folder / "b.yaml"});
  CHECK(test::input_error([&] { files_in(folder / "none", ".yaml"); }) ==
        (folder / "none") + ": cannot list: No such file or directory");
}

}  // namespace aforo
