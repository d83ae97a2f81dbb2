#include "runtime/core/stop_signal.h"

namespace aforo {
namespace {

// The one global of the runtime: a signal handler can reach nothing else.
std::atomic<bool> stop_requested{false};
static_assert(std::atomic<bool>::is_always_lock_free);

/// SA_RESETHAND has put the default action back by now, so a second signal ends the process.
void request_stop(int) { stop_requested.store(true); }

}  // namespace

StopSignal::StopSignal() {
  stop_requested.store(false);
  struct sigaction action = {};
  action.sa_handler = request_stop;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, &former_interrupt_);
  sigaction(SIGTERM, &action, &former_terminate_);
}

StopSignal::~StopSignal() {
  sigaction(SIGINT, &former_interrupt_, nullptr);
  sigaction(SIGTERM, &former_terminate_, nullptr);
}

void StopSignal::request() const { stop_requested.store(true); }

const std::atomic<bool>& StopSignal::requested() const { return stop_requested; }

}  // namespace aforo
