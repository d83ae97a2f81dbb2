#include "runtime/cuda/ops/activation.h"

#include "runtime/cuda/device_error.h"
#include "runtime/cuda/kernel.h"

namespace aforo::cuda {

void run(const Activation& op, const KernelArgs& args) {
  check(launch_activation(args.reads[0], args.writes[0], args.read_types[0], op.kind, op.rows, op.cols, args.stream),
        "activation(rows {}, cols {}, kind {}, {})", op.rows, op.cols, static_cast<int>(op.kind),
        name_of(args.read_types[0]));
}

void run(const ActivationBackward& op, const KernelArgs& args) {
  check(launch_activation_backward(args.reads[0], args.reads[1], args.writes[0], args.read_types[0], op.kind, op.rows,
                                   op.cols, args.stream),
        "activation_backward(rows {}, cols {}, kind {}, {})", op.rows, op.cols, static_cast<int>(op.kind),
        name_of(args.read_types[0]));
}

}  // namespace aforo::cuda
