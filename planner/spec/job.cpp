#include "planner/spec/job.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace aforo {

double learning_rate(const OptimizerSpec& optimizer, const ScheduleSpec& schedule,
                     std::int64_t step, std::int64_t n_steps) {
  const double full = optimizer.learning_rate, floor = full * schedule.min_ratio;
  if (step < schedule.warmup_steps)
    return full * static_cast<double>(step + 1) / static_cast<double>(schedule.warmup_steps + 1);
  switch (schedule.kind) {
    case ScheduleKind::constant:
      return full;
    case ScheduleKind::cosine: {
      const double span =
          static_cast<double>(std::max<std::int64_t>(1, n_steps - schedule.warmup_steps));
      const double progress =
          std::min(1.0, static_cast<double>(step - schedule.warmup_steps) / span);
      return floor + (full - floor) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
    }
    case ScheduleKind::wsd: {
      const double decay = schedule.decay_fraction * static_cast<double>(n_steps);
      const double left = static_cast<double>(n_steps - step);
      return left >= decay || decay <= 0 ? full
                                         : floor + (full - floor) * std::max(0.0, left / decay);
    }
  }
  return full;
}

}  // namespace aforo
