#include "runtime/core/probe_batches.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>

namespace aforo {
namespace {

constexpr Bytes most_batch_bytes(256 * mebi);
constexpr int most_copies = 32;  // more would only make a batch of tiny ops long

/// Copies that bring a batch of `bytes` beyond the caches.
int n_copies(Bytes bytes) {
  const double rounds = std::ceil(cold_bytes() / std::max(bytes, Bytes(1)));
  return std::clamp(static_cast<int>(rounds), 1, most_copies);
}

std::vector<ProbeBatch> batches_of(const ProbeGroup& group, Bytes most_bytes) {
  std::vector<ProbeBatch> batches;
  Bytes bytes;
  for (const Probe& probe : group.probes) {
    const Bytes size = operand_bytes(probe);
    if (size > most_bytes) continue;
    const bool full = !group.ring && bytes + size > most_batch_bytes;
    if (batches.empty() || full) {
      batches.push_back(
          {group.what, 0, group.ring ? ProbeLayout::ring : ProbeLayout::apart, {}, {}});
      bytes = Bytes(0);
    }
    batches.back().probes.push_back(probe);
    bytes += size;
    batches.back().copies.assign(batches.back().probes.size(), group.ring ? 1 : n_copies(bytes));
  }
  for (ProbeBatch& batch : batches) batch.share = group.share / static_cast<double>(batches.size());
  return batches;
}

}  // namespace

Bytes cold_bytes() {
  const std::int64_t cache = std::max<std::int64_t>(sysconf(_SC_LEVEL3_CACHE_SIZE), 0);
  return Bytes(std::clamp<std::int64_t>(2 * cache, 64 * mebi, 256 * mebi));
}

std::vector<ProbeBatch> probe_batches(const std::vector<ProbeGroup>& groups, Bytes most_bytes) {
  std::vector<ProbeBatch> all;
  for (const ProbeGroup& group : groups)
    for (ProbeBatch& batch : batches_of(group, most_bytes)) all.push_back(std::move(batch));
  return all;
}

}  // namespace aforo
