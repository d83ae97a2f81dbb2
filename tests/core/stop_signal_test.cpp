#include "runtime/core/stop_signal.h"

#include <doctest/doctest.h>

using namespace aforo;

namespace {

volatile std::sig_atomic_t n_caught = 0;
void count(int) { n_caught = n_caught + 1; }

}  // namespace

TEST_CASE("stop_signal: the first signal is a request, and former handlers come back") {
  std::signal(SIGINT, count);
  for (const int signal : {SIGINT, SIGTERM}) {
    const StopSignal stop;
    CHECK_FALSE(stop.requested());
    std::raise(signal);
    CHECK(stop.requested());
  }
  CHECK(n_caught == 0);
  std::raise(SIGINT);
  CHECK(n_caught == 1);
  std::signal(SIGINT, SIG_DFL);
}
