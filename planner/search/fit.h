#pragma once
// "Does it fit?": memory of a few usual methods over sequence lengths, and the largest micro-batch
// on each device.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "planner/fast/engine.h"
#include "planner/program/program.h"
#include "planner/spec/hardware.h"
#include "planner/spec/job.h"
#include "planner/spec/plan.h"

namespace aforo {

/// One row of the table: how the model is trained.
struct FitMethod {
  std::string name;  ///< "bf16, recompute full"
  Precision precision;
  Recompute recompute;
};

/// fp32; then bf16 (fp16 on devices without bf16) with growing recomputation. Adapters (`method`
/// lora or qlora) are trained in 16 bits only.
std::vector<FitMethod> usual_methods(Precision sixteen_bit, Method method = Method::full);

/// Memory of one method at one sequence length and micro-batch, with gradient accumulation (two
/// micro-steps).
struct FitCell {
  Bytes arena;             ///< all but context and libraries; of other engines what they reserve
  std::string limited_by;  ///< largest role at the peak
};

/// Lowers on demand and remembers: every device asks for the same arenas.
class FitTable {
 public:
  /// `model` with AdamW, lowered for `target`.
  FitTable(ModelSpec model, Target target) : model_(std::move(model)), target_(std::move(target)) {}
  /// What native does not execute (adapters, experts, latent attention): by the account of
  /// `engine`, on a card whose kernels are those of `card`.
  FitTable(ModelSpec model, Method method, fast::EngineSpec engine, AcceleratorSpec card)
      : model_(std::move(model)),
        method_(method),
        engine_(std::move(engine)),
        card_(std::move(card)) {}

  bool exact() const { return !engine_; }  ///< native's own arenas
  std::vector<FitMethod> methods(Precision sixteen_bit) const {
    return usual_methods(sixteen_bit, method_);
  }

  const FitCell& cell(const FitMethod& method, int seq_len, int micro_batch_size);

  /// Largest power of two up to 64 (or 1, 2, 3... below 4) whose arena plus `overhead` stays within
  /// `capacity`; 0 if not even one sequence fits.
  int largest_micro_batch(const FitMethod& method, int seq_len, Bytes overhead, Bytes capacity);

 private:
  struct Key {
    Precision precision;
    Recompute recompute;
    int seq_len, micro_batch_size;
    auto operator<=>(const Key&) const = default;
  };
  FitCell native_cell(const TrainingJob& job, const Plan& plan) const;
  FitCell engine_cell(const TrainingJob& job, const Plan& plan) const;

  ModelSpec model_;
  Target target_;
  Method method_ = Method::full;
  std::optional<fast::EngineSpec> engine_;
  AcceleratorSpec card_;
  std::map<Key, FitCell> cells_;
};

}  // namespace aforo
