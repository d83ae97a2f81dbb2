#include "runtime/cuda/ops/elementwise.h"

#include "runtime/cuda/device_error.h"
#include "runtime/cuda/kernel.h"

namespace aforo::cuda {

void run(const Add& op, const KernelArgs& args) {
  check(launch_add(args.reads[0], args.reads[1], args.writes[0], args.read_types[0], op.numel, args.stream),
        "add({} elements, {})", op.numel, name_of(args.read_types[0]));
}

/// One rank's sum is the buffer itself.
void run(const AllReduce&, const KernelArgs&) {}

void run(const Cast& op, const KernelArgs& args) {
  check(launch_cast(args.reads[0], args.read_types[0], args.writes[0], args.write_types[0], op.numel, args.stream),
        "cast({} elements, {} to {})", op.numel, name_of(args.read_types[0]), name_of(args.write_types[0]));
}

void run(const Fill& op, const KernelArgs& args) {
  check(launch_fill(args.writes[0], args.write_types[0], op.value, op.numel, args.stream), "fill({} elements, {})",
        op.numel, name_of(args.write_types[0]));
}

}  // namespace aforo::cuda
