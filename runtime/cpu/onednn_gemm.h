#pragma once
// Matrix products by oneDNN. Without it in the build nothing is prepared, and the version is empty.

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/cpu/kernel.h"

namespace aforo::cpu {

/// "oneDNN 2.6.3", or empty.
std::string onednn_version();

/// What `prepare` answers when the own kernel is to run the product.
constexpr int own_product = -1;

/// The oneDNN primitives of one program: made once, one for all ops of equal shape, and run in the
/// program's buffers and its workspace.
class OnednnProducts {
 public:
  explicit OnednnProducts(int n_threads);
  ~OnednnProducts();
  OnednnProducts(const OnednnProducts&) = delete;
  OnednnProducts& operator=(const OnednnProducts&) = delete;

  /// Number of the product, for `run`. `own_product` where oneDNN is slower than the own kernel or
  /// refuses, or where its scratchpad does not fit the workspace. AFORO_CPU_GEMM=own always takes
  /// the own kernel, AFORO_CPU_GEMM=onednn never for speed; throws InputError if it has another
  /// value.
  int prepare(const Gemm& op, Dtype input, Dtype output, std::int64_t workspace_bytes);

  void run(int product, const KernelArgs& args);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace aforo::cpu
