// Dispatch of one op to its kernel, and which ops have one.
#include <fmt/format.h>

#include <variant>

#include "runtime/cuda/kernel.h"
#include "runtime/cuda/ops/attention.h"

namespace aforo::cuda {
namespace {

struct LackVisitor {
  std::string operator()(const AllGather& op) const { return collective_lack(op); }
  std::string operator()(const AllReduce& op) const {
    return op.n_ranks == 1 && !op.accumulate ? "" : collective_lack(op);
  }
  std::string operator()(const NormPartials& op) const { return flat_lack(op); }
  std::string operator()(const NormTotal& op) const { return flat_lack(op); }
  std::string operator()(const ReduceScatter& op) const { return collective_lack(op); }
  std::string operator()(const Attention& op) const { return head_dim_lack(op); }
  std::string operator()(const AttentionBackward& op) const { return head_dim_lack(op); }
  template <typename Op>
  std::string operator()(const Op&) const {
    return "";
  }

 private:
  template <typename Op>
  static std::string collective_lack(const Op& op) {
    return fmt::format("{} over {} ranks (one rank only, without deterministic)", op.name,
                       op.n_ranks);
  }
  template <typename Op>
  static std::string flat_lack(const Op& op) {
    return fmt::format("{} (plans with deterministic run on the cpu)", op.name);
  }
  template <typename Op>
  static std::string head_dim_lack(const Op& op) {
    if (op.head_dim <= most_head_dim) return "";
    return fmt::format("{} with head_dim {} (at most {})", op.name, op.head_dim, most_head_dim);
  }
};

}  // namespace

void execute(const OpAttrs& attrs, const KernelArgs& args) {
  std::visit([&](const auto& op) { run(op, args); }, attrs);
}

std::string lack_of_kernel(const OpAttrs& attrs) { return std::visit(LackVisitor{}, attrs); }

}  // namespace aforo::cuda
