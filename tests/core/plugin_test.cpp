#include "runtime/core/plugin.h"

#include <doctest/doctest.h>

#include "planner/base/error.h"
#include "tests/core/fake_backend.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

int threads_asked_for = 0;

std::unique_ptr<Backend> make_linked(int n_threads) {
  threads_asked_for = n_threads;
  return std::make_unique<fake::Backend>();
}

const BackendFactory linked[] = {{"linked", make_linked}};

std::filesystem::path test_plugins() { return program_folder() / "test_plugins"; }

std::string error_of(const std::string& name,
                     const std::filesystem::path& folder = test_plugins()) {
  return message_of<EnvironmentError>([&] { open_backend(name, 1, linked, folder); });
}

}  // namespace

TEST_CASE("plugin: a backend that is linked in is made with its threads") {
  CHECK(open_backend("linked", 3, linked, "/nowhere")->name() == "fake");
  CHECK(threads_asked_for == 3);
}

TEST_CASE("plugin: a library beside the program is loaded and runs programs") {
  const std::unique_ptr<Backend> backend = open_backend("good", 1, linked, test_plugins());
  CHECK(backend->description() == "fake, computes nothing");
  StepProgram program;
  program.ops.push_back({Fill{1, 0.0f}, {}, {}, {}});
  program.sections = {{SectionKind::begin, 0, 1, 1}};
  CHECK(backend->load(program)->run_profiled(SectionKind::begin).size() == 1);
}

TEST_CASE("plugin: a missing library says what was looked for, what there is and how to build it") {
  const std::string error = error_of("cuda", "/nowhere");
  CHECK(contains(error, "looked for /nowhere/libaforo_backend_cuda.so"));
  CHECK(contains(error, "built in are: linked"));
  CHECK(contains(error, "-DAFORO_CUDA=ON"));
}

TEST_CASE("plugin: a library that cannot be loaded says why") {
  const TemporaryFolder folder;
  folder.write("libaforo_backend_broken.so", "this is no library");
  const std::string error = error_of("broken", folder.path());
  CHECK(contains(error, "backend broken cannot be loaded: dlopen("));
  CHECK(contains(error, "libaforo_backend_broken.so"));
}

TEST_CASE("plugin: a library of another version is refused with both versions") {
  CHECK(
      contains(error_of("old"), "was built for backend version 1, but this program has version 2"));
}

TEST_CASE("plugin: a library without the entry points is no backend") {
  CHECK(contains(error_of("partial"), "is no backend of aforo: dlsym(aforo_backend_create)"));
}

TEST_CASE("plugin: a backend that cannot start hands its reason on") {
  CHECK(error_of("no_device") ==
        "backend no_device cannot start: cudaGetDeviceCount: no CUDA-capable device is detected");
}

TEST_CASE("plugin: a name that is a path is refused") {
  for (const char* name : {"", "../evil", "CPU", "a b"})
    CHECK_THROWS_AS(open_backend(name, 1, linked, test_plugins()), InputError);
}
