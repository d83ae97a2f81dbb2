#pragma once
// Native's arena from the programs of a few layers. What is live at an op grows by the same bytes
// with every layer that lies elsewhere, so the peaks of the first and last layer of each run and of
// both ends, in every phase, give those of any depth.

#include <map>
#include <utility>

#include "planner/fast/memory.h"
#include "planner/fast/native_program.h"
#include "planner/lower/live_bytes.h"

namespace aforo::fast {

/// Memory of one setup for any number of layers computed again in full. Lowers short programs on
/// demand and remembers them.
class NativeMemory {
 public:
  /// `setup` must have a program.
  explicit NativeMemory(const Setup& setup) : setup_(setup) {}

  MemoryParts parts(int full_layers);

 private:
  /// Where in a program an op lies.
  static constexpr int n_places = 6, n_phases = 6;
  using Peaks = std::array<std::array<BytesByRole, n_places>, n_phases>;
  struct Short {
    Peaks peaks{};
    double fragmentation = 0;
  };

  static Peaks peaks_of(const StepProgram& program, LayerRuns runs);
  const Short& of(LayerRuns runs);

  Setup setup_;
  std::map<std::pair<int, int>, Short> known_;
};

}  // namespace aforo::fast
