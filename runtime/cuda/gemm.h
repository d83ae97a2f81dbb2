#pragma once
// Matrix products through cuBLASLt: the algorithm of every shape is chosen once, when a program is
// loaded.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "planner/base/dtype.h"
#include "planner/program/ops/gemm.h"
#include "runtime/cuda/handle.h"

namespace aforo::cuda {

/// All that decides how a product is computed.
struct GemmShape {
  std::int64_t m, n, k;
  bool trans_a, trans_b, has_bias, accumulate;
  Dtype in, out;
  auto operator<=>(const GemmShape&) const = default;
};

/// Where products find scratch, and how strictly their operands are aligned; the same for all
/// products of a program.
struct GemmScratch {
  std::byte* workspace;  ///< 256-byte aligned
  std::int64_t bytes;
  std::int64_t alignment;  ///< of every operand, bytes
};

/// One product, ready to run.
///
/// cuBLASLt stores matrices by columns. A row-major C [m, n] is a column-major C^T [n, m], so it is
/// asked for C^T = op(B)^T op(A)^T: B comes first, and what is stored [k, n] by rows is [n, k] by
/// columns. Its bias runs down the rows of C^T, which is our bias [n].
///
/// Accumulates in fp32 throughout (fp32 operands are not rounded to TF32; split sums are kept in
/// fp32, in the workspace). A bias is rounded to the type of C, the only type that cuBLASLt takes
/// it in.
class GemmPlan {
 public:
  /// Throws DeviceError if cuBLASLt has no algorithm for the shape, InternalError if the workspace
  /// does not hold the bias.
  GemmPlan(cublasLtHandle_t library, const GemmShape& shape, const GemmScratch& scratch);

  /// Queues the product. `before` is C as it was, or null; it may be C. `bias` is fp32 [n], or
  /// null.
  void run(const void* a, const void* b, const float* bias, const void* before, void* c,
           cudaStream_t stream) const;

 private:
  void describe_product();
  void choose_algorithm();
  std::int64_t bias_bytes() const;

  cublasLtHandle_t library_;
  GemmShape shape_;
  std::string text_;     ///< the shape in messages
  GemmScratch scratch_;  ///< the rounded bias lies at its start, cuBLASLt has the rest
  LtMatmulDesc product_;
  LtLayout b_, a_, c_;
  cublasLtMatmulAlgo_t algorithm_{};
};

/// Owns the library handle and one plan per shape.
class GemmPlans {
 public:
  explicit GemmPlans(const GemmScratch& scratch);
  /// The plan of this shape, made at the first call. The reference stays valid.
  const GemmPlan& plan(const GemmShape& shape);

 private:
  GemmScratch scratch_;
  LtHandle library_;
  std::map<GemmShape, GemmPlan> plans_;
};

}  // namespace aforo::cuda
