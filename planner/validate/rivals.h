#pragma once
// What simpler rules say of the same cases, to stand beside our predictions. Rules with a free
// constant get the one that suits the rows at hand best: the floor that a planner must beat.

#include <deque>
#include <string>
#include <vector>

#include "planner/validate/setup_of_run.h"

namespace aforo::validate {

/// Seconds of a step for every case; 0 where the rule says nothing.
struct RivalTimes {
  std::string name;  ///< key in JSON: "one_mfu", "mfu_per_card", "six_nd", "calculon_like"
  std::string title;
  std::vector<double> step_time;
};

/// 6 x (active) parameters x tokens / devices / peak of the product type.
double ideal_step_time(const Case& c);

/// one_mfu: ideal time over the median share that these rows reach.  mfu_per_card: by card.
/// six_nd: ideal time over 0.4, the share that guides assume.  calculon_like: per layer, products
/// at an efficiency that steps with their size plus traffic over bandwidth, sums without overlap,
/// ring collectives, pipeline bubble; no embedding, no head (Isaev et al., SC'23).
std::vector<RivalTimes> rival_times(const std::deque<Case>& cases);

/// GiB per device: 18 bytes a parameter, optimizer and gradients sharded as the setup says, plus
/// the activations of Korthikanti et al., table 2 (34 s b h a layer, s b h (34 + 5 a s / h) without
/// flash attention, 2 s b h under full recomputation).
double korthikanti_like_gib(const Case& c);

}  // namespace aforo::validate
