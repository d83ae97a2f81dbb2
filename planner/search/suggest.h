#pragma once
// What would have to change for a request without a plan: each change alone, checked by searching
// again.

#include <string>
#include <vector>

#include "planner/search/lattice.h"

namespace aforo {

/// From least to most invasive: how the job is laid out, how its states are rounded, what it runs
/// on, what it trains on, what is trained.
enum class Change {
  recompute,       ///< layers may be computed again
  offload_states,  ///< optimizer states may wait on the host
  offload_activations,
  eight_bit_states,  ///< AdamW's moments in 8 bits each
  more_devices,      ///< 2, 4 or 8 times as many
  larger_card,       ///< the smallest card of the same vendor and kind that does
  half_sequence,
  lora,   ///< low-rank adapters beside frozen 16-bit weights
  qlora,  ///< beside frozen 4-bit weights
};

struct Suggestion {
  Change change;
  std::string text;  ///< "use 4 times as many devices (32)"
  LatticePlan plan;  ///< the best under that change, with its memory, time and price
};

/// Every single change that gives the request a plan, least invasive first; of device counts and
/// cards the smallest that does. `cards` are those that may take the place of the request's; with
/// another card memory_limit is what that card has, and the price of a device is kept. Plans point
/// to the request's model and to nothing else. Native runs neither adapters nor 8-bit states, so
/// they are not suggested for it. Budget and deadline hold as in the request.
std::vector<Suggestion> suggest_changes(const LatticeRequest& request,
                                        const std::vector<AcceleratorSpec>& cards);

}  // namespace aforo
