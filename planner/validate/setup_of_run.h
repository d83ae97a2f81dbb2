#pragma once
// What a published run trained and how, completed by stated assumptions where the source is silent.
// Reads inputs only; measured columns never.

#include <deque>
#include <string>
#include <vector>

#include "planner/fast/cluster.h"
#include "planner/fast/engine.h"
#include "planner/fast/setup.h"
#include "planner/spec/hardware.h"
#include "planner/validate/run_file.h"

namespace aforo::validate {

/// A run ready to be predicted, or the reason why it is not.
struct Case {
  const Run* run = nullptr;
  ModelSpec model;
  fast::Setup setup;  ///< points at `model`
  fast::Cluster cluster;
  const fast::EngineSpec* engine = nullptr;
  std::vector<std::string> assumptions;  ///< "micro_batch_seqs: 1", one per missing input
  std::string problem;                   ///< why it cannot be predicted; "" if it can
};

/// What cases are made from: our own profiles.
struct Catalogue {
  std::vector<AcceleratorSpec> accelerators;
  std::vector<fast::EngineSpec> engines;
  std::vector<ModelSpec> models;
  static Catalogue load();
};

/// One case per run, in order; a deque, since setups point into cases. Cases point into `runs`,
/// which must outlive them.
std::deque<Case> cases_of(const std::vector<Run>& runs, const Catalogue& catalogue);
std::deque<Case> cases_of(std::vector<Run>&& runs, const Catalogue& catalogue) = delete;

/// The engine whose `frameworks` has the longest beginning of a word in `framework`; with none, by
/// what only one kind of engine does (pipelines and distributed optimizers: megatron).
const fast::EngineSpec& engine_of(const Run& run, const Catalogue& catalogue);

/// The model of a run: ours of that name where the shape agrees, else a dense decoder from the
/// columns, gated or not, tied or not, whichever comes nearest to the stated parameter count.
ModelSpec model_of(const Run& run, const Catalogue& catalogue);

}  // namespace aforo::validate
