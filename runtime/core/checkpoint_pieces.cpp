#include "runtime/core/checkpoint_pieces.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/base/error.h"

namespace aforo::checkpoint {
namespace {

bool is_kept(const Buffer& buffer) {
  const bool carries_training = buffer.role == Role::weight || buffer.role == Role::master ||
                                buffer.role == Role::optimizer_state ||
                                buffer.role == Role::control;
  return buffer.persistent && carries_training;
}

/// "L00.matrices.m" of unit "L00.matrices" holds "<segment>.m".
std::string tensor_name(const FlatUnit& unit, const FlatSegment& segment, const Buffer& buffer) {
  return segment.name + buffer.name.substr(unit.name.size());
}

/// Calls f(buffer id, tensor name, shape, first element in the unit) for every tensor that a kept
/// buffer holds, wholly or in part.
template <typename F>
void for_each_tensor(const StepProgram& program, F f) {
  for (std::size_t i = 0; i < program.buffers.size(); ++i) {
    const auto id = static_cast<BufferId>(i);
    const Buffer& buffer = program.buffers[i];
    if (!is_kept(buffer)) continue;
    if (buffer.unit < 0) {
      f(id, buffer.name, buffer.shape, std::int64_t{0});
      continue;
    }
    const FlatUnit& unit = program.units[buffer.unit];
    for (const FlatSegment& segment : unit.segments)
      f(id, tensor_name(unit, segment, buffer), segment.shape, segment.begin);
  }
}

/// Elements of a buffer's unit (or of itself) that the rank's buffer begins with.
std::int64_t first_element(const StepProgram& program, const Buffer& buffer, int rank) {
  if (!buffer.sharded) return 0;
  const std::int64_t numel = buffer.shape.numel();
  return rank % (program.units[buffer.unit].numel / numel) * numel;
}

/// The part of a tensor at [begin, begin + numel) of a unit that lies in [first, last) of it, where
/// the buffer begins at element `origin`; count 0 if none does.
Piece cut(std::string tensor, BufferId id, std::int64_t begin, std::int64_t numel,
          std::int64_t first, std::int64_t last, std::int64_t origin) {
  const std::int64_t from = std::max(begin, first), to = std::min(begin + numel, last);
  return {std::move(tensor), from - begin, std::max<std::int64_t>(to - from, 0), id, from - origin};
}

}  // namespace

std::map<std::string, Tensor> kept_tensors(const StepProgram& program) {
  std::map<std::string, Tensor> tensors;
  for_each_tensor(program, [&](BufferId id, const std::string& name, Shape shape, std::int64_t) {
    const std::string dtype(name_of(program.buffers[id].dtype));
    if (!tensors.emplace(name, Tensor{dtype, shape.rows, shape.cols}).second)
      throw InternalError(fmt::format("two buffers hold {}", name));
  });
  return tensors;
}

std::vector<Piece> pieces_of_rank(const StepProgram& program, int rank) {
  std::vector<Piece> pieces;
  for_each_tensor(program, [&](BufferId id, const std::string& name, Shape shape,
                               std::int64_t begin) {
    const Buffer& buffer = program.buffers[id];
    const std::int64_t origin = first_element(program, buffer, rank);
    Piece piece = cut(name, id, begin, shape.numel(), origin, origin + buffer.shape.numel(), origin);
    if (piece.count > 0) pieces.push_back(std::move(piece));
  });
  return pieces;
}

std::vector<Piece> pieces_to_save(const StepProgram& program, int rank) {
  std::vector<Piece> pieces;
  const std::int64_t n_ranks = program.n_ranks;
  for_each_tensor(program, [&](BufferId id, const std::string& name, Shape shape,
                               std::int64_t begin) {
    const Buffer& buffer = program.buffers[id];
    const std::int64_t numel = buffer.shape.numel();
    const std::int64_t origin = first_element(program, buffer, rank);
    std::int64_t first = origin, last = origin + numel;
    if (buffer.unit < 0) {  // small: scalars, and everything where there is one rank
      if (rank != 0) return;
    } else if (!buffer.sharded) {
      first = numel * rank / n_ranks;
      last = numel * (rank + 1) / n_ranks;
    } else if (rank >= program.units[buffer.unit].numel / numel) {
      return;  // another shard group holds the same
    }
    Piece piece = cut(name, id, begin, shape.numel(), first, last, origin);
    if (piece.count > 0) pieces.push_back(std::move(piece));
  });
  return pieces;
}

}  // namespace aforo::checkpoint
