#include "runtime/cuda/gemm.h"

#include "runtime/cuda/kernel.h"

namespace aforo::cuda {

void run(const Gemm& op, const KernelArgs& args) {
  const float* bias = op.has_bias ? args.in<float>(2) : nullptr;
  const void* before = op.accumulate ? args.reads[op.has_bias ? 3 : 2] : nullptr;
  args.gemm->run(args.reads[0], args.reads[1], bias, before, args.writes[0], args.stream);
}

}  // namespace aforo::cuda
