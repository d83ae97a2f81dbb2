#include "runtime/cuda/gemm.h"

#include "planner/base/error.h"
#include "runtime/cuda/device_error.h"
#include "runtime/cuda/ops/elementwise.h"

namespace aforo::cuda {
namespace {

cudaDataType_t data_type(Dtype dtype) {
  switch (dtype) {
    case Dtype::fp32:
      return CUDA_R_32F;
    case Dtype::bf16:
      return CUDA_R_16BF;
    case Dtype::fp16:
      return CUDA_R_16F;
    default:
      throw InternalError(fmt::format("gemm: an operand is {}", name_of(dtype)));
  }
}

std::string describe(const GemmShape& s) {
  return fmt::format("m {}, n {}, k {}, {}{}, {} to {}{}{}", s.m, s.n, s.k, s.trans_a ? 'T' : 'N',
                     s.trans_b ? 'T' : 'N', name_of(s.in), name_of(s.out),
                     s.has_bias ? ", bias" : "", s.accumulate ? ", accumulate" : "");
}

/// A row-major [rows, cols] as cuBLASLt sees it: column-major [cols, rows].
LtLayout layout_of(std::int64_t rows, std::int64_t cols, Dtype dtype) {
  LtLayout layout;
  check(cublasLtMatrixLayoutCreate(layout.put(), data_type(dtype), static_cast<std::uint64_t>(cols),
                                   static_cast<std::uint64_t>(rows), cols),
        "cublasLtMatrixLayoutCreate(rows {}, cols {})", cols, rows);
  return layout;
}

template <typename T>
void set(const LtMatmulDesc& product, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  check(cublasLtMatmulDescSetAttribute(product.get(), attribute, &value, sizeof(value)),
        "cublasLtMatmulDescSetAttribute(attribute {})", static_cast<int>(attribute));
}

template <typename T>
void set(const LtPreference& preference, cublasLtMatmulPreferenceAttributes_t attribute,
         const T& value) {
  check(cublasLtMatmulPreferenceSetAttribute(preference.get(), attribute, &value, sizeof(value)),
        "cublasLtMatmulPreferenceSetAttribute(attribute {})", static_cast<int>(attribute));
}

}  // namespace

GemmPlan::GemmPlan(cublasLtHandle_t library, const GemmShape& shape, const GemmScratch& scratch)
    : library_(library), shape_(shape), text_(describe(shape)), scratch_(scratch) {
  if (bias_bytes() > scratch.bytes)
    throw InternalError(fmt::format("gemm({}): the workspace has {} bytes, the bias takes {}",
                                    text_, scratch.bytes, bias_bytes()));
  describe_product();
  choose_algorithm();
}

/// Of the workspace, before what cuBLASLt gets: whole multiples of the 256 bytes that it wants its
/// part aligned to.
std::int64_t GemmPlan::bias_bytes() const {
  if (!shape_.has_bias) return 0;
  return (shape_.n * size_of(shape_.out) + 255) / 256 * 256;
}

void GemmPlan::describe_product() {
  const GemmShape& s = shape_;
  a_ = s.trans_a ? layout_of(s.k, s.m, s.in) : layout_of(s.m, s.k, s.in);
  b_ = s.trans_b ? layout_of(s.n, s.k, s.in) : layout_of(s.k, s.n, s.in);
  c_ = layout_of(s.m, s.n, s.out);
  check(cublasLtMatmulDescCreate(product_.put(), CUBLAS_COMPUTE_32F, CUDA_R_32F),
        "cublasLtMatmulDescCreate()");
  // The library's first operand is our B.
  set(product_, CUBLASLT_MATMUL_DESC_TRANSA, s.trans_b ? CUBLAS_OP_T : CUBLAS_OP_N);
  set(product_, CUBLASLT_MATMUL_DESC_TRANSB, s.trans_a ? CUBLAS_OP_T : CUBLAS_OP_N);
  if (!s.has_bias) return;
  set(product_, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
  set(product_, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, static_cast<std::int32_t>(data_type(s.out)));
  set(product_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, static_cast<const void*>(scratch_.workspace));
}

void GemmPlan::choose_algorithm() {
  LtPreference preference;
  check(cublasLtMatmulPreferenceCreate(preference.put()), "cublasLtMatmulPreferenceCreate()");
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
      static_cast<std::uint64_t>(scratch_.bytes - bias_bytes()));
  // Split sums in the type of C would round to 16 bits several times.
  set(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
  for (auto operand :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    set(preference, operand, static_cast<std::uint32_t>(scratch_.alignment));
  cublasLtMatmulHeuristicResult_t result{};
  int n_results = 0;
  check(cublasLtMatmulAlgoGetHeuristic(library_, product_.get(), b_.get(), a_.get(), c_.get(),
                                       c_.get(), preference.get(), 1, &result, &n_results),
        "cublasLtMatmulAlgoGetHeuristic({}, workspace {})", text_, scratch_.bytes);
  const cublasStatus_t status = n_results > 0 ? result.state : CUBLAS_STATUS_NOT_SUPPORTED;
  check(status, "cublasLtMatmulAlgoGetHeuristic({}, workspace {}) found no algorithm", text_,
        scratch_.bytes);
  algorithm_ = result.algo;
}

void GemmPlan::run(const void* a, const void* b, const float* bias, const void* before, void* c,
                   cudaStream_t stream) const {
  if (shape_.has_bias)
    check(launch_cast(bias, Dtype::fp32, scratch_.workspace, shape_.out, shape_.n, stream),
          "gemm bias({} elements)", shape_.n);
  const float alpha = 1, beta = shape_.accumulate ? 1 : 0;
  const std::int64_t own = bias_bytes();
  check(cublasLtMatmul(library_, product_.get(), &alpha, b, b_.get(), a, a_.get(), &beta,
                       shape_.accumulate ? before : c, c_.get(), c, c_.get(), &algorithm_,
                       scratch_.workspace + own, static_cast<std::size_t>(scratch_.bytes - own),
                       stream),
        "cublasLtMatmul({})", text_);
}

GemmPlans::GemmPlans(const GemmScratch& scratch) : scratch_(scratch) {
  check(cublasLtCreate(library_.put()), "cublasLtCreate(&library)");
}

const GemmPlan& GemmPlans::plan(const GemmShape& shape) {
  const auto found = plans_.find(shape);
  if (found != plans_.end()) return found->second;
  return plans_.try_emplace(shape, library_.get(), shape, scratch_).first->second;
}

}  // namespace aforo::cuda
