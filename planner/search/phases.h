#pragma once
// A training run phase by phase: what loading, forward, backward, the update, the first step,
// steady steps, evaluation and saving take in time, on the device, on the host and on disk.

#include <string>
#include <vector>

#include "planner/program/program.h"
#include "planner/search/layout_estimate.h"

namespace aforo {

struct PhaseCost {
  std::string name;
  std::string per;     ///< "run", "step", "evaluation" (of one global batch), "checkpoint"
  double seconds = 0;  ///< of all that happens in it, exposed communication included
  double device = 0;   ///< bytes of the fullest device at the phase's peak, context included
  double host = 0;     ///< bytes of host memory per device
  double disk = 0;     ///< bytes per checkpoint, or on drives for offload, over all devices
};

/// Phases of a layout. Loading and saving go at one device's share of local drives (assumed, see
/// fast::Cluster): loading reads 16-bit weights once a machine, or a share of them where they are
/// sharded; saving writes what resuming needs, once, by the ranks that hold it. Engines that make
/// their optimizer states in the first update (EngineSpec::lazy_states) peak lower in the first
/// step than in all others.
std::vector<PhaseCost> phases_of(const fast::Setup& setup, const fast::Cluster& cluster,
                                 const fast::EngineSpec& engine, const LayoutEstimate& estimate);

/// Phases of a native program, from its ops and its arena.
std::vector<PhaseCost> phases_of(const StepProgram& program, const Estimate& estimate);

}  // namespace aforo
