#include <fmt/format.h>

#include <iterator>

#include "planner/program/fields.h"
#include "planner/program/program.h"
#include "planner/spec/enum_tables.h"

namespace aforo {
namespace {

struct PrintField {
  std::string& out;
  void operator()(std::string_view name, bool v) const {
    if (v) fmt::format_to(std::back_inserter(out), " {}", name);
  }
  void operator()(std::string_view, ActivationKind v) const {
    fmt::format_to(std::back_inserter(out), " {}", enum_name(v));
  }
  template <typename T>
  void operator()(std::string_view name, T v) const {
    fmt::format_to(std::back_inserter(out), " {}={}", name, v);
  }
};

std::string operand(const Buffer& buffer) {
  const std::string shape = buffer.shape.rank == 1
                                ? fmt::format("{}", buffer.shape.numel())
                                : fmt::format("{},{}", buffer.shape.rows, buffer.shape.cols);
  return fmt::format("{}[{}]{}", buffer.name, shape, name_of(buffer.dtype));
}

void append_operands(std::string& out, const StepProgram& program, const Ids& ids) {
  constexpr std::size_t shown = 8;  // the gradient norm reads every gradient
  for (std::size_t i = 0; i < ids.size() && i < shown; ++i) {
    out += i == 0 ? "" : ", ";
    out += operand(program.buffers[ids[i]]);
  }
  if (ids.size() > shown)
    fmt::format_to(std::back_inserter(out), ", and {} more", ids.size() - shown);
}

void append_op(std::string& out, const StepProgram& program, int index) {
  const Op& op = program.ops[index];
  const Cost cost = cost_of(program, op);
  fmt::format_to(std::back_inserter(out), "{:6d}  {:<26} {}", index, describe(op.label),
                 name_of(op));
  std::visit([&](const auto& attrs) { fields(attrs, PrintField{out}); }, op.attrs);
  out += "\n            ";
  append_operands(out, program, op.reads);
  out += " -> ";
  append_operands(out, program, op.writes);
  fmt::format_to(std::back_inserter(out), "   {:.4g} FLOP, {:.4g} B\n", cost.flops, cost.bytes);
}

}  // namespace

std::string print(const StepProgram& program) {
  std::string out;
  fmt::format_to(std::back_inserter(out), "program for {}: {} buffers, {} ops\n",
                 program.target.name, program.buffers.size(), program.ops.size());
  if (program.sections.empty())
    for (int i = 0; i < static_cast<int>(program.ops.size()); ++i) append_op(out, program, i);
  for (const Section& section : program.sections) {
    fmt::format_to(std::back_inserter(out), "section {} x{}\n", name_of(section.kind),
                   section.repeat);
    for (int i = section.begin; i < section.end; ++i) append_op(out, program, i);
  }
  if (!program.memory.offsets.empty())
    fmt::format_to(std::back_inserter(out), "arena {} bytes, persistent {}, peak at op {}\n",
                   program.memory.arena.value, program.memory.persistent.value,
                   program.memory.peak_op);
  return out;
}

}  // namespace aforo
