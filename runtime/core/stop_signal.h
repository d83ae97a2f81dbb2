#pragma once
// Ctrl-C without loss: a signal asks the training loop to finish its step and stop.

#include <atomic>
#include <csignal>

namespace aforo {

/// While it lives, the first SIGINT or SIGTERM only sets `requested()`; a second one ends the
/// process as if nothing were installed. The former handlers come back at the end. At most one may
/// live at a time.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// Asks as the signal does.
  void request() const;
  /// For LoopOptions::stop.
  const std::atomic<bool>& requested() const;

 private:
  struct sigaction former_interrupt_;
  struct sigaction former_terminate_;
};

}  // namespace aforo
