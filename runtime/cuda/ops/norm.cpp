#include "runtime/cuda/ops/norm.h"

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"
#include "runtime/cuda/ops/column_sum.h"

namespace aforo::cuda {
namespace {

/// Operands of either norm's gradient; null where there is none.
struct NormBackward {
  const char* name;
  std::int64_t rows, cols;
  const float *mean, *rstd, *weight;
  float *dweight, *dbias;
  bool accumulate_dx, accumulate_weights;
};

void add_weight_gradients(const NormBackward& norm, const KernelArgs& args) {
  const bool has_weight = norm.dweight != nullptr, has_bias = norm.dbias != nullptr;
  if (!has_weight && !has_bias) return;
  const std::int64_t stride = (has_weight + has_bias) * norm.cols;
  const std::int64_t n_parts = row_parts(norm.rows, stride, args.workspace_bytes);
  if (n_parts < 1) refuse_workspace(norm.name, args.workspace_bytes, stride * 4);
  float* partial = reinterpret_cast<float*>(args.workspace);
  check_launch(launch_norm_weight_parts(args.reads[0], args.reads[1], norm.mean, norm.rstd, partial,
                                        args.read_types[0], norm.rows, norm.cols, has_weight,
                                        has_bias, n_parts, args.stream),
               norm.name, {{"rows", norm.rows}, {"cols", norm.cols}, {"parts", n_parts}},
               args.read_types[0]);
  const float* next = partial;
  for (float* sums : {norm.dweight, norm.dbias}) {
    if (sums == nullptr) continue;
    check_launch(launch_add_parts(next, n_parts, stride, sums, norm.cols, norm.accumulate_weights,
                                  args.stream),
                 norm.name, {{"cols", norm.cols}, {"parts", n_parts}}, Dtype::fp32);
    next += norm.cols;
  }
}

void run_backward(const NormBackward& norm, const KernelArgs& args) {
  add_weight_gradients(norm, args);  // first: dx may lie where dy is
  check_launch(launch_norm_dx(args.reads[0], args.reads[1], norm.mean, norm.rstd, norm.weight,
                              args.writes[0], args.read_types[0], norm.rows, norm.cols,
                              norm.accumulate_dx, args.stream),
               norm.name, {{"rows", norm.rows}, {"cols", norm.cols}}, args.read_types[0]);
}

}  // namespace

void run(const LayerNorm& op, const KernelArgs& args) {
  const float* weight = op.has_weight ? args.in<float>(1) : nullptr;
  const float* bias = op.has_bias ? args.in<float>(op.has_weight ? 2 : 1) : nullptr;
  check_launch(launch_layer_norm(args.reads[0], weight, bias, args.writes[0],
                                 {args.out<float>(1), args.out<float>(2)}, args.read_types[0],
                                 op.rows, op.cols, op.epsilon, args.stream),
               op.name, {{"rows", op.rows}, {"cols", op.cols}}, args.read_types[0]);
}

void run(const LayerNormBackward& op, const KernelArgs& args) {
  NormBackward norm{op.name, op.rows, op.cols, args.in<float>(2), args.in<float>(3)};
  if (op.has_weight) norm.weight = args.in<float>(4);
  int write = 1;
  if (op.has_weight) norm.dweight = args.out<float>(write++);
  if (op.has_bias) norm.dbias = args.out<float>(write);
  norm.accumulate_dx = op.accumulate_dx;
  norm.accumulate_weights = op.accumulate_weights;
  run_backward(norm, args);
}

void run(const RmsNorm& op, const KernelArgs& args) {
  const float* weight = op.has_weight ? args.in<float>(1) : nullptr;
  check_launch(launch_rms_norm(args.reads[0], weight, args.writes[0], args.out<float>(1),
                               args.read_types[0], op.rows, op.cols, op.epsilon, args.stream),
               op.name, {{"rows", op.rows}, {"cols", op.cols}}, args.read_types[0]);
}

void run(const RmsNormBackward& op, const KernelArgs& args) {
  NormBackward norm{op.name, op.rows, op.cols, nullptr, args.in<float>(2)};
  if (op.has_weight) {
    norm.weight = args.in<float>(3);
    norm.dweight = args.out<float>(1);
  }
  norm.accumulate_dx = op.accumulate_dx;
  norm.accumulate_weights = op.accumulate_weights;
  run_backward(norm, args);
}

}  // namespace aforo::cuda
