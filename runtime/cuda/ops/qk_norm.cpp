#include "runtime/cuda/ops/qk_norm.h"

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"
#include "runtime/cuda/ops/column_sum.h"

namespace aforo::cuda {
namespace {

template <typename Op>
QkSegments segments_of(const Op& op) {
  const std::int64_t kv = op.n_kv_heads * op.head_dim;
  if (op.per_head) return {op.n_heads, op.n_kv_heads, op.head_dim, op.head_dim, kv};
  return {1, 1, op.n_heads * op.head_dim, kv, kv};
}

void add_weight_gradients(const QkNormBackward& op, const QkSegments& segments,
                          const KernelArgs& args) {
  const std::int64_t stride = segments.q_size + segments.k_size;
  const std::int64_t n_parts = row_parts(op.rows, stride, args.workspace_bytes);
  if (n_parts < 1) refuse_workspace(op.name, args.workspace_bytes, stride * 4);
  float* partial = reinterpret_cast<float*>(args.workspace);
  check_launch(
      launch_qk_norm_weight_parts(args.reads[0], args.reads[1], args.in<float>(2), partial,
                                  args.read_types[0], op.rows, segments, n_parts, args.stream),
      op.name, {{"rows", op.rows}, {"parts", n_parts}}, args.read_types[0]);
  check_launch(launch_add_parts(partial, n_parts, stride, args.out<float>(1), segments.q_size,
                                op.accumulate_weights, args.stream),
               op.name, {{"q", segments.q_size}, {"parts", n_parts}}, Dtype::fp32);
  check_launch(launch_add_parts(partial + segments.q_size, n_parts, stride, args.out<float>(2),
                                segments.k_size, op.accumulate_weights, args.stream),
               op.name, {{"k", segments.k_size}, {"parts", n_parts}}, Dtype::fp32);
}

}  // namespace

void run(const QkNorm& op, const KernelArgs& args) {
  check_launch(launch_qk_norm(args.reads[0], args.in<float>(1), args.in<float>(2), args.writes[0],
                              args.out<float>(1), args.read_types[0], op.rows, segments_of(op),
                              op.epsilon, args.stream),
               op.name,
               {{"rows", op.rows},
                {"heads", op.n_heads},
                {"kv_heads", op.n_kv_heads},
                {"head_dim", op.head_dim}},
               args.read_types[0]);
}

void run(const QkNormBackward& op, const KernelArgs& args) {
  const QkSegments segments = segments_of(op);
  add_weight_gradients(op, segments, args);  // first: dx may lie where dy is
  check_launch(launch_qk_norm_dx(args.reads[0], args.reads[1], args.in<float>(2), args.in<float>(3),
                                 args.in<float>(4), args.writes[0], args.read_types[0], op.rows,
                                 segments, args.stream),
               op.name,
               {{"rows", op.rows},
                {"heads", op.n_heads},
                {"kv_heads", op.n_kv_heads},
                {"head_dim", op.head_dim}},
               args.read_types[0]);
}

}  // namespace aforo::cuda
