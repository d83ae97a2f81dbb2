#include "runtime/cuda/ops/column_sum.h"

#include <algorithm>

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"

namespace aforo::cuda {

std::int64_t row_parts(std::int64_t rows, std::int64_t cols, std::int64_t workspace_bytes) {
  const std::int64_t fitting = workspace_bytes / (cols * static_cast<std::int64_t>(sizeof(float)));
  return std::min({std::max<std::int64_t>(rows / 16, 1), std::int64_t{64}, fitting});
}

void run(const ColumnSum& op, const KernelArgs& args) {
  const Dtype dtype = args.read_types[0];
  check_launch(launch_column_sum(args.reads[0], dtype, args.out<float>(0), op.rows, op.cols,
                                 op.accumulate, args.stream),
               op.name, {{"rows", op.rows}, {"cols", op.cols}}, dtype);
}

}  // namespace aforo::cuda
