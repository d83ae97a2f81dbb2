// LayerNorm and RmsNorm over rows of [rows, cols], and their gradients. A thread owns rows
// (forward) or blocks of rows (backward). Each row is read from memory once and then again from the
// level 1 or 2 cache: sums first, results second; the weights' gradients are summed in the same
// pass, see row_blocks.h. Arithmetic in fp32. The order of every sum is fixed by the shape. The
// variance is the mean of (x - mean)^2, not mean(x^2) - mean^2, which loses digits when |mean| is
// large.
#include "runtime/cpu/ops/rms_row.h"
#include "runtime/cpu/ops/row_blocks.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

struct Moments {
  float mean, rstd;
};

template <typename T>
Moments layer_row(const T* x, const float* weight, const float* bias, T* y, std::int64_t cols,
                  float epsilon) {
  const float n = static_cast<float>(cols);
  const auto sum = sum_vectors<1>(
      cols, [&](auto& sums, std::int64_t i, auto part) { sums.lanes[0] += part.load(x + i); });
  const float mean = sum.total(0) / n;
  const auto squares = sum_vectors<1>(cols, [&](auto& sums, std::int64_t i, auto part) {
    const Vec v = part.keep(part.load(x + i) - splat(mean), splat(0.0f));
    sums.lanes[0] += v * v;
  });
  const float variance = squares.total(0) / n;
  const float rstd = 1.0f / __builtin_sqrtf(variance + epsilon);
  const T* next = x + look_ahead<T>(cols);
  for_vectors(cols, [&](std::int64_t i, auto part) {
    prefetch(next + i);
    Vec v = (part.load(x + i) - splat(mean)) * splat(rstd);
    if (weight) v *= part.load(weight + i);
    if (bias) v += part.load(bias + i);
    part.store(y + i, v);
  });
  return {mean, rstd};
}

/// Gradients that a row adds to; null where the norm has no such parameter.
struct WeightGradients {
  float* dweight;
  float* dbias;
};

/// dx (+)= rstd (g - mean(g) - xhat mean(g xhat)),  g = dy weight;  dweight += dy xhat;  dbias +=
/// dy.  dx may be dy or x.
template <typename T>
void layer_row_backward(const T* dy, const T* x, const float* weight, Moments moments, T* dx,
                        WeightGradients gradients, std::int64_t cols, bool accumulate_dx) {
  const Vec mean = splat(moments.mean), rstd = splat(moments.rstd);
  const auto sums = sum_vectors<2>(cols, [&](auto& sums, std::int64_t i, auto part) {
    Vec g = part.load(dy + i);
    Vec g_xhat = g * ((part.load(x + i) - mean) * rstd);
    if (float* p = gradients.dbias) part.store(p + i, part.load(p + i) + g);
    if (float* p = gradients.dweight) {
      part.store(p + i, part.load(p + i) + g_xhat);
      const Vec w = part.load(weight + i);
      g *= w;
      g_xhat *= w;
    }
    sums.lanes[0] += g;
    sums.lanes[1] += g_xhat;
  });
  const float n = static_cast<float>(cols);
  const Vec mean_g = splat(sums.total(0) / n), mean_g_xhat = splat(sums.total(1) / n);
  const std::int64_t ahead = look_ahead<T>(cols);
  for_vectors(cols, [&](std::int64_t i, auto part) {
    prefetch(dy + ahead + i);
    prefetch(x + ahead + i);
    Vec g = part.load(dy + i);
    if (weight) g *= part.load(weight + i);
    Vec d = (g - mean_g - (part.load(x + i) - mean) * rstd * mean_g_xhat) * rstd;
    if (accumulate_dx) d += part.load(dx + i);
    part.store(dx + i, d);
  });
}

}  // namespace

void run(const LayerNorm& op, const KernelArgs& args) {
  const float* weight = op.has_weight ? args.in<float>(1) : nullptr;
  const float* bias = op.has_bias ? args.in<float>(op.has_weight ? 2 : 1) : nullptr;
  float *mean = args.out<float>(1), *rstd = args.out<float>(2);
  with_type(args.read_types[0], op.name, [&]<typename T>(T) {
    const T* x = args.in<T>(0);
    T* y = args.out<T>(0);
    parallel_rows(op.rows, 2 * op.cols * sizeof(T), args.n_threads, [&](auto begin, auto end) {
      for (auto r = begin; r < end; ++r) {
        const std::int64_t at = r * op.cols;
        const Moments moments = layer_row(x + at, weight, bias, y + at, op.cols, op.epsilon);
        mean[r] = moments.mean;
        rstd[r] = moments.rstd;
      }
    });
  });
}

void run(const LayerNormBackward& op, const KernelArgs& args) {
  const float *mean = args.in<float>(2), *rstd = args.in<float>(3);
  const float* weight = op.has_weight ? args.in<float>(4) : nullptr;
  const std::int64_t n_sums = (op.has_weight + op.has_bias) * op.cols;
  const std::int64_t dbias_at = op.has_weight ? op.cols : 0;
  const RowBlocks blocks =
      row_blocks(op.rows, n_sums, args,
                 "layer_norm_backward: the workspace does not hold a row of weight gradients");
  with_type(args.write_types[0], op.name, [&]<typename T>(T) {
    const T *dy = args.in<T>(0), *x = args.in<T>(1);
    T* dx = args.out<T>(0);
    const auto rows = [&](std::int64_t begin, std::int64_t end, float* partial) {
      const WeightGradients gradients{op.has_weight ? partial : nullptr,
                                      op.has_bias ? partial + dbias_at : nullptr};
      for (std::int64_t r = begin; r < end; ++r) {
        const std::int64_t at = r * op.cols;
        layer_row_backward(dy + at, x + at, weight, {mean[r], rstd[r]}, dx + at, gradients, op.cols,
                           op.accumulate_dx);
      }
    };
    for_row_blocks(blocks, 3 * op.cols * sizeof(T), args.n_threads, rows);
  });
  int out = 1;
  if (op.has_weight)
    add_partials(blocks, 0, op.cols, args.out<float>(out++), op.accumulate_weights, args.n_threads);
  if (op.has_bias)
    add_partials(blocks, dbias_at, op.cols, args.out<float>(out), op.accumulate_weights,
                 args.n_threads);
}

void run(const RmsNorm& op, const KernelArgs& args) {
  const float* weight = op.has_weight ? args.in<float>(1) : nullptr;
  float* rstd = args.out<float>(1);
  with_type(args.read_types[0], op.name, [&]<typename T>(T) {
    const T* x = args.in<T>(0);
    T* y = args.out<T>(0);
    parallel_rows(op.rows, 2 * op.cols * sizeof(T), args.n_threads, [&](auto begin, auto end) {
      for (auto r = begin; r < end; ++r)
        rstd[r] = rms_row(x + r * op.cols, weight, y + r * op.cols, op.cols, op.epsilon);
    });
  });
}

void run(const RmsNormBackward& op, const KernelArgs& args) {
  const float* rstd = args.in<float>(2);
  const float* weight = op.has_weight ? args.in<float>(3) : nullptr;
  const RowBlocks blocks =
      row_blocks(op.rows, op.has_weight ? op.cols : 0, args,
                 "rms_norm_backward: the workspace does not hold a row of weight gradients");
  with_type(args.write_types[0], op.name, [&]<typename T>(T) {
    const T *dy = args.in<T>(0), *x = args.in<T>(1);
    T* dx = args.out<T>(0);
    const auto rows = [&](std::int64_t begin, std::int64_t end, float* partial) {
      for (std::int64_t r = begin; r < end; ++r) {
        const std::int64_t at = r * op.cols;
        rms_row_backward(dy + at, x + at, weight, rstd[r], dx + at, partial, op.cols,
                         op.accumulate_dx);
      }
    };
    for_row_blocks(blocks, 3 * op.cols * sizeof(T), args.n_threads, rows);
  });
  if (op.has_weight)
    add_partials(blocks, 0, op.cols, args.out<float>(1), op.accumulate_weights, args.n_threads);
}

}  // namespace aforo::cpu::AFORO_ISA
