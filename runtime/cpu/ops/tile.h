#pragma once
// The inner product of the matrix kernels: one register tile of C from a packed panel of A and one
// of B.
//
// A panel holds `lanes` numbers of every k side by side, as fp32: panel[k * lanes + lane]. A tile
// is tile_rows x tile_cols; its accumulators fill the vector registers (6 x 2 vectors of 16
// registers, 12 x 2 of the 32 that avx512 has), so each step of k takes 2 loads and tile_rows
// broadcasts for 2 * tile_rows fused products.

#include <cstdint>
#include <type_traits>
#include <utility>

#include "runtime/cpu/vector.h"

namespace aforo::cpu::AFORO_ISA {

constexpr std::int64_t rounded_up(std::int64_t x, std::int64_t step) {
  return (x + step - 1) / step * step;
}
constexpr std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }
constexpr std::int64_t larger(std::int64_t a, std::int64_t b) { return a > b ? a : b; }

constexpr int tile_rows = width == 16 ? 12 : 6;
constexpr int tile_cols = 2 * width;
constexpr int tile_size = tile_rows * tile_cols;

/// Floats that packing may write past the end of a panel of A (a panel is not a whole number of
/// vectors).
constexpr int panel_slack = width;

/// Calls f(std::integral_constant<int, i>) for i = 0 .. n - 1: unrolled so early that arrays
/// indexed by i become registers, which a loop with an unroll pragma does not reach (less than half
/// the speed).
template <int n, typename F>
AFORO_INLINE void unrolled(F f) {
  [&]<int... i>(std::integer_sequence<int, i...>) { (f(std::integral_constant<int, i>{}), ...); }
  (std::make_integer_sequence<int, n>{});
}

/// c[r, col] (+)= sum_k a[k, r] b[k, col], k ascending: rows of c are `stride` floats apart. Adding
/// continues the sum that c holds, so cutting k into several calls does not change a bit.
template <bool add>
void multiply_tile(std::int64_t n_k, const float* a, const float* b, float* c,
                   std::int64_t stride) {
  Vec sums[tile_rows][2];
  unrolled<tile_rows>([&](auto r) {
    sums[r][0] = add ? load(c + r * stride) : Vec{};
    sums[r][1] = add ? load(c + r * stride + width) : Vec{};
  });
  for (std::int64_t k = 0; k < n_k; ++k, a += tile_rows, b += tile_cols) {
    const Vec b0 = load(b), b1 = load(b + width);
    unrolled<tile_rows>([&](auto r) {
      const Vec x = splat(a[r]);
      sums[r][0] += x * b0;
      sums[r][1] += x * b1;
    });
  }
  unrolled<tile_rows>([&](auto r) {
    store(c + r * stride, sums[r][0]);
    store(c + r * stride + width, sums[r][1]);
  });
}

/// Swaps the off-diagonal blocks of size `distance` of the rows a and b = a + distance.
template <int distance, int... lane>
AFORO_INLINE void exchange(Vec& a, Vec& b, std::integer_sequence<int, lane...>) {
  const Vec low =
      __builtin_shufflevector(a, b, ((lane & distance) != 0 ? width + lane - distance : lane)...);
  const Vec high =
      __builtin_shufflevector(a, b, ((lane & distance) != 0 ? width + lane : lane + distance)...);
  a = low;
  b = high;
}

/// Transposes width rows of width lanes.
template <int distance = width / 2>
AFORO_INLINE void transpose(Vec (&rows)[width]) {
#pragma GCC unroll 16
  for (int i = 0; i < width; ++i)
    if ((i & distance) == 0)
      exchange<distance>(rows[i], rows[i + distance], std::make_integer_sequence<int, width>{});
  if constexpr (distance > 1) transpose<distance / 2>(rows);
}

/// One step of `n_lanes` lanes, one by one; lanes that fill up the last panel become zero.
template <int lanes, typename T>
void pack_step(const T* src, std::int64_t n_lanes, std::int64_t n_k, float* panels) {
  for (std::int64_t lane = 0; lane < n_lanes; lane += lanes, panels += n_k * lanes)
    for (int l = 0; l < lanes; ++l) panels[l] = lane + l < n_lanes ? to_float(src[lane + l]) : 0.0f;
}

/// Packs n_lanes lanes of n_k steps into panels that follow one another. Lane l, step k lies at
/// src[l + k * stride]; `n_readable` >= n_lanes lanes may be read at every step.
template <int lanes, typename T>
void pack_lanes_adjacent(const T* src, std::int64_t stride, std::int64_t n_lanes,
                         std::int64_t n_readable, std::int64_t n_k, float* panels) {
  constexpr int n_vectors = (lanes + width - 1) / width;
  std::int64_t n_whole = n_lanes / lanes;  // panels that whole vectors can fill
  while (n_whole > 0 && (n_whole - 1) * lanes + n_vectors * width > n_readable) --n_whole;
  // Steps outside: a row of a wide matrix is read at once, not a piece of it for every panel. The
  // last step is left out because its vectors would reach into the first step of the next panel.
  for (std::int64_t k = 0; k < n_k - 1; ++k) {
    for (std::int64_t p = 0; p < n_whole; ++p)
      for (int v = 0; v < n_vectors; ++v)
        store(panels + (p * n_k + k) * lanes + v * width,
              load(src + k * stride + p * lanes + v * width));
    pack_step<lanes>(src + k * stride + n_whole * lanes, n_lanes - n_whole * lanes, n_k,
                     panels + (n_whole * n_k + k) * lanes);
  }
  if (n_k > 0) pack_step<lanes>(src + (n_k - 1) * stride, n_lanes, n_k, panels + (n_k - 1) * lanes);
}

/// Packs `width` steps of one panel, lane l, step k from src[l * stride + k]. Writes whole vectors:
/// past the panel's last lane, so vectors, steps and panels are written in ascending order.
template <int lanes, typename T>
AFORO_INLINE void pack_block(const T* src, std::int64_t stride, float* panel) {
  constexpr int n_vectors = (lanes + width - 1) / width;
  Vec block[n_vectors][width];
#pragma GCC unroll 4
  for (int v = 0; v < n_vectors; ++v) {
#pragma GCC unroll 16
    for (int l = 0; l < width; ++l) {
      const int lane = v * width + l;
      block[v][l] = lane < lanes ? load(src + lane * stride) : Vec{};
    }
    transpose(block[v]);
  }
#pragma GCC unroll 16
  for (int step = 0; step < width; ++step) {
#pragma GCC unroll 4
    for (int v = 0; v < n_vectors; ++v) store(panel + step * lanes + v * width, block[v][step]);
  }
}

/// As pack_lanes_adjacent, but lane l, step k lies at src[l * stride + k].
template <int lanes, typename T>
void pack_steps_adjacent(const T* src, std::int64_t stride, std::int64_t n_lanes, std::int64_t n_k,
                         float* panels) {
  for (; n_lanes > 0; n_lanes -= lanes, src += lanes * stride, panels += n_k * lanes) {
    std::int64_t k = 0;
    if (n_lanes >= lanes)
      for (; k + width <= n_k; k += width) pack_block<lanes>(src + k, stride, panels + k * lanes);
    const std::int64_t n = smaller(lanes, n_lanes);
    for (; k < n_k; ++k) {  // the last steps of every panel, and all of a panel that is not full
      const T* from = src + k;
      for (std::int64_t l = 0; l < n; ++l, from += stride) panels[k * lanes + l] = to_float(*from);
      for (std::int64_t l = n; l < lanes; ++l) panels[k * lanes + l] = 0;
    }
  }
}

/// A matrix as its panels see it: lane l (a row of A, a column of B), step k.
template <typename T>
struct PanelSource {
  const T* first;
  std::int64_t lane_stride, step_stride;  ///< one of them is 1
  std::int64_t n_lanes;                   ///< of the whole matrix
};

/// Packs lanes [lane, lane_end) and steps [step, step + n_k) into panels that follow one another;
/// lanes that fill up the last panel become zero.
template <int lanes, typename T>
void pack_panels(const PanelSource<T>& src, std::int64_t lane, std::int64_t lane_end,
                 std::int64_t step, std::int64_t n_k, float* panels) {
  const T* first = src.first + lane * src.lane_stride + step * src.step_stride;
  if (src.lane_stride == 1) {
    pack_lanes_adjacent<lanes>(first, src.step_stride, lane_end - lane, src.n_lanes - lane, n_k,
                               panels);
  } else {
    pack_steps_adjacent<lanes>(first, src.lane_stride, lane_end - lane, n_k, panels);
  }
}

}  // namespace aforo::cpu::AFORO_ISA
