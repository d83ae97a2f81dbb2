#pragma once
// The search of `aforo plan` over cards, engines and layouts.

#include <vector>

#include "cli/layout.h"

namespace aforo::cli {

/// One card with a count, priced.
struct Offer {
  Device device;
  AcceleratorSpec card;
  DeviceLine line;
};

/// The cards of --gpu, several with commas. Throws InputError without any.
std::vector<Offer> read_offers(const Arguments& args);

/// time or money, of --objective.
Objective read_objective(const Arguments& args);

/// Every offer with every engine, best first; layouts point into `world` and `job`.
LayoutRanking rank_layouts(const Arguments& args, const LayoutWorld& world, const TrainingJob& job,
                           const std::vector<Offer>& offers);

}  // namespace aforo::cli
