#pragma once
// The inside of the lattice search: one cell has one set of block costs.

#include <vector>

#include "planner/search/lattice.h"

namespace aforo {

/// Everything that block costs depend on.
struct LatticeCell {
  int n_devices = 1;
  fast::MatrixType type = fast::MatrixType::bf16;
  int tp = 1, cp = 1, ep = 1;
  int micro_batch_size = 1;
  bool selective = false;
};

/// Legal cells of the space.
std::vector<LatticeCell> lattice_cells(const LatticeRequest& request);

/// Tries every pp, vpp, sharding, offload and number of recomputed layers of a cell.
void walk_cell(const LatticeRequest& request, const LatticeCell& cell, LatticeResult& result);

/// A total order, so that ties fall the same way however the work was shared out: dollars for
/// money, then time, memory, and the plan's own numbers.
bool better(const LatticePlan& a, const LatticePlan& b, Objective objective);

/// Adds `plan` unless another is as fast and takes as few device-seconds; drops those that it beats
/// in both. All plans of a request pay the same per device and hour, so this is time and money.
void keep_on_front(std::vector<LatticePlan>& front, const LatticePlan& plan);

/// Counts the cells that lattice_cells left out, by reason.
void count_illegal_cells(const LatticeRequest& request, LatticeResult& result);

}  // namespace aforo
