#pragma once
// Saves and restores what training must remember: weights, masters, optimizer states and control.
//
// A checkpoint knows tensors by name, shape and type, not by place: it loads under another
// micro-batch size, recomputation, backend, number of ranks or sharding, as long as the precision is
// the same. Training then goes on bit for bit as it would have without the stop, under the same plan
// or under any deterministic one.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "planner/program/program.h"
#include "runtime/core/backend.h"

namespace aforo {

/// What a checkpoint says beside its buffers.
struct CheckpointState {
  std::int64_t n_steps_done = 0;
  std::string job_key;  ///< of what is trained; the caller's words, compared as a whole
};

/// Writes step-<n>.ckpt into `folder` (made if missing): to a file of another name first, which is
/// synchronized and renamed, so that a crash leaves the former ones alone. Then removes all but
/// this one and the one before it; those of later steps too, since they belong to a run that was
/// begun again. Throws EnvironmentError if the disk does not take it; the former checkpoints stay.
///
/// Several ranks call it together. Each writes what it holds into one folder step-<n>.ckpt, which
/// they must share; it gets its name when all files are on the disk and a mark says so.
void save_checkpoint(const std::filesystem::path& folder, const Executor& executor,
                     const StepProgram& program, const CheckpointState& state,
                     Communicator* communicator = nullptr);

struct LoadedCheckpoint {
  std::filesystem::path file;
  std::int64_t n_steps_done = 0;
  std::vector<std::string> damaged;  ///< newer ones that were passed over, each with what is wrong
};

/// Loads the newest intact checkpoint of `folder` into an executor that was initialized. Every
/// buffer that the program keeps from step to step is then as it was saved, except inputs and
/// workspace. Several ranks call it together and load the same one.
/// Throws InputError if there is none, or if it was made for another job key or other buffers (both
/// values are named; nothing is loaded then); EnvironmentError if all are damaged.
LoadedCheckpoint load_checkpoint(const std::filesystem::path& folder, Executor& executor,
                                 const StepProgram& program, const std::string& job_key,
                                 Communicator* communicator = nullptr);

/// Checkpoints of a folder, newest first; empty if there is no such folder.
std::vector<std::filesystem::path> checkpoints_in(const std::filesystem::path& folder);

}  // namespace aforo
