#pragma once
// One op on given operands, run on any backend: the CPU says what the device should compute.

#include <map>
#include <utility>
#include <vector>

#include "planner/program/program.h"
#include "runtime/core/backend.h"

namespace aforo::cuda_test {

using Values = std::vector<double>;

/// A program of one op.
struct OpCase {
  OpAttrs attrs;
  Dtype type = Dtype::fp32;         ///< of every operand that may be of any activation type
  Dtype output_type = Dtype::fp32;  ///< of what a product, cast or fill writes
  Dtype input_type = Dtype::fp32;   ///< of what a cast reads
  /// Reads that are the same buffer as a write: accumulated targets, optimizer states.
  std::vector<std::pair<int, int>> same = {};
  /// Contents of reads; others get normal numbers. Rounded to the type of the operand.
  std::map<int, Values> reads = {};
  std::int64_t open_numel = 0;  ///< elements of operands whose size the op leaves open
  int n_reads = 0;              ///< of ops that take any number of reads
  int in_place = -1;  ///< read that shares its memory with the first write that allows it; -1: none
  std::uint64_t seed = 1;
};

/// Runs the op once from fresh operands and returns its writes.
std::vector<Values> run_case(Backend& backend, const OpCase& op_case);

/// As run_case, but runs it `n` times on the same operands and returns the writes of each: the
/// second run is the first that replays a graph.
std::vector<std::vector<Values>> run_repeatedly(Backend& backend, const OpCase& op_case, int n);

/// The program that run_case runs, with a memory plan of buffers side by side.
StepProgram program_of(const OpCase& op_case);

/// Normal numbers times `scale`.
Values normal_values(std::int64_t n, double scale = 1, std::uint64_t seed = 1);

/// `values` rounded to the type and back.
Values rounded(const Values& values, Dtype dtype);

/// Largest distance of neighbouring numbers of a type, relative to them: 2^-23, 2^-7, 2^-10. Two
/// roundings of almost equal numbers differ by at most this.
double spacing(Dtype dtype);

/// Fails the running test case unless |actual - expected| <= relative * |expected| + absolute
/// everywhere; NaN and infinity must be equal. `what` names the operand.
void check_close(const Values& actual, const Values& expected, double relative, double absolute,
                 const char* what);

/// Bits equal, up to the sign of NaN.
void check_equal(const Values& actual, const Values& expected, const char* what);

const std::vector<Dtype>& activation_types();  ///< fp32, bf16, fp16

/// The device under test, and the CPU with two threads.
Backend& device();
Backend& cpu();

}  // namespace aforo::cuda_test
