#include "runtime/cuda/ops/rope.h"

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"

namespace aforo::cuda {

void run(const Rope& op, const KernelArgs& args) {
  const Dtype dtype = args.read_types[0];
  const RopeShape shape{op.rows, op.seq_len, op.n_heads, op.n_kv_heads, op.head_dim, op.rotary_dim};
  check_launch(
      launch_rope(args.reads[0], args.writes[0], dtype, shape, op.theta, op.inverse, args.stream),
      op.name,
      {{"rows", op.rows},
       {"heads", op.n_heads},
       {"kv_heads", op.n_kv_heads},
       {"head_dim", op.head_dim}},
      dtype);
}

}  // namespace aforo::cuda
