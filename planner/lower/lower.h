#pragma once
// (job, plan, target) -> step program. Reads as a list of passes; see lower.cpp.

#include <string>
#include <vector>

#include "planner/program/program.h"
#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo {

/// Lowers one optimizer step of `job` under `plan`. Throws InputError if the pair is impossible (a
/// micro-batch that does not divide the batch, a sequence longer than the learned positions,
/// recompute not naming every layer) or the model has what no block makes (experts, latent
/// attention, sinks).
StepProgram lower(const TrainingJob& job, const Plan& plan, const Target& target);

/// The same, stopped after the pass of this name; memory is planned only if that pass was reached.
/// Throws InputError naming the passes if there is none of this name.
StepProgram lower_until(const TrainingJob& job, const Plan& plan, const Target& target,
                        const std::string& pass);

/// Names of the passes, in order.
std::vector<std::string> pass_names();

}  // namespace aforo
