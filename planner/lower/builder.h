#pragma once
// Grows a step program: adds buffers and ops under the current label.

#include <string>
#include <utility>

#include "planner/program/program.h"

namespace aforo {

class Builder {
 public:
  explicit Builder(StepProgram& program) : program_(program) {}

  /// Label of the ops emitted from here on.
  OpLabel label;

  BufferId add(Buffer buffer) {
    program_.buffers.push_back(std::move(buffer));
    return static_cast<BufferId>(program_.buffers.size()) - 1;
  }
  BufferId activation(std::string name, std::int64_t rows, std::int64_t cols, Dtype dtype) {
    return add({std::move(name), {rows, cols, 2}, dtype, Role::activation, {}, false});
  }
  BufferId row_statistics(std::string name, std::int64_t rows, std::int64_t cols = 1) {
    return add({std::move(name),
                {rows, cols, cols == 1 ? 1 : 2},
                Dtype::fp32,
                Role::activation,
                {},
                false});
  }

  void emit(OpAttrs attrs, Ids reads, Ids writes) {
    program_.ops.push_back({std::move(attrs), std::move(reads), std::move(writes), label});
  }

  const Buffer& buffer(BufferId id) const { return program_.buffers[id]; }
  StepProgram& program() { return program_; }

 private:
  StepProgram& program_;
};

}  // namespace aforo
