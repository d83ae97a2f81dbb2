#include "runtime/cuda/ops/embedding.h"

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/check.h"
#include "runtime/cuda/ops/elementwise.h"

namespace aforo::cuda {
namespace {

void add_tokens(const EmbeddingBackward& op, const KernelArgs& args) {
  const Dtype dtype = args.read_types[1];
  float* dwte = args.out<float>(0);
  const std::int64_t numel = op.vocab * op.d_model;
  if (!op.accumulate_tokens)
    check_launch(launch_fill(dwte, Dtype::fp32, 0.0f, numel, args.stream),
                 "embedding_backward clear", {{"numel", numel}}, Dtype::fp32);
  check_launch(launch_embedding_tokens(args.in<std::int32_t>(0), args.reads[1], dwte, dtype,
                                       op.rows, op.d_model, op.vocab, op.scale, args.stream),
               "embedding_backward tokens",
               {{"rows", op.rows}, {"d_model", op.d_model}, {"vocab", op.vocab}}, dtype);
}

void add_positions(const EmbeddingBackward& op, const KernelArgs& args) {
  const Dtype dtype = args.read_types[1];
  const std::int64_t positions = args.write_numels[1] / op.d_model;
  check_launch(
      launch_embedding_positions(args.reads[1], args.out<float>(1), dtype, op.rows, op.seq_len,
                                 op.d_model, positions, op.accumulate_positions, args.stream),
      "embedding_backward positions", {{"positions", positions}, {"d_model", op.d_model}}, dtype);
}

}  // namespace

void run(const Embedding& op, const KernelArgs& args) {
  const Dtype dtype = args.write_types[0];
  const void* wpe = op.has_positions ? args.reads[2] : nullptr;
  check_launch(launch_embedding(args.in<std::int32_t>(0), args.reads[1], wpe, args.writes[0], dtype,
                                op.rows, op.seq_len, op.d_model, op.vocab, op.scale, args.stream),
               op.name, {{"rows", op.rows}, {"d_model", op.d_model}, {"vocab", op.vocab}}, dtype);
}

void run(const EmbeddingBackward& op, const KernelArgs& args) {
  add_tokens(op, args);
  if (op.has_positions) add_positions(op, args);
}

}  // namespace aforo::cuda
