// The plug-in as a file, on a machine with or without a GPU: the only test of this folder that
// needs none.
#include "runtime/core/plugin.h"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>

using namespace aforo;

namespace {

const std::string library = (program_folder() / "libaforo_backend_cuda.so").string();

/// Null, with the loader's reason, if the library cannot be loaded.
void* handle() { return dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE); }

}  // namespace

TEST_CASE("plug-in: it loads without a driver and has this program's version") {
  void* plugin = handle();
  REQUIRE_MESSAGE(plugin != nullptr, dlerror());
  const auto version = reinterpret_cast<int (*)()>(dlsym(plugin, "aforo_backend_abi_version"));
  REQUIRE(version != nullptr);
  CHECK(version() == backend_abi_version);
}

TEST_CASE(
    "plug-in: it gives a backend, or says that there is no usable device and which versions it "
    "found") {
  void* plugin = handle();
  REQUIRE_MESSAGE(plugin != nullptr, dlerror());
  const auto create =
      reinterpret_cast<Backend* (*)(char*, std::size_t)>(dlsym(plugin, "aforo_backend_create"));
  REQUIRE(create != nullptr);
  std::array<char, 512> error{};
  const std::unique_ptr<Backend> backend(create(error.data(), error.size()));
  const std::string message = error.data();
  if (backend) {
    CHECK(backend->name() == "cuda");
    CHECK(message.empty());
  } else {
    CHECK(message.find("no usable CUDA device (driver ") == 0);
    CHECK(message.find(", runtime 1") != std::string::npos);  // 12040, 13000
  }
}

TEST_CASE("plug-in: a message that does not fit is cut, not written past its end") {
  void* plugin = handle();
  REQUIRE_MESSAGE(plugin != nullptr, dlerror());
  const auto create =
      reinterpret_cast<Backend* (*)(char*, std::size_t)>(dlsym(plugin, "aforo_backend_create"));
  std::array<char, 16> error;
  error.fill('x');
  const std::unique_ptr<Backend> backend(create(error.data(), 8));
  if (!backend)
    CHECK(std::string(error.data(), error.size()) == std::string("no usab\0xxxxxxxx", 16));
}

TEST_CASE("plug-in: it shows nothing but its two functions") {
  void* plugin = handle();
  REQUIRE_MESSAGE(plugin != nullptr, dlerror());
  // Symbols that the library certainly contains: the CUDA runtime's and the program's.
  for (const char* hidden : {"cudaMalloc", "_ZN5aforo6verifyERKNS_11StepProgramE"}) {
    CAPTURE(hidden);
    void* found = dlsym(plugin, hidden);
    Dl_info where{};
    const bool inside =
        found != nullptr && dladdr(found, &where) != 0 && library == where.dli_fname;
    CHECK_FALSE(inside);
  }
}
