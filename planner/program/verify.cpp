#include <fmt/format.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/program/lifetimes.h"
#include "planner/program/operands.h"
#include "planner/program/program.h"

namespace aforo {
namespace {

[[noreturn]] void fail(const StepProgram& program, int op, const std::string& what) {
  throw InternalError(fmt::format("op {} ({} {}): {}", op, name_of(program.ops[op]),
                                  describe(program.ops[op].label), what));
}

bool type_fits(TypeRule rule, Dtype dtype, Dtype& activation, bool& activation_known) {
  switch (rule) {
    case TypeRule::unchecked:
      return true;
    case TypeRule::fp32:
      return dtype == Dtype::fp32;
    case TypeRule::fp64:
      return dtype == Dtype::fp64;
    case TypeRule::int32:
      return dtype == Dtype::int32;
    case TypeRule::sixteen_bit:
      return dtype == Dtype::bf16 || dtype == Dtype::fp16;
    case TypeRule::any_or_fp32:
      if (dtype == Dtype::fp32) return true;
      [[fallthrough]];
    case TypeRule::any:
      if (dtype != Dtype::fp32 && dtype != Dtype::bf16 && dtype != Dtype::fp16) return false;
      if (!activation_known) {
        activation = dtype;
        activation_known = true;
      }
      return dtype == activation;
  }
  return false;
}

template <typename Rules>
void check_operands(const StepProgram& program, int index, const Ids& ids, const Rules& rules,
                    bool more, const char* side, Dtype& activation, bool& known) {
  if (ids.size() < rules.size() || (!more && ids.size() != rules.size()))
    fail(program, index, fmt::format("has {} {}, expected {}", ids.size(), side, rules.size()));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const BufferId id = ids[i];
    if (id < 0 || id >= static_cast<BufferId>(program.buffers.size()))
      fail(program, index, fmt::format("{} {} is buffer {}, which does not exist", side, i, id));
    const Buffer& buffer = program.buffers[id];
    const OperandRule& rule = rules[std::min(i, rules.size() - 1)];
    if (rule.numel >= 0 && buffer.shape.numel() != rule.numel)
      fail(program, index,
           fmt::format("{} {} ({}) has {} elements, expected {}", side, i, buffer.name,
                       buffer.shape.numel(), rule.numel));
    if (!type_fits(rule.type, buffer.dtype, activation, known))
      fail(program, index,
           fmt::format("{} {} ({}) is {}", side, i, buffer.name, name_of(buffer.dtype)));
  }
}

void check_shapes(const StepProgram& program) {
  for (int i = 0; i < static_cast<int>(program.ops.size()); ++i) {
    const OperandRules rules = operand_rules(program.ops[i].attrs);
    Dtype activation = Dtype::fp32;
    bool known = false;
    check_operands(program, i, program.ops[i].reads, rules.reads, rules.more_reads, "reads",
                   activation, known);
    check_operands(program, i, program.ops[i].writes, rules.writes, false, "writes", activation,
                   known);
  }
}

/// `id` itself or a buffer that it lies in, for which `f` holds.
template <typename F>
bool any_around(const StepProgram& program, BufferId id, F f) {
  for (; id != no_buffer; id = program.buffers[id].inside)
    if (f(id)) return true;
  return false;
}

/// Views lie in buffers that are there, and within their bounds.
void check_views(const StepProgram& program) {
  const auto n = static_cast<BufferId>(program.buffers.size());
  for (const Buffer& buffer : program.buffers) {
    if (buffer.inside == no_buffer) continue;
    if (buffer.inside < 0 || buffer.inside >= n)
      throw InternalError(
          fmt::format("{} is a view of buffer {}, which does not exist", buffer.name, buffer.inside));
    const Buffer& around = program.buffers[buffer.inside];
    const std::int64_t end = buffer.inside_at + buffer.bytes().value;
    if (buffer.persistent || buffer.inside_at < 0 || end > around.bytes().value)
      throw InternalError(fmt::format("{} is a view of bytes {} to {} of {}, which has {}",
                                      buffer.name, buffer.inside_at, end, around.name,
                                      around.bytes().value));
  }
}

/// A view is defined once it, what it lies in, or part of it was written.
void check_definitions(const StepProgram& program) {
  std::vector<char> written(program.buffers.size(), 0), partly(program.buffers.size(), 0);
  for (std::size_t id = 0; id < written.size(); ++id) written[id] = program.buffers[id].persistent;
  for (int i = 0; i < static_cast<int>(program.ops.size()); ++i) {
    for (BufferId id : program.ops[i].reads)
      if (!partly[id] && !any_around(program, id, [&](BufferId b) { return written[b] != 0; }))
        fail(program, i,
             fmt::format("reads {} before anything wrote it", program.buffers[id].name));
    for (BufferId id : program.ops[i].writes) {
      written[id] = 1;
      any_around(program, id, [&](BufferId b) { return partly[b] = 1, false; });
    }
  }
}

void check_sections(const StepProgram& program) {
  int next = 0;
  for (const Section& section : program.sections) {
    if (section.begin != next || section.end < section.begin)
      throw InternalError(fmt::format("section {} covers ops {} to {}, expected to start at {}",
                                      name_of(section.kind), section.begin, section.end, next));
    next = section.end;
  }
  if (!program.sections.empty() && next != static_cast<int>(program.ops.size()))
    throw InternalError(fmt::format("sections end at op {} of {}", next, program.ops.size()));
}

/// True if `op` may hold `a` (read last here) and `b` (written first here) in the same place.
bool hands_over(const StepProgram& program, int op, BufferId read, BufferId write) {
  const Op& o = program.ops[op];
  for (const InPlacePair& pair : in_place_pairs(o.attrs))
    if (o.reads[pair.read] == read && o.writes[pair.write] == write) return true;
  return false;
}

/// True if the two are one memory on purpose: one lies in the other, or both are views of one
/// persistent buffer.
bool related(const StepProgram& program, BufferId a, BufferId b) {
  if (any_around(program, a, [&](BufferId c) { return c == b; })) return true;
  if (any_around(program, b, [&](BufferId c) { return c == a; })) return true;
  const auto root = [&](BufferId id) {
    while (program.buffers[id].inside != no_buffer) id = program.buffers[id].inside;
    return id;
  };
  return root(a) == root(b) && program.buffers[root(a)].persistent;
}

/// An own part may lie anywhere in its buffer, which stands for it.
bool is_placed(const Buffer& buffer) { return !buffer.own_part && buffer.bytes().value > 0; }

void check_placement(const StepProgram& program) {
  const std::vector<Lifetime> lives = lifetimes(program);
  std::vector<BufferId> order;
  for (std::size_t id = 0; id < lives.size(); ++id)
    if (!lives[id].empty() && is_placed(program.buffers[id]))
      order.push_back(static_cast<BufferId>(id));
  std::sort(order.begin(), order.end(),
            [&](BufferId a, BufferId b) { return lives[a].first < lives[b].first; });
  std::vector<BufferId> live;
  for (BufferId id : order) {
    const std::int64_t begin = program.memory.offsets[id];
    const std::int64_t end = begin + program.buffers[id].bytes().value;
    const bool aligned = program.buffers[id].inside != no_buffer ||  // padding begins anywhere
                         begin % program.target.alignment == 0;
    if (begin < 0 || end > program.memory.arena.value || !aligned)
      throw InternalError(
          fmt::format("buffer {} lies at [{}, {}) of an arena of {} bytes, alignment {}",
                      program.buffers[id].name, begin, end, program.memory.arena.value,
                      program.target.alignment));
    std::erase_if(live, [&](BufferId other) { return lives[other].last < lives[id].first; });
    for (BufferId other : live) {
      const std::int64_t other_begin = program.memory.offsets[other];
      const std::int64_t other_end = other_begin + program.buffers[other].bytes().value;
      if (end <= other_begin || other_end <= begin) continue;
      if (lives[other].last == lives[id].first && begin == other_begin &&
          hands_over(program, lives[id].first, other, id))
        continue;
      if (related(program, id, other)) continue;
      throw InternalError(fmt::format("buffers {} and {} overlap while both are live at op {}",
                                      program.buffers[other].name, program.buffers[id].name,
                                      lives[id].first));
    }
    live.push_back(id);
  }
}

}  // namespace

void verify(const StepProgram& program) {
  check_views(program);
  check_shapes(program);
  check_definitions(program);
  check_sections(program);
  if (!program.memory.offsets.empty()) check_placement(program);
}

}  // namespace aforo
