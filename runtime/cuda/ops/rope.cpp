#include "runtime/cuda/ops/rope.h"

#include "runtime/cuda/device_error.h"
#include "runtime/cuda/kernel.h"

namespace aforo::cuda {

void run(const Rope& op, const KernelArgs& args) {
  const RopeShape shape{op.rows, op.seq_len, op.n_heads, op.n_kv_heads, op.head_dim, op.rotary_dim};
  check(launch_rope(args.reads[0], args.writes[0], args.read_types[0], shape, op.theta, op.inverse, args.stream),
        "rope(rows {}, heads {} + {}, head_dim {}, {})", op.rows, op.n_heads, op.n_kv_heads, op.head_dim,
        name_of(args.read_types[0]));
}

}  // namespace aforo::cuda
