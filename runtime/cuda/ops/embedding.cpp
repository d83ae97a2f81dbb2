#include "runtime/cuda/ops/embedding.h"

#include "runtime/cuda/device_error.h"
#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/elementwise.h"

namespace aforo::cuda {

void run(const Embedding& op, const KernelArgs& args) {
  check(launch_embedding(args.in<std::int32_t>(0), args.reads[1], op.has_positions ? args.reads[2] : nullptr, args.writes[0],
                         args.write_types[0], op.rows, op.seq_len, op.d_model, op.vocab, op.scale, args.stream),
        "embedding(rows {}, d_model {}, vocab {}, {})", op.rows, op.d_model, op.vocab, name_of(args.write_types[0]));
}

void run(const EmbeddingBackward& op, const KernelArgs& args) {
  float* dwte = args.out<float>(0);
  if (!op.accumulate_tokens)
    check(launch_fill(dwte, Dtype::fp32, 0.0f, op.vocab * op.d_model, args.stream), "embedding_backward fill({} elements)",
          op.vocab * op.d_model);
  check(launch_embedding_tokens(args.in<std::int32_t>(0), args.reads[1], dwte, args.read_types[1], op.rows, op.d_model,
                                op.vocab, op.scale, args.stream),
        "embedding_backward tokens(rows {}, d_model {}, vocab {}, {})", op.rows, op.d_model, op.vocab,
        name_of(args.read_types[1]));
  if (!op.has_positions) return;
  const std::int64_t positions = args.write_numels[1] / op.d_model;
  check(launch_embedding_positions(args.reads[1], args.out<float>(1), args.read_types[1], op.rows, op.seq_len, op.d_model,
                                   positions, op.accumulate_positions, args.stream),
        "embedding_backward positions({}, d_model {}, {})", positions, op.d_model, name_of(args.read_types[1]));
}

}  // namespace aforo::cuda
