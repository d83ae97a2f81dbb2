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

/// Counts the cells that lattice_cells left out, by reason.
void count_illegal_cells(const LatticeRequest& request, LatticeResult& result);

}  // namespace aforo
