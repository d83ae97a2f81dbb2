// Rotary position embedding.
//
// A thread takes a chunk of positions, computes their cosines and sines once and turns the rows of
// every sequence at these positions. Angles are exact at the first position of a chunk and go on by
// rotation in fp64: 31 rotations add less than 1e-14, far below what fp32 holds. Chunks are
// constant, so the result does not depend on the threads.

#include <cmath>
#include <cstdint>

#include "runtime/cpu/kernel.h"
#include "runtime/cpu/kernel_error.h"
#include "runtime/cpu/parallel.h"
#include "runtime/cpu/vector.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

constexpr std::int64_t chunk = 32;

/// One unit vector per pair of dimensions.
struct Rotations {
  double* cos;
  double* sin;
};

/// Pieces of the workspace; every piece is a whole number of cache lines.
struct RopeScratch {
  static std::int64_t rounded(std::int64_t n) { return (n + 15) / 16 * 16; }

  std::int64_t n_pairs;
  std::byte* first;

  std::int64_t pair_bytes() const { return rounded(n_pairs) * 2 * std::int64_t{sizeof(double)}; }
  std::int64_t table_bytes() const {
    return chunk * rounded(n_pairs) * 2 * std::int64_t{sizeof(float)};
  }
  std::int64_t thread_bytes() const { return pair_bytes() + table_bytes(); }

  Rotations rotations(std::byte* at) const {
    auto* p = reinterpret_cast<double*>(at);
    return {p, p + rounded(n_pairs)};
  }
  /// Turn from one position to the next: the same for all threads.
  Rotations step() const { return rotations(first); }
  std::byte* of_thread(int thread) const { return first + pair_bytes() + thread * thread_bytes(); }
  /// Of the position that a thread is at.
  Rotations now(int thread) const { return rotations(of_thread(thread)); }
  /// [chunk, 2, n_pairs]: cosines, then sines of a position.
  float* table(int thread) const {
    return reinterpret_cast<float*>(of_thread(thread) + pair_bytes());
  }
  std::int64_t table_row() const { return 2 * rounded(n_pairs); }
};

double frequency(const Rope& op, std::int64_t pair) {
  return std::pow(op.theta, -2.0 * static_cast<double>(pair) / static_cast<double>(op.rotary_dim));
}

void fill_steps(const Rope& op, const RopeScratch& scratch) {
  const Rotations step = scratch.step();
  for (std::int64_t i = 0; i < scratch.n_pairs; ++i) {
    step.cos[i] = std::cos(frequency(op, i));
    step.sin[i] = std::sin(frequency(op, i));
  }
}

/// Cosines and sines of n positions; sines turn the other way if inverse.
void fill_table(const Rope& op, const RopeScratch& scratch, int thread, std::int64_t position,
                std::int64_t n) {
  const Rotations step = scratch.step(), now = scratch.now(thread);
  for (std::int64_t i = 0; i < scratch.n_pairs; ++i) {
    const double angle = static_cast<double>(position) * frequency(op, i);
    now.cos[i] = std::cos(angle);
    now.sin[i] = std::sin(angle);
  }
  const double direction = op.inverse ? -1 : 1;
  float* row = scratch.table(thread);
  for (std::int64_t t = 0; t < n; ++t, row += scratch.table_row()) {
    for (std::int64_t i = 0; i < scratch.n_pairs; ++i) {
      const double c = now.cos[i], s = now.sin[i];
      row[i] = static_cast<float>(c);
      row[scratch.table_row() / 2 + i] = static_cast<float>(direction * s);
      now.cos[i] = c * step.cos[i] - s * step.sin[i];
      now.sin[i] = s * step.cos[i] + c * step.sin[i];
    }
  }
}

/// Turns the pairs (first[i], second[i]).
template <typename T>
AFORO_INLINE void rotate_head(const T* x, T* y, const float* cos, const float* sin,
                              std::int64_t n_pairs) {
  std::int64_t i = 0;
  for (; i + width <= n_pairs; i += width) {
    const Vec a = load(x + i), b = load(x + n_pairs + i), c = load(cos + i), s = load(sin + i);
    store(y + i, a * c - b * s);
    store(y + n_pairs + i, b * c + a * s);
  }
  if (i == n_pairs) return;
  const std::int64_t n = n_pairs - i;
  const Vec a = load_part(x + i, n), b = load_part(x + n_pairs + i, n);
  const Vec c = load_part(cos + i, n), s = load_part(sin + i, n);
  store_part(y + i, a * c - b * s, n);
  store_part(y + n_pairs + i, b * c + a * s, n);
}

template <typename T>
void rotate_row(const Rope& op, const T* x, T* y, const float* cos, const float* sin) {
  const std::int64_t n_turned = op.n_heads + op.n_kv_heads, dim = op.head_dim;
  const std::int64_t n_pairs = op.rotary_dim / 2, end = (n_turned + op.n_kv_heads) * dim;
  for (std::int64_t head = 0; head < n_turned; ++head) {
    rotate_head(x + head * dim, y + head * dim, cos, sin, n_pairs);
    if (x == y) continue;
    for (std::int64_t i = head * dim + 2 * n_pairs; i < (head + 1) * dim; ++i) y[i] = x[i];
  }
  if (x != y)
    for (std::int64_t i = n_turned * dim; i < end; ++i) y[i] = x[i];
}

template <typename T>
void rotate(const Rope& op, const KernelArgs& args) {
  const RopeScratch scratch{op.rotary_dim / 2, args.workspace};
  const std::int64_t fitting =
      (args.workspace_bytes - scratch.pair_bytes()) / scratch.thread_bytes();
  if (fitting < 1) kernel_error("rope: the workspace is too small for the angles of one chunk");
  const int n_threads = fitting < args.n_threads ? static_cast<int>(fitting) : args.n_threads;
  const std::int64_t cols = (op.n_heads + 2 * op.n_kv_heads) * op.head_dim;
  fill_steps(op, scratch);
  parallel_items((op.seq_len + chunk - 1) / chunk, n_threads, [&](std::int64_t item, int thread) {
    const std::int64_t begin = item * chunk, rest = op.seq_len - begin;
    const std::int64_t n = rest < chunk ? rest : chunk;
    fill_table(op, scratch, thread, begin, n);
    for (std::int64_t sequence = 0; sequence < op.rows; sequence += op.seq_len)
      for (std::int64_t t = 0; t < n && sequence + begin + t < op.rows; ++t) {
        const float* cos = scratch.table(thread) + t * scratch.table_row();
        const std::int64_t at = (sequence + begin + t) * cols;
        rotate_row(op, args.in<T>(0) + at, args.out<T>(0) + at, cos, cos + scratch.table_row() / 2);
      }
  });
}

}  // namespace

void run(const Rope& op, const KernelArgs& args) {
  with_type(args.read_types[0], Rope::name, [&]<typename T>(T) { rotate<T>(op, args); });
}

}  // namespace aforo::cpu::AFORO_ISA
