#include "runtime/cuda/ops/cross_entropy.h"

#include "planner/program/control.h"
#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"

namespace aforo::cuda {

void run(const CrossEntropy& op, const KernelArgs& args) {
  const Dtype dtype = args.read_types[0];
  const float* loss_scale = op.has_gradient ? args.in<float>(2) + control::loss_scale : nullptr;
  void* dlogits = op.has_gradient ? args.writes[1] : nullptr;
  check_launch(
      launch_cross_entropy(args.reads[0], args.in<std::int32_t>(1), loss_scale, args.out<float>(0),
                           dlogits, dtype, op.rows, op.vocab, op.gradient_scale, args.stream),
      op.name, {{"rows", op.rows}, {"vocab", op.vocab}}, dtype);
}

void run(const SumLoss& op, const KernelArgs& args) {
  check_launch(launch_sum_loss(args.in<float>(0), args.in<double>(1), args.out<double>(0), op.rows,
                               op.seq_len, args.stream),
               op.name, {{"rows", op.rows}, {"seq_len", op.seq_len}}, Dtype::fp64);
}

}  // namespace aforo::cuda
