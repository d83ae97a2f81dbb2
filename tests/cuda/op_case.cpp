#include "tests/cuda/op_case.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <random>

#include "planner/base/error.h"
#include "planner/program/operands.h"
#include "tests/cuda/numbers.h"

namespace aforo::cuda_test {
namespace {

constexpr std::int64_t alignment = 256;

Dtype dtype_of(TypeRule rule, const OpCase& op_case, bool is_write) {
  switch (rule) {
    case TypeRule::any:
      return op_case.type;
    case TypeRule::any_or_fp32:
      return op_case.output_type;
    case TypeRule::unchecked:
      return is_write ? op_case.output_type : op_case.input_type;
    case TypeRule::sixteen_bit:
      return op_case.output_type;
    case TypeRule::fp32:
      return Dtype::fp32;
    case TypeRule::fp64:
      return Dtype::fp64;
    case TypeRule::int32:
      return Dtype::int32;
  }
  return Dtype::fp32;
}

/// Builds the program of a case: every buffer at a place of its own, except what the case lays
/// together.
class ProgramBuilder {
 public:
  explicit ProgramBuilder(const OpCase& op_case) : case_(op_case) {
    program_.target = {"test", alignment, Bytes(8 * mebi)};
    program_.buffers.push_back(
        {"workspace", {2 * mebi, 1, 2}, Dtype::fp32, Role::workspace, {}, true});
    program_.ports.workspace = 0;
  }

  StepProgram build() {
    OperandRules rules = operand_rules(case_.attrs);
    while (static_cast<int>(rules.reads.size()) < case_.n_reads)
      rules.reads.push_back(rules.reads.back());
    Op op{case_.attrs, {}, {}, {}};
    for (const OperandRule& rule : rules.writes)
      op.writes.push_back(add("write", rule, is_same(op.writes.size()), true));
    for (std::size_t i = 0; i < rules.reads.size(); ++i)
      op.reads.push_back(read(static_cast<int>(i), rules.reads[i], op));
    program_.ops.push_back(op);
    program_.sections.push_back(
        {SectionKind::micro_step, 0, static_cast<int>(program_.ops.size()), 1});
    place(op);
    return std::move(program_);
  }

 private:
  /// A write that is also read keeps its contents between runs.
  bool is_same(std::size_t write) const {
    return std::any_of(case_.same.begin(), case_.same.end(),
                       [&](const auto& pair) { return pair.second == static_cast<int>(write); });
  }

  BufferId add(const char* name, const OperandRule& rule, bool persistent, bool is_write) {
    const std::int64_t numel = rule.numel >= 0 ? rule.numel : case_.open_numel;
    program_.buffers.push_back({name,
                                {numel, 1, 2},
                                dtype_of(rule.type, case_, is_write),
                                Role::activation,
                                {},
                                persistent});
    return static_cast<BufferId>(program_.buffers.size()) - 1;
  }

  BufferId read(int index, const OperandRule& rule, const Op& op) {
    for (const auto& [from, to] : case_.same)
      if (from == index) return op.writes[to];
    if (index != case_.in_place) return add("read", rule, true, false);
    // The op may overwrite it, so it is a copy that dies there.
    const BufferId source = add("source", rule, true, false),
                   copy = add("copy", rule, false, false);
    program_.ops.push_back({Cast{program_.buffers[copy].shape.numel()}, {source}, {copy}, {}});
    return copy;
  }

  void place(const Op& op) {
    std::int64_t end = 0;
    for (const Buffer& buffer : program_.buffers) {
      program_.memory.offsets.push_back(end);
      end += (buffer.bytes().value + alignment - 1) / alignment * alignment;
    }
    program_.memory.arena = Bytes(end);
    if (case_.in_place < 0) return;
    for (const InPlacePair& pair : in_place_pairs(op.attrs))
      if (pair.read == case_.in_place) {
        program_.memory.offsets[op.writes[pair.write]] =
            program_.memory.offsets[op.reads[pair.read]];
        return;
      }
    throw InternalError("the op does not allow this operand to be overwritten");
  }

  const OpCase& case_;
  StepProgram program_;
};

/// The buffer that holds read number `index` before the op runs.
BufferId source_of(const StepProgram& program, const OpCase& op_case, int index) {
  return index == op_case.in_place ? program.ops.front().reads[0] : program.ops.back().reads[index];
}

Values contents(const StepProgram& program, const OpCase& op_case, int index) {
  const auto given = op_case.reads.find(index);
  const std::int64_t numel = program.buffers[program.ops.back().reads[index]].shape.numel();
  if (given == op_case.reads.end()) return normal_values(numel, 1, op_case.seed * 1000 + index);
  if (static_cast<std::int64_t>(given->second.size()) != numel)
    throw InternalError("a read has the wrong size");
  return given->second;
}

std::vector<Values> read_writes(const Executor& executor, const StepProgram& program) {
  std::vector<Values> results;
  for (BufferId id : program.ops.back().writes) {
    std::vector<std::byte> bytes(static_cast<std::size_t>(program.buffers[id].bytes().value));
    executor.read(id, bytes);
    results.push_back(decode(bytes, program.buffers[id].dtype));
  }
  return results;
}

}  // namespace

StepProgram program_of(const OpCase& op_case) { return ProgramBuilder(op_case).build(); }

std::vector<std::vector<Values>> run_repeatedly(Backend& backend, const OpCase& op_case, int n) {
  const StepProgram program = program_of(op_case);
  const auto executor = backend.load(program);
  std::vector<std::vector<Values>> results;
  for (int run = 0; run < n; ++run) {
    for (int i = 0; i < static_cast<int>(program.ops.back().reads.size()); ++i) {
      const BufferId id = source_of(program, op_case, i);
      executor->write(id, encode(contents(program, op_case, i), program.buffers[id].dtype));
    }
    executor->run(SectionKind::micro_step);
    results.push_back(read_writes(*executor, program));
  }
  return results;
}

std::vector<Values> run_case(Backend& backend, const OpCase& op_case) {
  return run_repeatedly(backend, op_case, 1).front();
}

Values normal_values(std::int64_t n, double scale, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal(0, scale);
  Values values(static_cast<std::size_t>(n));
  for (double& value : values) value = normal(random);
  return values;
}

Values rounded(const Values& values, Dtype dtype) { return decode(encode(values, dtype), dtype); }

double spacing(Dtype dtype) {
  switch (dtype) {
    case Dtype::bf16:
      return 0x1p-7;
    case Dtype::fp16:
      return 0x1p-10;
    default:
      return 0x1p-23;
  }
}

void check_close(const Values& actual, const Values& expected, double relative, double absolute,
                 const char* what) {
  REQUIRE(actual.size() == expected.size());
  std::optional<std::size_t> worst;
  double most = 1;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (actual[i] == expected[i] || (std::isnan(actual[i]) && std::isnan(expected[i]))) continue;
    const double error =
        std::abs(actual[i] - expected[i]) / (relative * std::abs(expected[i]) + absolute);
    if (error <= most) continue;  // NaN is not
    worst = i;
    most = error;
    if (std::isnan(error)) break;
  }
  if (!worst) return;
  FAIL_CHECK(what << "[" << *worst << "] is " << actual[*worst] << ", expected " << expected[*worst]
                  << ": " << most << " times the tolerance");
}

void check_equal(const Values& actual, const Values& expected, const char* what) {
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const bool equal =
        actual[i] == expected[i] && std::signbit(actual[i]) == std::signbit(expected[i]);
    if (equal || (std::isnan(actual[i]) && std::isnan(expected[i]))) continue;
    FAIL_CHECK(what << "[" << i << "] is " << actual[i] << ", expected " << expected[i]);
    return;
  }
}

const std::vector<Dtype>& activation_types() {
  static const std::vector<Dtype> types = {Dtype::fp32, Dtype::bf16, Dtype::fp16};
  return types;
}

Backend& cpu() {
  static const std::unique_ptr<Backend> backend = make_cpu_backend(2);
  return *backend;
}

}  // namespace aforo::cuda_test
