// QkNorm: RMS norm of the q and k heads inside packed rows [q heads | k heads | v heads], and its
// gradient. A thread owns rows (forward) or blocks of rows (backward); weight gradients sum over
// rows, and over the heads of a row in order, see row_blocks.h. Arithmetic in fp32; v is copied, or
// left alone in place. Bound by memory.
#include <cstring>

#include "runtime/cpu/ops/rms_row.h"
#include "runtime/cpu/ops/row_blocks.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

/// Where the normalised segments of a row lie: each head, or all q heads and all k heads.
struct Segments {
  std::int64_t n_q, n_k;  ///< segments of q and of k
  std::int64_t q_size, k_size;
  std::int64_t v_size;

  std::int64_t count() const { return n_q + n_k; }
  std::int64_t v_begin() const { return n_q * q_size + n_k * k_size; }
  std::int64_t row_size() const { return v_begin() + v_size; }
};

template <typename Op>
Segments segments_of(const Op& op) {
  const std::int64_t kv = op.n_kv_heads * op.head_dim;
  if (op.per_head) return {op.n_heads, op.n_kv_heads, op.head_dim, op.head_dim, kv};
  return {1, 1, op.n_heads * op.head_dim, kv, kv};
}

template <typename T>
void forward_row(const Segments& s, const T* x, const float* q_weight, const float* k_weight, T* y,
                 float* rstd, float epsilon) {
  for (std::int64_t i = 0; i < s.n_q; ++i)
    rstd[i] = rms_row(x + i * s.q_size, q_weight, y + i * s.q_size, s.q_size, epsilon);
  const std::int64_t k = s.n_q * s.q_size;
  for (std::int64_t i = 0; i < s.n_k; ++i)
    rstd[s.n_q + i] =
        rms_row(x + k + i * s.k_size, k_weight, y + k + i * s.k_size, s.k_size, epsilon);
  if (y != x) std::memcpy(y + s.v_begin(), x + s.v_begin(), s.v_size * sizeof(T));
}

/// Operands of one row's gradient.
template <typename T>
struct BackwardRow {
  const T *dy, *x;
  const float* rstd;
  T* dx;
};

template <typename T>
void backward_row(const Segments& s, BackwardRow<T> row, const float* q_weight,
                  const float* k_weight, float* dq_weight, float* dk_weight) {
  for (std::int64_t i = 0; i < s.n_q; ++i) {
    const std::int64_t at = i * s.q_size;
    rms_row_backward(row.dy + at, row.x + at, q_weight, row.rstd[i], row.dx + at, dq_weight,
                     s.q_size, false);
  }
  for (std::int64_t i = 0; i < s.n_k; ++i) {
    const std::int64_t at = s.n_q * s.q_size + i * s.k_size;
    rms_row_backward(row.dy + at, row.x + at, k_weight, row.rstd[s.n_q + i], row.dx + at, dk_weight,
                     s.k_size, false);
  }
  if (row.dx != row.dy)
    std::memcpy(row.dx + s.v_begin(), row.dy + s.v_begin(), s.v_size * sizeof(T));
}

}  // namespace

void run(const QkNorm& op, const KernelArgs& args) {
  const Segments s = segments_of(op);
  const float *q_weight = args.in<float>(1), *k_weight = args.in<float>(2);
  float* rstd = args.out<float>(1);
  with_type(args.read_types[0], op.name, [&]<typename T>(T) {
    const T* x = args.in<T>(0);
    T* y = args.out<T>(0);
    parallel_rows(op.rows, 2 * s.row_size() * sizeof(T), args.n_threads, [&](auto begin, auto end) {
      for (auto r = begin; r < end; ++r)
        forward_row(s, x + r * s.row_size(), q_weight, k_weight, y + r * s.row_size(),
                    rstd + r * s.count(), op.epsilon);
    });
  });
}

void run(const QkNormBackward& op, const KernelArgs& args) {
  const Segments s = segments_of(op);
  const float *rstd = args.in<float>(2), *q_weight = args.in<float>(3),
              *k_weight = args.in<float>(4);
  const RowBlocks blocks =
      row_blocks(op.rows, s.q_size + s.k_size, args,
                 "qk_norm_backward: the workspace does not hold a row of weight gradients");
  with_type(args.write_types[0], op.name, [&]<typename T>(T) {
    const T *dy = args.in<T>(0), *x = args.in<T>(1);
    T* dx = args.out<T>(0);
    const auto rows = [&](std::int64_t begin, std::int64_t end, float* partial) {
      for (std::int64_t r = begin; r < end; ++r) {
        const std::int64_t at = r * s.row_size();
        backward_row<T>(s, {dy + at, x + at, rstd + r * s.count(), dx + at}, q_weight, k_weight,
                        partial, partial + s.q_size);
      }
    };
    for_row_blocks(blocks, 3 * s.row_size() * sizeof(T), args.n_threads, rows);
  });
  add_partials(blocks, 0, s.q_size, args.out<float>(1), op.accumulate_weights, args.n_threads);
  add_partials(blocks, s.q_size, s.k_size, args.out<float>(2), op.accumulate_weights,
               args.n_threads);
}

}  // namespace aforo::cpu::AFORO_ISA
