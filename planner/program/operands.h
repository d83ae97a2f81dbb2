#pragma once
// The shapes and types an op requires of its operands: its header's "reads ... writes ..." as data.
// `verify` compares them with the program's buffers; the gradient rules and tests build buffers
// from them.

#include <boost/container/small_vector.hpp>
#include <cstdint>

#include "planner/program/control.h"
#include "planner/program/op.h"

namespace aforo {

/// What an operand's element type must be. `any` is an activation type, the same for every `any` of
/// one op.
enum class TypeRule : std::uint8_t { any, any_or_fp32, fp32, fp64, int32, sixteen_bit, unchecked };

struct OperandRule {
  std::int64_t numel;  ///< required elements; -1: any number
  TypeRule type;
};

struct OperandRules {
  boost::container::small_vector<OperandRule, 8> reads;
  boost::container::small_vector<OperandRule, 6> writes;
  bool more_reads = false;  ///< further reads follow the rule of the last
};

OperandRules operand_rules(const OpAttrs& attrs);

}  // namespace aforo
