#include "planner/fast/memory.h"

namespace aforo::fast {

MemoryParts memory_parts(const Setup& setup, const EngineSpec& engine) {
  (void)setup, (void)engine;
  return {};
}

}  // namespace aforo::fast
