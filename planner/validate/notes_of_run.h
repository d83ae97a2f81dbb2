#pragma once
// Inputs of a run that its source states in words or as flags of the framework's command line.

#include "planner/fast/engine.h"
#include "planner/fast/setup.h"
#include "planner/validate/run_file.h"

namespace aforo::validate {

/// The value of "name=value" in the notes, "" if absent.
std::string flag_of(const Run& run, const std::string& name);

/// Tokens of the longest sequence: as stated, or Alpaca's longest sample where a source fine-tunes
/// on unpacked Alpaca; says so in `assumptions`.
int seq_len_of(const Run& run, std::vector<std::string>& assumptions);

/// Experts, gating, positions, ties and latent attention as the notes have them.
void apply_model_notes(const Run& run, ModelSpec& model);

/// Adapters, loss, reported stage and what else only memory depends on.
void apply_memory_notes(const Run& run, const fast::EngineSpec& engine, fast::Setup& setup);

}  // namespace aforo::validate
