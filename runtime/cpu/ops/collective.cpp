// AllGather, AllReduce and ReduceScatter of one rank: a copy, or a sum with what is there. Flat over
// elements, a thread owns a contiguous part; bound by memory. Several ranks are the communicator's.
#include <cstring>

#include "runtime/cpu/ops/loops.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

void check_one_rank(int n_ranks, const char* message) {
  if (n_ranks > 1) kernel_error(message);
}

/// y (+)= x; -0 becomes +0 as in a sum over several ranks.
template <typename T>
void add_to(const T* x, const T* before, T* y, std::int64_t numel, int n_threads) {
  parallel_elements(numel, 3 * sizeof(T), n_threads, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) y[i] = (before != nullptr ? before[i] : T(0)) + x[i];
  });
}

void add_to(const KernelArgs& args, bool accumulate, std::int64_t numel) {
  if (args.read_types[0] == Dtype::fp64)
    return add_to(args.in<double>(0), accumulate ? args.in<double>(1) : nullptr,
                  args.out<double>(0), numel, args.n_threads);
  if (args.read_types[0] != Dtype::fp32) refuse_type("all_reduce", args.read_types[0]);
  add_to(args.in<float>(0), accumulate ? args.in<float>(1) : nullptr, args.out<float>(0), numel,
         args.n_threads);
}

}  // namespace

void run(const AllGather& op, const KernelArgs& args) {
  check_one_rank(op.n_ranks, "all_gather: several ranks need a communicator");
  if (args.writes[0] == args.reads[0]) return;
  std::memcpy(args.writes[0], args.reads[0],
              static_cast<std::size_t>(op.numel * size_of(args.read_types[0])));
}

void run(const AllReduce& op, const KernelArgs& args) {
  check_one_rank(op.n_ranks, "all_reduce: several ranks need a communicator");
  add_to(args, op.accumulate, op.numel);
}

void run(const ReduceScatter& op, const KernelArgs& args) {
  check_one_rank(op.n_ranks, "reduce_scatter: several ranks need a communicator");
  add_to(args, op.accumulate, op.numel);
}

}  // namespace aforo::cpu::AFORO_ISA
