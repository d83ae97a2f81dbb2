#pragma once
// What is computed: model, tokens, batch, optimizer, schedule, data. Two plans of one job train the
// same thing.

#include <algorithm>
#include <cstdint>
#include <string>

#include "planner/spec/examples.h"
#include "planner/spec/model.h"

namespace aforo {

/// The native runtime executes adamw and sgd; the others are planned for other engines. Kept per
/// trained parameter: adamw two moments, adamw_8bit two of one byte, sgd and lion one, adafactor a
/// row and a column of each matrix, muon one on matrices and adamw's two on embedding and head.
enum class OptimizerKind { adamw, sgd, adamw_8bit, lion, adafactor, muon };

struct OptimizerSpec {
  OptimizerKind kind = OptimizerKind::adamw;
  double learning_rate = 3e-4;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay =
      0.1;                 ///< on tensors of two or more dimensions; adamw: decoupled, sgd: coupled
  double momentum = 0.9;   ///< sgd
  double clip_norm = 1.0;  ///< of the global gradient norm; 0: no clipping
  bool operator==(const OptimizerSpec&) const = default;
};

enum class ScheduleKind { constant, cosine, wsd };

/// Learning rate over steps: linear warm-up, then constant, a cosine down to `min_ratio`, or
/// warm-up-stable-decay with a linear decay to `min_ratio` over the last `decay_fraction` of all
/// steps.
struct ScheduleSpec {
  ScheduleKind kind = ScheduleKind::cosine;
  std::int64_t warmup_steps = 0;
  double min_ratio = 0.1;
  double decay_fraction = 0.2;
  bool operator==(const ScheduleSpec&) const = default;
};

/// Learning rate of step `step` (0-based) of `n_steps`. Warm-up reaches the full rate at step
/// `warmup_steps`.
double learning_rate(const OptimizerSpec& optimizer, const ScheduleSpec& schedule,
                     std::int64_t step, std::int64_t n_steps);

enum class DataFormat { bytes, uint16 };

struct DataSpec {
  std::string path;  ///< empty: nothing to run, only to plan
  DataFormat format =
      DataFormat::bytes;  ///< bytes as tokens, or nanoGPT's raw little-endian uint16 file
  double validation_fraction = 0.1;  ///< the last part of the file, never trained on
  bool operator==(const DataSpec&) const = default;
};

/// Which weights are trained.
///   full   all of them
///   lora   low-rank adapters beside frozen 16-bit weights
///   qlora  low-rank adapters beside frozen weights of 4 bits (NF4)
enum class Method { full, lora, qlora };

struct LoraSpec {
  int rank = 16;
  bool attention_qkv = true, attention_out = true, mlp = true;  ///< matrices that get adapters
  bool operator==(const LoraSpec&) const = default;
};

struct TrainingJob {
  ModelSpec model;
  Method method = Method::full;
  LoraSpec lora;
  OptimizerSpec optimizer;
  ScheduleSpec schedule;
  DataSpec data;
  ExamplesSpec examples;  ///< in place of a stream of tokens, where they are given
  int seq_len = 0;        ///< with padded examples the longest a batch can have
  int global_batch_size = 0;  ///< sequences per optimizer step
  std::int64_t n_tokens = 0;  ///< tokens to train on
  std::uint64_t seed = 1;

  /// Tokens learned from; what padding adds is not counted.
  std::int64_t tokens_per_step() const {
    if (examples.padded())
      return std::max<std::int64_t>(
          1, static_cast<std::int64_t>(examples.mean() * global_batch_size + 0.5));
    return static_cast<std::int64_t>(seq_len) * global_batch_size;
  }
  /// Optimizer steps that train at least `n_tokens`.
  std::int64_t n_steps() const { return (n_tokens + tokens_per_step() - 1) / tokens_per_step(); }

  bool operator==(const TrainingJob&) const = default;
};

}  // namespace aforo
