// Which cells a request has, and why combinations are none.

#include "planner/search/divisors.h"
#include "planner/search/lattice_walk.h"

namespace aforo {
namespace {

bool heads_divide(const ModelSpec& model, int tp) {
  const bool kv = model.attention.n_kv_heads % tp == 0 || tp % model.attention.n_kv_heads == 0;
  const int width = model.mlp.d_ff > 0 ? model.mlp.d_ff : model.moe.d_ff;
  return model.attention.n_heads % tp == 0 && width % tp == 0 && kv;
}

/// Calls `visit(cell, obstacle)` for every combination; `obstacle` is count for legal cells.
template <typename Visit>
void for_each_cell(const LatticeRequest& request, Visit visit) {
  const LatticeSpace& space = request.space;
  const ModelSpec& model = *request.base.model;
  const fast::EngineSupport& supports = request.engine->supports;
  const std::vector<int> one{1};
  for (int n : space.n_devices)
    for (int tp : allowed(space.tp, supports.tp ? divisors(n) : one))
      for (int cp : allowed(space.cp, supports.cp ? divisors(n / tp) : one)) {
        if (cp > 1 && request.base.seq_len / cp < 1024) continue;  // too short to split
        std::vector<int> eps{1};
        if (model.is_moe() && supports.ep) eps = allowed(space.ep, divisors(n));
        for (int ep : eps)
          for (int mb : allowed(space.micro_batch_sizes, divisors(request.base.global_batch_size)))
            for (fast::MatrixType type : space.types)
              for (bool selective : {false, true}) {
                if (selective && !space.selective) continue;
                Obstacle obstacle = Obstacle::count;
                if (!heads_divide(model, tp)) obstacle = Obstacle::heads_do_not_divide;
                if (ep > 1 && model.moe.n_experts % ep != 0)
                  obstacle = Obstacle::experts_do_not_divide;
                visit(LatticeCell{n, type, tp, cp, ep, mb, selective}, obstacle);
              }
      }
}

}  // namespace

std::vector<LatticeCell> lattice_cells(const LatticeRequest& request) {
  std::vector<LatticeCell> cells;
  for_each_cell(request, [&](const LatticeCell& cell, Obstacle obstacle) {
    if (obstacle == Obstacle::count) cells.push_back(cell);
  });
  return cells;
}

void count_illegal_cells(const LatticeRequest& request, LatticeResult& result) {
  for_each_cell(request, [&](const LatticeCell&, Obstacle obstacle) {
    if (obstacle == Obstacle::count) return;
    ++result.rejected[static_cast<int>(obstacle)];
    ++result.n_considered;
  });
}

}  // namespace aforo
