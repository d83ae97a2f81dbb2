#pragma once
// RMS norm of one row, forward and backward, in fp32: for RmsNorm's rows and QkNorm's heads.

#include "runtime/cpu/ops/loops.h"

namespace aforo::cpu::AFORO_ISA {

/// y = x * rstd * weight (weight may be null); returns rstd. y may be x.
template <typename T>
AFORO_INLINE float rms_row(const T* x, const float* weight, T* y, std::int64_t cols,
                           float epsilon) {
  const auto squares = sum_vectors<1>(cols, [&](auto& sums, std::int64_t i, auto part) {
    const Vec v = part.load(x + i);
    sums.lanes[0] += v * v;
  });
  const float rstd = 1.0f / __builtin_sqrtf(squares.total(0) / static_cast<float>(cols) + epsilon);
  const T* next = x + look_ahead<T>(cols);
  for_vectors(cols, [&](std::int64_t i, auto part) {
    prefetch(next + i);
    Vec v = part.load(x + i) * splat(rstd);
    if (weight) v *= part.load(weight + i);
    part.store(y + i, v);
  });
  return rstd;
}

/// dx (+)= rstd (g - xhat mean(g xhat)),  g = dy weight,  xhat = x rstd;  dweight += dy xhat,
/// unless weight is null. dx may be dy or x.
template <typename T>
AFORO_INLINE void rms_row_backward(const T* dy, const T* x, const float* weight, float rstd, T* dx,
                                   float* dweight, std::int64_t cols, bool accumulate_dx) {
  const auto products = sum_vectors<1>(cols, [&](auto& sums, std::int64_t i, auto part) {
    Vec dy_xhat = part.load(dy + i) * (part.load(x + i) * splat(rstd));
    if (weight) {
      part.store(dweight + i, part.load(dweight + i) + dy_xhat);
      dy_xhat *= part.load(weight + i);
    }
    sums.lanes[0] += dy_xhat;
  });
  const Vec mean = splat(products.total(0) / static_cast<float>(cols));
  const std::int64_t ahead = look_ahead<T>(cols);
  for_vectors(cols, [&](std::int64_t i, auto part) {
    prefetch(dy + ahead + i);
    prefetch(x + ahead + i);
    Vec g = part.load(dy + i);
    if (weight) g *= part.load(weight + i);
    Vec d = (g - part.load(x + i) * splat(rstd) * mean) * splat(rstd);
    if (accumulate_dx) d += part.load(dx + i);
    part.store(dx + i, d);
  });
}

}  // namespace aforo::cpu::AFORO_ISA
