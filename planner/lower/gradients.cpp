#include "planner/lower/gradients.h"

#include <fmt/format.h>

#include "planner/base/error.h"

namespace aforo {
namespace {

class Differentiator {
 public:
  Differentiator(Lowering& lowering, Builder& builder)
      : lowering_(lowering),
        builder_(builder),
        gradient_of_(lowering.program.buffers.size(), no_buffer),
        holders_(lowering.program.buffers.size(), 0) {}

  void run(BufferId value, BufferId seed) {
    set_gradient(value, seed);
    const int n_forward = static_cast<int>(lowering_.program.ops.size());
    for (int i = n_forward - 1; i >= 0; --i) {
      const Op op = lowering_.program.ops[i];  // a copy: rules append to the list it lies in
      builder_.label = {Phase::backward, op.label.layer, op.label.part};
      if (!is_loss(op) && gradient(op.writes[0]) == no_buffer) continue;
      std::visit([&](const auto& attrs) { rule(attrs, op); }, op.attrs);
      if (!is_loss(op)) release(op.writes[0]);
    }
  }

 private:
  static bool is_loss(const Op& op) {
    return std::holds_alternative<CrossEntropy>(op.attrs) ||
           std::holds_alternative<SumLoss>(op.attrs);
  }

  BufferId gradient(BufferId value) const {
    return value < static_cast<BufferId>(gradient_of_.size()) ? gradient_of_[value] : no_buffer;
  }
  void set_gradient(BufferId value, BufferId grad) {
    gradient_of_[value] = grad;
    if (grad >= static_cast<BufferId>(holders_.size())) holders_.resize(grad + 1, 0);
    ++holders_[grad];
  }
  /// The producer of `value` has used its gradient; others may now add into that buffer.
  void release(BufferId value) { --holders_[gradient_of_[value]]; }

  BufferId new_gradient(BufferId value) {
    const Buffer& buffer = builder_.buffer(value);
    return builder_.add(
        {"d." + buffer.name, buffer.shape, buffer.dtype, Role::activation, {}, false});
  }

  /// Gradient buffer of a weight, declared at the first contribution.
  struct Target {
    BufferId buffer;
    bool accumulate;
  };
  Target weight_target(BufferId weight) {
    const std::int32_t index = lowering_.parameter_of[weight];
    Parameter& parameter = lowering_.parameters[index];
    if (parameter.gradient != no_buffer) return {parameter.gradient, true};
    const Shape shape = builder_.buffer(weight).shape;
    parameter.gradient =
        builder_.add({"d." + parameter.name, shape, Dtype::fp32, Role::gradient, {}, false});
    return {parameter.gradient, false};
  }

  /// Lets `emit(target, accumulate)` write or add the gradient of `value`. Adding in place needs a
  /// buffer that no other value still waits for: a residual hands one buffer to both branches.
  template <typename Emit>
  void contribute(BufferId value, Emit emit) {
    const BufferId present = gradient(value);
    if (present == no_buffer) {
      const BufferId fresh = new_gradient(value);
      emit(fresh, false);
      set_gradient(value, fresh);
    } else if (holders_[present] == 1) {
      emit(present, true);
    } else {
      const BufferId fresh = new_gradient(value);
      emit(fresh, false);
      add_to(value, fresh);
    }
  }

  /// gradient(value) += contribution, for kernels that cannot add in place.
  void add_to(BufferId value, BufferId contribution) {
    const BufferId present = gradient(value);
    if (present == no_buffer) return set_gradient(value, contribution);
    const BufferId sum = new_gradient(value);
    builder_.emit(Add{builder_.buffer(value).shape.numel()}, {present, contribution}, {sum});
    release(value);
    set_gradient(value, sum);
  }

  void rule(const Add&, const Op& op) {
    const BufferId dy = gradient(op.writes[0]);
    for (BufferId input : op.reads) add_to(input, dy);
  }

  void rule(const Gemm& attrs, const Op& op) {
    const BufferId dy = gradient(op.writes[0]), x = op.reads[0], w = op.reads[1];
    const Target dw = weight_target(w);
    Ids dw_reads{dy, x};
    if (dw.accumulate) dw_reads.push_back(dw.buffer);
    builder_.emit(Gemm{attrs.n, attrs.k, attrs.m, true, false, false, dw.accumulate}, dw_reads,
                  {dw.buffer});
    if (attrs.has_bias) {
      const Target db = weight_target(op.reads[2]);
      Ids db_reads{dy};
      if (db.accumulate) db_reads.push_back(db.buffer);
      builder_.emit(ColumnSum{attrs.m, attrs.n, db.accumulate}, db_reads, {db.buffer});
    }
    contribute(x, [&](BufferId dx, bool accumulate) {
      Ids reads{dy, w};
      if (accumulate) reads.push_back(dx);
      builder_.emit(Gemm{attrs.m, attrs.k, attrs.n, false, false, false, accumulate}, reads, {dx});
    });
  }

  void rule(const LayerNorm& attrs, const Op& op) {
    const BufferId x = op.reads[0];
    contribute(x, [&](BufferId dx, bool accumulate_dx) {
      Ids reads{gradient(op.writes[0]), x, op.writes[1], op.writes[2]}, writes{dx};
      const bool accumulate =
          norm_operands(op, attrs.has_weight, attrs.has_bias, dx, accumulate_dx, reads, writes);
      builder_.emit(LayerNormBackward{attrs.rows, attrs.cols, attrs.has_weight, attrs.has_bias,
                                      accumulate_dx, accumulate},
                    reads, writes);
    });
  }

  void rule(const RmsNorm& attrs, const Op& op) {
    const BufferId x = op.reads[0];
    contribute(x, [&](BufferId dx, bool accumulate_dx) {
      Ids reads{gradient(op.writes[0]), x, op.writes[1]}, writes{dx};
      const bool accumulate =
          norm_operands(op, attrs.has_weight, false, dx, accumulate_dx, reads, writes);
      builder_.emit(
          RmsNormBackward{attrs.rows, attrs.cols, attrs.has_weight, accumulate_dx, accumulate},
          reads, writes);
    });
  }

  /// Appends weight, dx and the weight gradients in the order of the norm headers; true if the
  /// gradients accumulate.
  bool norm_operands(const Op& op, bool has_weight, bool has_bias, BufferId dx, bool accumulate_dx,
                     Ids& reads, Ids& writes) {
    if (has_weight) reads.push_back(op.reads[1]);
    if (accumulate_dx) reads.push_back(dx);
    bool accumulate = false;
    if (has_weight) {
      const Target target = weight_target(op.reads[1]);
      accumulate = target.accumulate;
      if (accumulate) reads.push_back(target.buffer);
      writes.push_back(target.buffer);
    }
    if (has_bias) {
      const Target target = weight_target(op.reads[has_weight ? 2 : 1]);
      accumulate = target.accumulate;
      if (accumulate) reads.push_back(target.buffer);
      writes.push_back(target.buffer);
    }
    return accumulate;
  }

  void rule(const QkNorm& attrs, const Op& op) {
    const Target dq = weight_target(op.reads[1]), dk = weight_target(op.reads[2]);
    const BufferId dx = new_gradient(op.reads[0]);
    Ids reads{gradient(op.writes[0]), op.reads[0], op.writes[1], op.reads[1], op.reads[2]};
    if (dq.accumulate) reads.insert(reads.end(), {dq.buffer, dk.buffer});
    builder_.emit(QkNormBackward{attrs.rows, attrs.n_heads, attrs.n_kv_heads, attrs.head_dim,
                                 attrs.per_head, dq.accumulate},
                  reads, {dx, dq.buffer, dk.buffer});
    add_to(op.reads[0], dx);
  }

  void rule(const Rope& attrs, const Op& op) {
    Rope inverse = attrs;
    inverse.inverse = true;
    unary(inverse, {gradient(op.writes[0])}, op.reads[0]);
  }

  void rule(const Attention& a, const Op& op) {
    unary(AttentionBackward{a.batch, a.seq_len, a.n_heads, a.n_kv_heads, a.head_dim, a.window,
                            a.scale, a.alibi},
          {gradient(op.writes[0]), op.reads[0], op.writes[0], op.writes[1]}, op.reads[0]);
  }

  void rule(const Activation& attrs, const Op& op) {
    unary(ActivationBackward{attrs.rows, attrs.cols, attrs.kind},
          {gradient(op.writes[0]), op.reads[0]}, op.reads[0]);
  }

  void unary(OpAttrs attrs, Ids reads, BufferId value) {
    const BufferId dx = new_gradient(value);
    builder_.emit(std::move(attrs), std::move(reads), {dx});
    add_to(value, dx);
  }

  void rule(const Embedding& attrs, const Op& op) {
    const Target tokens = weight_target(op.reads[1]);
    Ids reads{op.reads[0], gradient(op.writes[0])}, writes{tokens.buffer};
    if (tokens.accumulate) reads.push_back(tokens.buffer);
    bool accumulate_positions = false;
    if (attrs.has_positions) {
      const Target positions = weight_target(op.reads[2]);
      accumulate_positions = positions.accumulate;
      if (accumulate_positions) reads.push_back(positions.buffer);
      writes.push_back(positions.buffer);
    }
    builder_.emit(EmbeddingBackward{attrs.rows, attrs.seq_len, attrs.d_model, attrs.vocab,
                                    attrs.has_positions, attrs.scale, tokens.accumulate,
                                    accumulate_positions},
                  reads, writes);
  }

  // The loss op itself wrote the gradient of the logits.
  void rule(const CrossEntropy&, const Op&) {}
  void rule(const SumLoss&, const Op&) {}

  /// Ops of later passes, and backward ops, are never differentiated.
  template <typename Attrs>
  void rule(const Attrs& attrs, const Op& op) {
    throw InternalError(
        fmt::format("{} has no gradient rule ({})", attrs.name, describe(op.label)));
  }

  Lowering& lowering_;
  Builder& builder_;
  std::vector<BufferId> gradient_of_;
  std::vector<int> holders_;  ///< per gradient buffer: values that still need it
};

}  // namespace

void append_gradients(Lowering& lowering, Builder& builder, BufferId value, BufferId seed) {
  Differentiator(lowering, builder).run(value, seed);
}

}  // namespace aforo
