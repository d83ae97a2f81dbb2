#pragma once
// Native's fast evaluation composes what lowering makes of a few layers: nothing is modelled twice.

#include "planner/fast/setup.h"
#include "planner/lower/lower.h"

namespace aforo::fast {

/// Whether lowering makes this setup's program: a dense model that is trained in full, in fp32,
/// bf16 or fp16, without sharding, packing or offload, and with recomputation as a Plan can say it.
bool has_program(const Setup& setup);

/// Layers that are computed again in full lie in front of the others.
struct LayerRuns {
  int full = 0;
  int rest = 0;
  int total() const { return full + rest; }
  bool operator==(const LayerRuns&) const = default;
};
LayerRuns runs_of(const Setup& setup);

/// Windows of all layers of a shortened program.
enum class Windows { as_model, none, all };

/// The program of the setup with other numbers of layers and at most two micro-steps (more repeat
/// the same ops), up to the pass of this name.
StepProgram short_program(const Setup& setup, LayerRuns runs, Windows windows, const char* pass);

/// A job and its plan as a setup of native. `plan.recompute` must be full on layers in front, and
/// none or selective on all others. The setup refers to the job's model.
Setup native_setup(const TrainingJob& job, const Plan& plan);

}  // namespace aforo::fast
