#include "runtime/cuda/ops/qk_norm.h"

#include "planner/base/error.h"
#include "runtime/cuda/device_error.h"
#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/column_sum.h"

namespace aforo::cuda {
namespace {

template <typename Op>
QkSegments segments_of(const Op& op) {
  const std::int64_t kv = op.n_kv_heads * op.head_dim;
  if (op.per_head) return {op.n_heads, op.n_kv_heads, op.head_dim, op.head_dim, kv};
  return {1, 1, op.n_heads * op.head_dim, kv, kv};
}

void add_weight_gradients(const QkNormBackward& op, const QkSegments& segments, const KernelArgs& args) {
  const std::int64_t stride = segments.q_size + segments.k_size;
  const std::int64_t n_parts = row_parts(op.rows, stride, args.workspace_bytes);
  if (n_parts < 1)
    throw InternalError(fmt::format("{}: the workspace has {} bytes, one row of weight gradients takes {}", op.name,
                                    args.workspace_bytes, stride * 4));
  float* partial = reinterpret_cast<float*>(args.workspace);
  check(launch_qk_norm_weight_parts(args.reads[0], args.reads[1], args.in<float>(2), partial, args.read_types[0], op.rows,
                                    segments, n_parts, args.stream),
        "qk_norm_backward weights(rows {}, parts {})", op.rows, n_parts);
  check(launch_add_parts(partial, n_parts, stride, args.out<float>(1), segments.q_size, op.accumulate_weights, args.stream),
        "qk_norm_backward add_parts(q {}, parts {})", segments.q_size, n_parts);
  check(launch_add_parts(partial + segments.q_size, n_parts, stride, args.out<float>(2), segments.k_size,
                         op.accumulate_weights, args.stream),
        "qk_norm_backward add_parts(k {}, parts {})", segments.k_size, n_parts);
}

}  // namespace

void run(const QkNorm& op, const KernelArgs& args) {
  check(launch_qk_norm(args.reads[0], args.in<float>(1), args.in<float>(2), args.writes[0], args.out<float>(1),
                       args.read_types[0], op.rows, segments_of(op), op.epsilon, args.stream),
        "qk_norm(rows {}, heads {} + {}, head_dim {}, {})", op.rows, op.n_heads, op.n_kv_heads, op.head_dim,
        name_of(args.read_types[0]));
}

void run(const QkNormBackward& op, const KernelArgs& args) {
  const QkSegments segments = segments_of(op);
  add_weight_gradients(op, segments, args);  // first: dx may lie where dy is
  check(launch_qk_norm_dx(args.reads[0], args.reads[1], args.in<float>(2), args.in<float>(3), args.in<float>(4),
                          args.writes[0], args.read_types[0], op.rows, segments, args.stream),
        "qk_norm_backward(rows {}, heads {} + {}, head_dim {}, {})", op.rows, op.n_heads, op.n_kv_heads, op.head_dim,
        name_of(args.read_types[0]));
}

}  // namespace aforo::cuda
