#include "planner/program/operands.h"

namespace aforo {
namespace {

using enum TypeRule;

/// Appends `rule` if `condition`: optional operands keep the order of the headers.
template <typename Rules>
void add_if(Rules& rules, bool condition, OperandRule rule) {
  if (condition) rules.push_back(rule);
}

struct RuleVisitor {
  OperandRules operator()(const Activation& op) const {
    const std::int64_t width = is_gated(op.kind) ? 2 * op.cols : op.cols;
    return {{{op.rows * width, any}}, {{op.rows * op.cols, any}}};
  }
  OperandRules operator()(const ActivationBackward& op) const {
    const std::int64_t width = is_gated(op.kind) ? 2 * op.cols : op.cols;
    return {{{op.rows * op.cols, any}, {op.rows * width, any}}, {{op.rows * width, any}}};
  }
  OperandRules operator()(const AdamW& op) const {
    OperandRules rules{{{op.numel, fp32},
                        {op.numel, fp32},
                        {op.numel, fp32},
                        {op.numel, fp32},
                        {control::size, fp32},
                        {schedule::size, fp32}},
                       {{op.numel, fp32}, {op.numel, fp32}, {op.numel, fp32}}};
    add_if(rules.writes, op.has_copy, {op.numel, sixteen_bit});
    return rules;
  }
  OperandRules operator()(const Add& op) const {
    return {{{op.numel, any}, {op.numel, any}}, {{op.numel, any}}};
  }
  OperandRules operator()(const AllGather& op) const {
    return {{{op.numel / op.n_ranks, unchecked}}, {{op.numel, unchecked}}};
  }
  OperandRules operator()(const AllReduce& op) const {
    OperandRules rules{{{op.numel, unchecked}}, {{op.numel, unchecked}}};
    add_if(rules.reads, op.accumulate, {op.numel, unchecked});
    return rules;
  }
  OperandRules operator()(const Attention& op) const {
    const std::int64_t rows = op.batch * op.seq_len;
    return {{{rows * (op.n_heads + 2 * op.n_kv_heads) * op.head_dim, any}},
            {{rows * op.n_heads * op.head_dim, any}, {rows * op.n_heads, fp32}}};
  }
  OperandRules operator()(const AttentionBackward& op) const {
    const std::int64_t rows = op.batch * op.seq_len;
    const std::int64_t qkv = rows * (op.n_heads + 2 * op.n_kv_heads) * op.head_dim;
    const std::int64_t out = rows * op.n_heads * op.head_dim;
    return {{{out, any}, {qkv, any}, {out, any}, {rows * op.n_heads, fp32}}, {{qkv, any}}};
  }
  OperandRules operator()(const Cast& op) const {
    return {{{op.numel, unchecked}}, {{op.numel, unchecked}}};
  }
  OperandRules operator()(const ColumnSum& op) const {
    OperandRules rules{{{op.rows * op.cols, any}}, {{op.cols, fp32}}};
    add_if(rules.reads, op.accumulate, {op.cols, fp32});
    return rules;
  }
  OperandRules operator()(const CrossEntropy& op) const {
    OperandRules rules{{{op.rows * op.vocab, any}, {op.rows, int32}}, {{op.rows, fp32}}};
    add_if(rules.reads, op.has_gradient, {control::size, fp32});
    add_if(rules.writes, op.has_gradient, {op.rows * op.vocab, any});
    return rules;
  }
  OperandRules operator()(const Embedding& op) const {
    OperandRules rules{{{op.rows, int32}, {op.vocab * op.d_model, any}},
                       {{op.rows * op.d_model, any}}};
    add_if(rules.reads, op.has_positions, {-1, any});
    return rules;
  }
  OperandRules operator()(const EmbeddingBackward& op) const {
    OperandRules rules{{{op.rows, int32}, {op.rows * op.d_model, any}},
                       {{op.vocab * op.d_model, fp32}}};
    add_if(rules.reads, op.accumulate_tokens, {op.vocab * op.d_model, fp32});
    add_if(rules.reads, op.accumulate_positions, {-1, fp32});
    add_if(rules.writes, op.has_positions, {-1, fp32});
    return rules;
  }
  OperandRules operator()(const Fill& op) const { return {{}, {{op.numel, unchecked}}}; }
  OperandRules operator()(const Gemm& op) const {
    OperandRules rules{{{op.m * op.k, any}, {op.k * op.n, any}}, {{op.m * op.n, any_or_fp32}}};
    add_if(rules.reads, op.has_bias, {op.n, fp32});
    add_if(rules.reads, op.accumulate, {op.m * op.n, any_or_fp32});
    return rules;
  }
  OperandRules operator()(const GradientNorm&) const { return {{{-1, fp32}}, {{1, fp64}}, true}; }
  OperandRules operator()(const LayerNorm& op) const {
    OperandRules rules{{{op.rows * op.cols, any}},
                       {{op.rows * op.cols, any}, {op.rows, fp32}, {op.rows, fp32}}};
    add_if(rules.reads, op.has_weight, {op.cols, fp32});
    add_if(rules.reads, op.has_bias, {op.cols, fp32});
    return rules;
  }
  OperandRules operator()(const LayerNormBackward& op) const {
    const std::int64_t x = op.rows * op.cols;
    OperandRules rules{{{x, any}, {x, any}, {op.rows, fp32}, {op.rows, fp32}}, {{x, any}}};
    add_if(rules.reads, op.has_weight, {op.cols, fp32});
    add_if(rules.reads, op.accumulate_dx, {x, any});
    add_if(rules.reads, op.has_weight && op.accumulate_weights, {op.cols, fp32});
    add_if(rules.reads, op.has_bias && op.accumulate_weights, {op.cols, fp32});
    add_if(rules.writes, op.has_weight, {op.cols, fp32});
    add_if(rules.writes, op.has_bias, {op.cols, fp32});
    return rules;
  }
  OperandRules operator()(const NormPartials&) const { return {{{-1, fp32}}, {{-1, fp64}}, true}; }
  OperandRules operator()(const NormTotal& op) const {
    return {{{op.n_sums, fp64}, {-1, fp32}}, {{1, fp64}}, true};
  }
  OperandRules operator()(const QkNorm& op) const {
    const std::int64_t qkv = op.rows * (op.n_heads + 2 * op.n_kv_heads) * op.head_dim;
    const std::int64_t q = op.per_head ? op.head_dim : op.n_heads * op.head_dim;
    const std::int64_t k = op.per_head ? op.head_dim : op.n_kv_heads * op.head_dim;
    return {{{qkv, any}, {q, fp32}, {k, fp32}},
            {{qkv, any}, {op.rows * (op.per_head ? op.n_heads + op.n_kv_heads : 2), fp32}}};
  }
  OperandRules operator()(const QkNormBackward& op) const {
    const std::int64_t qkv = op.rows * (op.n_heads + 2 * op.n_kv_heads) * op.head_dim;
    const std::int64_t q = op.per_head ? op.head_dim : op.n_heads * op.head_dim;
    const std::int64_t k = op.per_head ? op.head_dim : op.n_kv_heads * op.head_dim;
    const std::int64_t rstd = op.rows * (op.per_head ? op.n_heads + op.n_kv_heads : 2);
    OperandRules rules{{{qkv, any}, {qkv, any}, {rstd, fp32}, {q, fp32}, {k, fp32}},
                       {{qkv, any}, {q, fp32}, {k, fp32}}};
    add_if(rules.reads, op.accumulate_weights, {q, fp32});
    add_if(rules.reads, op.accumulate_weights, {k, fp32});
    return rules;
  }
  OperandRules operator()(const ReduceScatter& op) const {
    OperandRules rules{{{op.numel, fp32}}, {{op.numel / op.n_ranks, fp32}}};
    add_if(rules.reads, op.accumulate, {op.numel / op.n_ranks, fp32});
    return rules;
  }
  OperandRules operator()(const RmsNorm& op) const {
    OperandRules rules{{{op.rows * op.cols, any}}, {{op.rows * op.cols, any}, {op.rows, fp32}}};
    add_if(rules.reads, op.has_weight, {op.cols, fp32});
    return rules;
  }
  OperandRules operator()(const RmsNormBackward& op) const {
    const std::int64_t x = op.rows * op.cols;
    OperandRules rules{{{x, any}, {x, any}, {op.rows, fp32}}, {{x, any}}};
    add_if(rules.reads, op.has_weight, {op.cols, fp32});
    add_if(rules.reads, op.accumulate_dx, {x, any});
    add_if(rules.reads, op.has_weight && op.accumulate_weights, {op.cols, fp32});
    add_if(rules.writes, op.has_weight, {op.cols, fp32});
    return rules;
  }
  OperandRules operator()(const Rope& op) const {
    const std::int64_t qkv = op.rows * (op.n_heads + 2 * op.n_kv_heads) * op.head_dim;
    return {{{qkv, any}}, {{qkv, any}}};
  }
  OperandRules operator()(const Sgd& op) const {
    OperandRules rules{
        {{op.numel, fp32}, {op.numel, fp32}, {control::size, fp32}, {schedule::size, fp32}},
        {{op.numel, fp32}}};
    add_if(rules.reads, op.has_momentum, {op.numel, fp32});
    add_if(rules.writes, op.has_momentum, {op.numel, fp32});
    add_if(rules.writes, op.has_copy, {op.numel, sixteen_bit});
    return rules;
  }
  OperandRules operator()(const StepControl&) const {
    return {{{1, fp64}, {control::size, fp32}}, {{control::size, fp32}}};
  }
  OperandRules operator()(const SumLoss& op) const {
    return {{{op.rows, fp32}, {1, fp64}}, {{1, fp64}}};
  }
};

}  // namespace

OperandRules operand_rules(const OpAttrs& attrs) { return std::visit(RuleVisitor{}, attrs); }

}  // namespace aforo
