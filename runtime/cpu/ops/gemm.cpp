// Blocked matrix product, every layout and type, fp32 accumulation. The executor prefers oneDNN
// where that is faster.
//
// C is cut into blocks of rows x cols. For each, k runs in steps of block_k: the threads pack B's
// block together, then take row blocks of A one by one, pack each into their own slice and multiply
// it with all of B's block. Every element of C is summed in ascending k: in registers within a
// step, then step after step in fp32 (in C itself, or in scratch if C is 16 bits wide). block_k is
// constant, so the result depends neither on the threads nor on the size of the workspace.

#include <cstdint>

#include "runtime/cpu/kernel.h"
#include "runtime/cpu/kernel_error.h"
#include "runtime/cpu/ops/tile.h"
#include "runtime/cpu/parallel.h"
#include "runtime/cpu/vector.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

// A panel of B, block_k x tile_cols, stays in the first-level cache (16 KiB, 32 KiB under avx512);
// a block of A, most_rows x block_k (96 KiB), in the second.
constexpr std::int64_t block_k = 256;
constexpr std::int64_t most_rows = 96;
constexpr std::int64_t most_cols = 4096;

/// How one product is cut, and where its pieces lie in the workspace.
struct Blocking {
  std::int64_t rows, cols;   ///< of a block of C
  std::int64_t thread_rows;  ///< of a block of A
  int n_threads;
  bool needs_scratch;  ///< partial sums of C do not fit its type
  float* a;            ///< n_threads slices
  float* b;
  float* c;

  std::int64_t slice() const { return thread_rows * block_k + panel_slack; }
};

/// Rows of a block of A: the threads get equal shares of m in as few rounds as most_rows allows.
std::int64_t thread_rows(std::int64_t m, int n_threads, std::int64_t most) {
  const std::int64_t rounds = (m + n_threads * most - 1) / (n_threads * most);
  return smaller(most, rounded_up((m + n_threads * rounds - 1) / (n_threads * rounds), tile_rows));
}

Blocking blocking(const Gemm& op, const KernelArgs& args) {
  Blocking block{};
  block.n_threads =
      2.0 * op.m * op.n * op.k < 1e6 ? 1 : args.n_threads;  // 10 us: less than it takes to share
  block.needs_scratch = op.k > block_k && size_of(args.write_types[0]) < 4;
  const std::int64_t floats = args.workspace_bytes / 4;
  const std::int64_t most = floats / 3 / block.n_threads / block_k / tile_rows * tile_rows;
  block.thread_rows =
      thread_rows(op.m, block.n_threads, larger(tile_rows, smaller(most, most_rows)));
  std::int64_t rest = floats - block.n_threads * block.slice();
  block.rows = op.m;
  block.cols = smaller(rounded_up(op.n, tile_cols),
                       smaller(most_cols, rest / block_k / tile_cols * tile_cols));
  if (block.needs_scratch) {
    // Halves of the rest for B's block and C's scratch would serve B badly: at 512 columns packing
    // A costs about 3%.
    block.cols = smaller(
        block.cols, larger(tile_cols, smaller(512, rest / 4 / block_k) / tile_cols * tile_cols));
    rest -= block.cols * block_k;
    block.rows = block.cols > 0 ? smaller(op.m, rest / block.cols / tile_rows * tile_rows) : 0;
  }
  if (block.cols <= 0 || block.rows <= 0)
    kernel_error("gemm: the workspace is too small for one block per thread");
  block.a = reinterpret_cast<float*>(args.workspace);
  block.b = block.a + block.n_threads * block.slice();
  block.c = block.b + block.cols * block_k;
  return block;
}

/// One step of k of one block of C.
struct Step {
  std::int64_t row, row_end, col, col_end, k, n_k;
  bool first, last;
};

template <typename T, typename U>
class Product {
 public:
  Product(const Gemm& op, const KernelArgs& args)
      : op_(op),
        block_(blocking(op, args)),
        a_{args.in<T>(0), op.trans_a ? 1 : op.k, op.trans_a ? op.m : 1, op.m},
        b_{args.in<T>(1), op.trans_b ? op.k : 1, op.trans_b ? 1 : op.n, op.n},
        bias_(op.has_bias ? args.in<float>(2) : nullptr),
        before_(op.accumulate ? args.in<U>(op.has_bias ? 3 : 2) : nullptr),
        c_(args.out<U>(0)) {}

  void run() const {
    for (std::int64_t col = 0; col < op_.n; col += block_.cols)
      for (std::int64_t row = 0; row < op_.m; row += block_.rows)
        for (std::int64_t k = 0; k < op_.k; k += block_k)
          run_step({row, smaller(op_.m, row + block_.rows), col, smaller(op_.n, col + block_.cols),
                    k, smaller(block_k, op_.k - k), k == 0, k + block_k >= op_.k});
  }

 private:
  void run_step(const Step& step) const {
    const std::int64_t n_panels = (step.col_end - step.col + tile_cols - 1) / tile_cols;
    parallel_for(n_panels, block_.n_threads, [&](std::int64_t begin, std::int64_t end) {
      pack_panels<tile_cols>(b_, step.col + begin * tile_cols,
                             smaller(step.col_end, step.col + end * tile_cols), step.k, step.n_k,
                             block_.b + begin * tile_cols * step.n_k);
    });
    const std::int64_t n_blocks =
        (step.row_end - step.row + block_.thread_rows - 1) / block_.thread_rows;
    // Few rows (a small gradient of a weight): the panels are shared out too.
    const std::int64_t n_groups = smaller(n_panels, (block_.n_threads + n_blocks - 1) / n_blocks);
    parallel_items(n_blocks * n_groups, block_.n_threads, [&](std::int64_t item, int thread) {
      const std::int64_t row = step.row + item / n_groups * block_.thread_rows;
      const Range panels = part_of(n_panels, n_groups, item % n_groups);
      multiply(step, row, smaller(step.row_end, row + block_.thread_rows), panels, thread);
    });
  }

  void multiply(const Step& step, std::int64_t row, std::int64_t row_end, Range panels,
                int thread) const {
    float* a = block_.a + thread * block_.slice();
    pack_panels<tile_rows>(a_, row, row_end, step.k, step.n_k, a);
    alignas(64) float tile[tile_size];
    for (std::int64_t panel = panels.begin; panel < panels.end; ++panel) {
      const float* b = block_.b + panel * tile_cols * step.n_k;
      for (std::int64_t r = row; r < row_end; r += tile_rows) {
        multiply_tile<false>(step.n_k, a + (r - row) * step.n_k, b, tile, tile_cols);
        add_tile(step, r, smaller(tile_rows, row_end - r), step.col + panel * tile_cols, tile);
      }
    }
  }

  void add_tile(const Step& step, std::int64_t row, std::int64_t n_rows, std::int64_t col,
                const float* tile) const {
    const std::int64_t n_cols = smaller(tile_cols, step.col_end - col);
    for (std::int64_t r = 0; r < n_rows; ++r) {
      const float* sums = tile + r * tile_cols;
      std::int64_t c = 0;
      for (; c + width <= n_cols; c += width)
        add_vector(
            step, row + r, col + c, load(sums + c), [](auto* p) { return load(p); },
            [](auto* p, Vec x) { store(p, x); });
      if (c < n_cols)
        add_vector(
            step, row + r, col + c, load(sums + c),
            [&](auto* p) { return load_part(p, n_cols - c); },
            [&](auto* p, Vec x) { store_part(p, x, n_cols - c); });
    }
  }

  template <typename Load, typename Store>
  AFORO_INLINE void add_vector(const Step& step, std::int64_t row, std::int64_t col, Vec x,
                               Load load_vector, Store store_vector) const {
    const std::int64_t at = row * op_.n + col;
    float* partial = block_.c + (row - step.row) * block_.cols + (col - step.col);
    if constexpr (sizeof(U) == 4) partial = c_ + at;
    if (!step.first) x += load_vector(partial);
    // C as it was may lie where the partial sums go, so it is added before the first of them is
    // stored.
    if (step.first && before_ != nullptr) x += load_vector(before_ + at);
    if (!step.last) return store_vector(partial, x);
    if (bias_ != nullptr) x += load_vector(bias_ + col);
    store_vector(c_ + at, x);
  }

  const Gemm& op_;
  Blocking block_;
  PanelSource<T> a_, b_;
  const float* bias_;
  const U* before_;
  U* c_;
};

}  // namespace

void run(const Gemm& op, const KernelArgs& args) {
  with_type(args.read_types[0], Gemm::name, [&]<typename T>(T) {
    if (args.write_types[0] == Dtype::fp32) {
      Product<T, float>(op, args).run();
    } else if (args.write_types[0] == args.read_types[0]) {
      Product<T, T>(op, args).run();
    } else {
      refuse_type(Gemm::name, args.write_types[0]);
    }
  });
}

}  // namespace aforo::cpu::AFORO_ISA
