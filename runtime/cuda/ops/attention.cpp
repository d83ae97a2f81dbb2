#include "runtime/cuda/ops/attention.h"

#include <algorithm>

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"

namespace aforo::cuda {
namespace {

template <typename Op>
AttentionShape shape_of(const Op& op) {
  return {op.batch,    op.seq_len, op.n_heads, op.n_kv_heads,
          op.head_dim, op.window,  op.scale,   op.alibi};
}

void check_call(cudaError_t code, const char* call, const AttentionShape& s, Dtype dtype) {
  check_launch(code, call,
               {{"batch", s.batch},
                {"seq_len", s.seq_len},
                {"heads", s.n_heads},
                {"kv_heads", s.n_kv_heads},
                {"head_dim", s.head_dim},
                {"window", s.window}},
               dtype);
}

}  // namespace

void run(const Attention& op, const KernelArgs& args) {
  const AttentionShape shape = shape_of(op);
  check_call(launch_attention(args.reads[0], args.writes[0], args.out<float>(1), args.read_types[0],
                              shape, args.stream),
             "attention", shape, args.read_types[0]);
}

/// Takes as many sequences at a time as the workspace holds row sums (delta) of.
void run(const AttentionBackward& op, const KernelArgs& args) {
  const AttentionShape shape = shape_of(op);
  const Dtype dtype = args.read_types[0];
  const std::int64_t sequence_bytes =
      shape.statistics_of_sequence() * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t at_once = std::min(args.workspace_bytes / sequence_bytes, shape.batch);
  if (at_once < 1) refuse_workspace(op.name, args.workspace_bytes, sequence_bytes);
  for (std::int64_t first = 0; first < shape.batch; first += at_once) {
    const AttentionGradient gradient{args.reads[0],  args.reads[1],
                                     args.reads[2],  args.in<float>(3),
                                     args.writes[0], reinterpret_cast<float*>(args.workspace),
                                     first,          std::min(at_once, shape.batch - first)};
    check_call(launch_attention_delta(gradient, dtype, shape, args.stream), "attention_delta",
               shape, dtype);
    check_call(launch_attention_dq(gradient, dtype, shape, args.stream), "attention_dq", shape,
               dtype);
    check_call(launch_attention_dkv(gradient, dtype, shape, args.stream), "attention_dkv", shape,
               dtype);
  }
}

}  // namespace aforo::cuda
