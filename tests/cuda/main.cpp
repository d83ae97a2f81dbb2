// Runs the tests on the first CUDA device; without one says why and returns 77, which CTest counts
// as skipped. A plug-in that is missing or broken is a failure.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <string_view>

#include "planner/base/error.h"
#include "runtime/core/plugin.h"
#include "tests/cuda/op_case.h"

namespace {

constexpr int skipped = 77;
std::unique_ptr<aforo::Backend> opened;

}  // namespace

aforo::Backend& aforo::cuda_test::device() { return *opened; }

int main(int argc, char** argv) {
  try {
    opened = aforo::open_backend("cuda", 1, {}, aforo::program_folder());
  } catch (const aforo::EnvironmentError& error) {
    const bool no_device =
        std::string_view(error.what()).find("no usable CUDA device") != std::string_view::npos;
    std::printf("%s: %s\n", no_device ? "skipped" : "failed", error.what());
    return no_device ? skipped : 1;
  }
  std::printf("%s\n", opened->description().c_str());
  const int result = doctest::Context(argc, argv).run();
  opened.reset();
  return result;
}
