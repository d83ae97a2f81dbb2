#pragma once
// Forward pass of a decoder transformer, as ops.

#include "planner/lower/builder.h"
#include "planner/lower/lowering.h"

namespace aforo {

/// Emits embedding, all blocks, final norm, head and loss of one micro-batch. With `has_gradient`
/// the loss op also writes the gradient of the logits and returns its buffer; else returns
/// no_buffer.
struct ForwardResult {
  BufferId logits = no_buffer;
  BufferId logits_gradient = no_buffer;
};
ForwardResult emit_transformer(Builder& builder, const Lowering& lowering, Phase phase,
                               bool has_gradient);

}  // namespace aforo
