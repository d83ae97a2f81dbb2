#include "planner/fast/memory.h"

#include <algorithm>

#include "planner/fast/memory_account.h"
#include "planner/fast/native_memory.h"

namespace aforo::fast {
namespace {

/// The stage that needs most: an end, or between uneven ends the second, which has the most
/// micro-batches in flight.
int fullest_stage(const Setup& setup, const MemoryStyle& style) {
  const int last = setup.parallel.pp - 1;
  if (setup.report_stage >= 0) return std::min(setup.report_stage, last);
  if (last == 0) return 0;
  const auto bytes = [&](int index) {
    const PipelineStage stage = pipeline_stage(setup, index);
    return Account(setup, style, stage).peak().allocated();
  };
  const double front = bytes(0), back = bytes(last);
  int fullest = back > front ? last : 0;
  if (setup.parallel.uneven_stages() && last > 1 && bytes(1) > std::max(front, back)) fullest = 1;
  return fullest;
}

}  // namespace

MemoryParts memory_parts(const Setup& setup, const EngineSpec& engine) {
  if (engine.native && has_program(setup))
    return NativeMemory(setup).parts(setup.recompute.full_layers);
  const MemoryStyle& style = engine.style(setup.style);
  const PipelineStage stage = pipeline_stage(setup, fullest_stage(setup, style));
  return Account(setup, style, stage).peak();
}

MemoryPhases memory_phases(const Setup& setup, const EngineSpec& engine) {
  const MemoryStyle& style = engine.style(setup.style);
  const PipelineStage stage = pipeline_stage(setup, fullest_stage(setup, style));
  return Account(setup, style, stage).phases();
}

}  // namespace aforo::fast
