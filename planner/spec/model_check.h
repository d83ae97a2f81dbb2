#pragma once
// Which shapes are models at all.

#include <optional>
#include <string>

#include "planner/spec/model.h"

namespace aforo {

struct ModelProblem {
  std::string key;      ///< "attention.n_kv_heads"
  std::string message;  ///< "n_kv_heads is 6, which does not divide n_heads (32)"
};

/// The first thing that is wrong: a size that is not positive or so large that products of sizes
/// would leave 63 bits, heads that do not divide, rope without whole pairs to rotate, experts that
/// no layer has, a norm that does not exist.
std::optional<ModelProblem> first_problem(const ModelSpec& model);

}  // namespace aforo
