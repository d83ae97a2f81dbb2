#pragma once
// Column sums made in the same pass as a row-wise gradient (of norm weights). Rows are cut into
// blocks, each with a partial sum of its own in the workspace; the partial sums are then added in
// the order of the blocks. The cut depends on the shape and the size of the workspace, never on the
// number of threads, so neither does the result.

#include <cstring>

#include "runtime/cpu/ops/loops.h"

namespace aforo::cpu::AFORO_ISA {

struct RowBlocks {
  std::int64_t rows;
  std::int64_t n_blocks;
  std::int64_t cols;    ///< fp32 column sums of one block
  float* partial_sums;  ///< [n_blocks, cols]

  float* partial(std::int64_t block) const { return partial_sums + block * cols; }
};

/// Blocks of 16 rows or more (so that a block's partial sum stays small beside its rows), at most
/// 64 of them (enough for as many threads), as many as the workspace holds.
inline RowBlocks row_blocks(std::int64_t rows, std::int64_t cols, const KernelArgs& args,
                            const char* too_small) {
  const std::int64_t bytes = cols * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t fitting = bytes > 0 ? args.workspace_bytes / bytes : 64;
  if (fitting < 1) kernel_error(too_small);
  std::int64_t n_blocks = at_least_one(rows / 16);
  if (n_blocks > 64) n_blocks = 64;
  if (n_blocks > fitting) n_blocks = fitting;
  return {rows, n_blocks, cols, reinterpret_cast<float*>(args.workspace)};
}

/// Calls f(begin_row, end_row, partial) for every block, partial cleared, on all threads. A row
/// moves `row_bytes`.
template <typename F>
void for_row_blocks(const RowBlocks& blocks, std::int64_t row_bytes, int n_threads, F f) {
  const std::int64_t block_bytes = at_least_one(blocks.rows / blocks.n_blocks) * row_bytes;
  parallel_rows(blocks.n_blocks, block_bytes, n_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const Range rows = part_of(blocks.rows, blocks.n_blocks, block);
      float* partial = blocks.partial(block);
      std::memset(partial, 0, blocks.cols * sizeof(float));
      f(rows.begin, rows.end, partial);
    }
  });
}

/// out[0, n) (+)= sum over blocks of partial[first, first + n).
inline void add_partials(const RowBlocks& blocks, std::int64_t first, std::int64_t n, float* out,
                         bool accumulate, int n_threads) {
  parallel_elements(n, blocks.n_blocks * sizeof(float), n_threads, [&](auto begin, auto end) {
    for_vectors(end - begin, [&](std::int64_t i, auto part) {
      Vec sum = splat(0.0f);
      for (std::int64_t block = 0; block < blocks.n_blocks; ++block)
        sum += part.load(blocks.partial(block) + first + begin + i);
      if (accumulate) sum += part.load(out + begin + i);
      part.store(out + begin + i, sum);
    });
  });
}

}  // namespace aforo::cpu::AFORO_ISA
