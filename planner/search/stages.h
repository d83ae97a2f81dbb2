#pragma once
// How a search cuts layers into pipeline stages.

#include <algorithm>
#include <vector>

namespace aforo {

/// Layers of the first and of the last stage; both 0: as even as it gets.
struct StageEnds {
  int first = 0, last = 0;
};

/// The cuts of `n_layers` into `pp` stages that a search tries. The even one, where the layers
/// divide as they are or with embedding and head counted as one each. With `uneven`, every pair of
/// ends of at most k layers beside stages of k, for the two least k that hold all layers.
inline std::vector<StageEnds> stage_cuts(int n_layers, int pp, bool uneven) {
  std::vector<StageEnds> cuts;
  if (pp > n_layers) return cuts;
  if (n_layers % pp == 0 || (n_layers + 2) % pp == 0) cuts.push_back({});
  if (!uneven || pp == 1) return cuts;
  const int least = (n_layers + pp - 1) / pp;
  for (int k = least; k <= least + 1; ++k) {
    const int ends = n_layers - k * (pp - 2);
    for (int first = std::max(1, ends - k); first <= std::min(k, ends - 1); ++first)
      if (first != k || ends - first != k) cuts.push_back({first, ends - first});
  }
  return cuts;
}

}  // namespace aforo
