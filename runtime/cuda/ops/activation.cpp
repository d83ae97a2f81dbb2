#include "runtime/cuda/ops/activation.h"

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"

namespace aforo::cuda {

void run(const Activation& op, const KernelArgs& args) {
  const Dtype dtype = args.read_types[0];
  check_launch(launch_activation(args.reads[0], args.writes[0], dtype, op.kind, op.rows, op.cols,
                                 args.stream),
               op.name, {{"rows", op.rows}, {"cols", op.cols}, {"kind", static_cast<int>(op.kind)}},
               dtype);
}

void run(const ActivationBackward& op, const KernelArgs& args) {
  const Dtype dtype = args.read_types[0];
  check_launch(launch_activation_backward(args.reads[0], args.reads[1], args.writes[0], dtype,
                                          op.kind, op.rows, op.cols, args.stream),
               op.name, {{"rows", op.rows}, {"cols", op.cols}, {"kind", static_cast<int>(op.kind)}},
               dtype);
}

}  // namespace aforo::cuda
