#pragma once
// What a program keeps from step to step, as tensors of the model and pieces of them: a flat unit's
// buffer holds pieces of several tensors, a rank's part of it only some of their elements.

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "planner/program/program.h"

namespace aforo::checkpoint {

struct Tensor {
  std::string dtype;
  std::int64_t rows = 0, cols = 0;
  bool operator==(const Tensor&) const = default;
};

/// Elements [begin, begin + count) of a tensor, which lie from element `at` of a buffer on.
struct Piece {
  std::string tensor;
  std::int64_t begin = 0, count = 0;
  BufferId buffer = no_buffer;
  std::int64_t at = 0;
};

/// Everything that training carries on, by name, whatever ranks hold it: "L00.qkv.weight.master".
/// The same for one model, precision and optimizer under every layout.
std::map<std::string, Tensor> kept_tensors(const StepProgram& program);

/// What the buffers of this rank hold of them.
std::vector<Piece> pieces_of_rank(const StepProgram& program, int rank);

/// What this rank saves: its own parts, and its share of what every rank holds; together all of it,
/// once.
std::vector<Piece> pieces_to_save(const StepProgram& program, int rank);

}  // namespace aforo::checkpoint
