#include "planner/fast/native_memory.h"

#include <algorithm>
#include <numeric>

namespace aforo::fast {
namespace {

// Of a run this many layers are lowered: the first, the last, and what lies between them.
constexpr int shortest = 2;

using Roles = std::array<double, n_roles>;

double sum(const Roles& roles) { return std::accumulate(roles.begin(), roles.end(), 0.0); }

std::int64_t sum(const BytesByRole& roles) {
  return std::accumulate(roles.begin(), roles.end(), std::int64_t{0});
}

/// Places 0 to 3: first and last layer of the full run and of the other; 4 and 5: before and after
/// the layers. -1 for layers inside a run.
int place_of(int layer, LayerRuns runs, bool seen_layers) {
  if (layer < 0) return seen_layers ? 5 : 4;
  const bool full = layer < runs.full;
  const int index = full ? layer : layer - runs.full, size = full ? runs.full : runs.rest;
  if (index > 0 && index < size - 1) return -1;
  return (full ? 0 : 2) + (index == size - 1 ? 1 : 0);
}

MemoryParts as_parts(const Roles& roles) {
  const auto of = [&](Role role) { return roles[static_cast<int>(role)]; };
  MemoryParts parts;
  parts.weights = of(Role::weight);
  parts.master = of(Role::master);
  parts.optimizer_states = of(Role::optimizer_state);
  parts.gradients = of(Role::gradient);
  parts.activations = of(Role::activation);
  parts.workspace = of(Role::workspace) + of(Role::control) + of(Role::input);
  return parts;
}

}  // namespace

NativeMemory::Peaks NativeMemory::peaks_of(const StepProgram& program, LayerRuns runs) {
  Peaks peaks{};
  const std::vector<BytesByRole> live = live_bytes(program);
  std::array<bool, n_phases> seen{};
  for (std::size_t i = 0; i < live.size(); ++i) {
    const OpLabel& label = program.ops[i].label;
    const int phase = static_cast<int>(label.phase);
    seen[phase] = seen[phase] || label.layer >= 0;
    const int place = place_of(label.layer, runs, seen[phase]);
    if (place < 0) continue;
    BytesByRole& peak = peaks[phase][place];
    if (sum(live[i]) > sum(peak)) peak = live[i];
  }
  return peaks;
}

const NativeMemory::Short& NativeMemory::of(LayerRuns runs) {
  const auto [it, fresh] = known_.try_emplace({runs.full, runs.rest});
  if (fresh) {
    const StepProgram program = short_program(setup_, runs, Windows::as_model, "plan_memory");
    it->second = {peaks_of(program, runs), static_cast<double>(program.memory.fragmentation.value)};
  }
  return it->second;
}

MemoryParts NativeMemory::parts(int full_layers) {
  setup_.recompute.full_layers = full_layers;
  const LayerRuns runs = runs_of(setup_);
  const LayerRuns few{std::min(runs.full, shortest), std::min(runs.rest, shortest)};
  const Short& base = of(few);
  const double more_full = runs.full - few.full, more_rest = runs.rest - few.rest;
  const Peaks& full = more_full > 0 ? of({few.full + 1, few.rest}).peaks : base.peaks;
  const Peaks& rest = more_rest > 0 ? of({few.full, few.rest + 1}).peaks : base.peaks;
  Roles most{};
  for (int phase = 0; phase < n_phases; ++phase)
    for (int place = 0; place < n_places; ++place) {
      Roles roles{};
      for (int r = 0; r < n_roles; ++r) {
        const double bytes = static_cast<double>(base.peaks[phase][place][r]);
        roles[r] = bytes + more_full * (static_cast<double>(full[phase][place][r]) - bytes) +
                   more_rest * (static_cast<double>(rest[phase][place][r]) - bytes);
      }
      if (sum(roles) > sum(most)) most = roles;
    }
  MemoryParts parts = as_parts(most);
  parts.slack = base.fragmentation;
  parts.context = setup_.device.context;
  return parts;
}

}  // namespace aforo::fast
