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

void check_definitions(const StepProgram& program) {
  std::vector<char> written(program.buffers.size(), 0);
  for (std::size_t id = 0; id < written.size(); ++id) written[id] = program.buffers[id].persistent;
  for (int i = 0; i < static_cast<int>(program.ops.size()); ++i) {
    for (BufferId id : program.ops[i].reads)
      if (!written[id])
        fail(program, i,
             fmt::format("reads {} before anything wrote it", program.buffers[id].name));
    for (BufferId id : program.ops[i].writes) written[id] = 1;
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

void check_placement(const StepProgram& program) {
  const std::vector<Lifetime> lives = lifetimes(program);
  std::vector<BufferId> order;
  for (std::size_t id = 0; id < lives.size(); ++id)
    if (!lives[id].empty() && program.buffers[id].bytes().value > 0)
      order.push_back(static_cast<BufferId>(id));
  std::sort(order.begin(), order.end(),
            [&](BufferId a, BufferId b) { return lives[a].first < lives[b].first; });
  std::vector<BufferId> live;
  for (BufferId id : order) {
    const std::int64_t begin = program.memory.offsets[id];
    const std::int64_t end = begin + program.buffers[id].bytes().value;
    if (begin < 0 || end > program.memory.arena.value || begin % program.target.alignment != 0)
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
      throw InternalError(fmt::format("buffers {} and {} overlap while both are live at op {}",
                                      program.buffers[other].name, program.buffers[id].name,
                                      lives[id].first));
    }
    live.push_back(id);
  }
}

}  // namespace

void verify(const StepProgram& program) {
  check_shapes(program);
  check_definitions(program);
  check_sections(program);
  if (!program.memory.offsets.empty()) check_placement(program);
}

}  // namespace aforo
