#include "runtime/cuda/ops/cross_entropy.h"

#include "planner/program/control.h"
#include "runtime/cuda/device_error.h"
#include "runtime/cuda/kernel.h"

namespace aforo::cuda {

void run(const CrossEntropy& op, const KernelArgs& args) {
  const float* loss_scale = op.has_gradient ? args.in<float>(2) + control::loss_scale : nullptr;
  void* dlogits = op.has_gradient ? args.writes[1] : nullptr;
  check(launch_cross_entropy(args.reads[0], args.in<std::int32_t>(1), loss_scale, args.out<float>(0), dlogits,
                             args.read_types[0], op.rows, op.vocab, op.gradient_scale, args.stream),
        "cross_entropy(rows {}, vocab {}, {})", op.rows, op.vocab, name_of(args.read_types[0]));
}

void run(const SumLoss& op, const KernelArgs& args) {
  check(launch_sum_loss(args.in<float>(0), args.in<double>(1), args.out<double>(0), op.rows, op.seq_len, args.stream),
        "sum_loss(rows {}, seq_len {})", op.rows, op.seq_len);
}

}  // namespace aforo::cuda
