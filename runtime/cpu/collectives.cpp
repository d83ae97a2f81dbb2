#include "runtime/cpu/collectives.h"

#include <span>

#include "planner/base/error.h"

namespace aforo::cpu {
namespace {

struct CollectiveRun {
  Communicator& communicator;
  const StepProgram& program;
  const Op& op;
  const KernelArgs& args;

  std::span<const std::byte> read(int i) const {
    return {static_cast<const std::byte*>(args.reads[i]), n_bytes(op.reads[i])};
  }
  std::span<std::byte> write(int i) const {
    return {static_cast<std::byte*>(args.writes[i]), n_bytes(op.writes[i])};
  }
  std::span<std::byte> scratch() const {
    return {args.workspace, static_cast<std::size_t>(args.workspace_bytes)};
  }
  std::size_t n_bytes(BufferId id) const {
    return static_cast<std::size_t>(program.buffers[id].bytes().value);
  }
  std::string what() const { return describe(op.label) + " " + std::string(name_of(op)); }

  void operator()(const AllGather& attrs) const {
    communicator.all_gather(read(0), write(0), {attrs.n_ranks, attrs.stride}, what());
  }
  void operator()(const AllReduce& attrs) const {
    communicator.all_reduce(read(0), write(0), args.read_types[0], attrs.accumulate,
                            {attrs.n_ranks, attrs.stride}, scratch(), what());
  }
  void operator()(const ReduceScatter& attrs) const {
    communicator.reduce_scatter(read(0), write(0), args.read_types[0], attrs.accumulate,
                                {attrs.n_ranks, attrs.stride, attrs.inner}, scratch(), what());
  }
  template <typename Attrs>
  void operator()(const Attrs&) const {
    throw InternalError("no collective: " + what());
  }
};

}  // namespace

bool is_collective(const OpAttrs& attrs) { return n_ranks_of(attrs) > 1; }

void run_collective(Communicator& communicator, const StepProgram& program, const Op& op,
                    const KernelArgs& args) {
  std::visit(CollectiveRun{communicator, program, op, args}, op.attrs);
}

}  // namespace aforo::cpu
