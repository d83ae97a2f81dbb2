#include "runtime/cuda/ops/elementwise.h"

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"

namespace aforo::cuda {

void run(const Add& op, const KernelArgs& args) {
  const Dtype dtype = args.read_types[0];
  check_launch(
      launch_add(args.reads[0], args.reads[1], args.writes[0], dtype, op.numel, args.stream),
      op.name, {{"numel", op.numel}}, dtype);
}

/// One rank's sum is the buffer itself; programs with others of these are refused when they are
/// loaded, see LackVisitor.
void run(const AllGather&, const KernelArgs&) {}
void run(const AllReduce&, const KernelArgs&) {}
void run(const NormPartials&, const KernelArgs&) {}
void run(const NormTotal&, const KernelArgs&) {}
void run(const ReduceScatter&, const KernelArgs&) {}

void run(const Cast& op, const KernelArgs& args) {
  check_launch(launch_cast(args.reads[0], args.read_types[0], args.writes[0], args.write_types[0],
                           op.numel, args.stream),
               op.name, {{"numel", op.numel}}, args.write_types[0]);
}

void run(const Fill& op, const KernelArgs& args) {
  const Dtype dtype = args.write_types[0];
  check_launch(launch_fill(args.writes[0], dtype, op.value, op.numel, args.stream), op.name,
               {{"numel", op.numel}}, dtype);
}

}  // namespace aforo::cuda
