#pragma once
// Buffers: everything a step touches, with its shape, type and part in training.

#include <cstdint>
#include <string>
#include <string_view>

#include "planner/base/dtype.h"
#include "planner/base/units.h"

namespace aforo {

using BufferId = std::int32_t;
constexpr BufferId no_buffer = -1;

/// What a buffer is for; the memory report has one row per role.
enum class Role : std::uint8_t {
  weight,  ///< what the matrix products and norms read
  master,  ///< fp32 copy of a 16-bit weight
  optimizer_state,
  gradient,    ///< of weights
  activation,  ///< made by the forward pass, its gradients, and what is recomputed
  workspace,   ///< scratch of the kernels
  control,     ///< scalars: loss, gradient norm, loss scale
  input,       ///< written by the training loop: tokens, targets, learning rate
};
constexpr int n_roles = 8;

constexpr std::string_view name_of(Role role) {
  constexpr std::string_view names[] = {"weight",     "master",    "optimizer_state", "gradient",
                                        "activation", "workspace", "control",         "input"};
  return names[static_cast<int>(role)];
}

/// At most three dimensions, row-major; unused ones are 1.
struct Shape {
  std::int64_t rows = 1;
  std::int64_t cols = 1;
  int rank = 2;
  constexpr std::int64_t numel() const { return rows * cols; }
  bool operator==(const Shape&) const = default;
};

/// First contents of a persistent buffer. Normal numbers are keyed by (seed, stream, element), so
/// they do not depend on the layout. `copy_of_master` starts a 16-bit weight as its rounded master.
/// `segments` starts every segment of the buffer's flat unit as the segment says.
enum class InitKind : std::uint8_t {
  none,
  zeros,
  ones,
  normal,
  constant,
  copy_of_master,
  segments
};

struct Init {
  InitKind kind = InitKind::none;
  float value = 0;              ///< standard deviation or constant
  std::uint32_t stream = 0;     ///< parameter number
  BufferId source = no_buffer;  ///< the master of copy_of_master
};

struct Buffer {
  std::string name;
  Shape shape;
  Dtype dtype = Dtype::fp32;
  Role role = Role::activation;
  Init init;
  bool persistent = false;  ///< keeps its contents from step to step

  BufferId inside = no_buffer;  ///< a view: its memory is part of this buffer's
  std::int64_t inside_at = 0;   ///< where in that, bytes
  bool own_part = false;        ///< a view of the rank's own part: where it lies depends on the rank

  std::int32_t unit = -1;  ///< its elements are those of this flat unit of the program
  bool sharded = false;    ///< ... or only the rank's own part of them

  Bytes bytes() const { return Bytes(shape.numel() * size_of(dtype)); }
};

}  // namespace aforo
