#include "runtime/cpu/executor.h"

#include <fmt/format.h>

#include <chrono>
#include <cstring>

#include "planner/base/error.h"
#include "runtime/cpu/buffer_memory.h"
#include "runtime/cpu/collectives.h"
#include "runtime/cpu/initialize.h"
#include "runtime/cpu/onednn_gemm.h"

namespace aforo::cpu {
namespace {

BufferMemory place(const StepProgram& program, Placement placement, int rank) {
  if (program.memory.offsets.size() != program.buffers.size())
    throw InternalError("executor: the program has no memory plan");
  return placement == Placement::arena ? BufferMemory::arena(program, rank)
                                       : BufferMemory::separate(program, rank);
}

/// 0 without a communicator.
int rank_of(const StepProgram& program, const Communicator* communicator) {
  const int n_ranks = communicator == nullptr ? 1 : communicator->n_ranks();
  if (n_ranks != program.n_ranks)
    throw InternalError(fmt::format("executor: the program is for {} ranks, there are {}",
                                    program.n_ranks, n_ranks));
  return communicator == nullptr ? 0 : communicator->rank();
}

class CpuExecutor final : public Executor {
 public:
  CpuExecutor(const StepProgram& program, int n_threads, ExecuteFunction execute,
              Placement placement, Communicator* communicator)
      : program_(program),
        rank_(rank_of(program, communicator)),
        communicator_(communicator),
        n_threads_(n_threads),
        execute_(execute),
        memory_(place(program, placement, rank_)),
        products_(n_threads) {
    resolve();
  }

  void run(SectionKind kind) override {
    const Section& section = program_.section(kind);
    for (int i = section.begin; i < section.end; ++i) run_op(i);
  }

  std::vector<Seconds> run_profiled(SectionKind kind) override {
    const Section& section = program_.section(kind);
    std::vector<Seconds> times(section.size());
    for (int i = section.begin; i < section.end; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      run_op(i);
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
      times[i - section.begin] = Seconds(time.count());
    }
    return times;
  }

  void write(BufferId buffer, std::span<const std::byte> bytes) override {
    check_size(buffer, bytes.size());
    write_part(buffer, 0, bytes);
  }

  void read(BufferId buffer, std::span<std::byte> bytes) const override {
    check_size(buffer, bytes.size());
    read_part(buffer, 0, bytes);
  }

  void write_part(BufferId buffer, std::int64_t offset, std::span<const std::byte> bytes) override {
    check_part(buffer, offset, bytes.size());
    std::memcpy(memory_.at(buffer) + offset, bytes.data(), bytes.size());
  }

  void read_part(BufferId buffer, std::int64_t offset, std::span<std::byte> bytes) const override {
    check_part(buffer, offset, bytes.size());
    std::memcpy(bytes.data(), memory_.at(buffer) + offset, bytes.size());
  }

  void initialize(std::uint64_t seed) override {
    for (BufferId id = 0; id < n_buffers(); ++id)
      if (program_.buffers[id].persistent) initialize_one(id, seed);
    for (BufferId id = 0; id < n_buffers(); ++id) {
      const Buffer& buffer = program_.buffers[id];
      if (!buffer.persistent || buffer.init.kind != InitKind::copy_of_master) continue;
      const BufferId master = buffer.init.source;
      convert_buffer(program_.buffers[master], memory_.at(master), buffer, memory_.at(id),
                     n_threads_);
    }
  }

  void fill_pattern() override { memory_.fill_pattern(); }
  Bytes touched() const override { return memory_.touched(); }

 private:
  /// An op with its operands looked up.
  struct ResolvedOp {
    const OpAttrs* attrs;
    KernelArgs args;
    int product = own_product;  ///< of oneDNN
    bool collective = false;    ///< several ranks take part
  };

  void initialize_one(BufferId id, std::uint64_t seed) {
    const Buffer& buffer = program_.buffers[id];
    if (buffer.init.kind != InitKind::segments)
      return initialize_buffer(buffer, seed, memory_.at(id), n_threads_);
    const FlatUnit& unit = program_.units[buffer.unit];
    const std::int64_t numel = buffer.shape.numel(), n_parts = unit.numel / numel;
    initialize_flat(buffer, unit, rank_ % n_parts * numel, seed, memory_.at(id), n_threads_);
  }

  BufferId n_buffers() const { return static_cast<BufferId>(program_.buffers.size()); }

  void run_op(int i) {
    const ResolvedOp& op = ops_[i];
    if (op.collective) {
      run_collective(*communicator_, program_, program_.ops[i], op.args);
    } else if (op.product != own_product) {
      products_.run(op.product, op.args);
    } else {
      execute_(*op.attrs, op.args);
    }
  }

  void check_size(BufferId id, std::size_t size) const {
    const Buffer& buffer = program_.buffers[id];
    if (static_cast<std::int64_t>(size) == buffer.bytes().value) return;
    throw InternalError(fmt::format("{} has {} bytes, but {} are to be copied", buffer.name,
                                    buffer.bytes().value, size));
  }

  void check_part(BufferId id, std::int64_t offset, std::size_t size) const {
    const Buffer& buffer = program_.buffers[id];
    const std::int64_t end = offset + static_cast<std::int64_t>(size);
    if (offset >= 0 && end <= buffer.bytes().value) return;
    throw InternalError(fmt::format("{} has {} bytes, but bytes {} to {} are to be copied",
                                    buffer.name, buffer.bytes().value, offset, end));
  }

  void resolve() {
    std::size_t n_operands = 0;
    for (const Op& op : program_.ops) n_operands += op.reads.size() + op.writes.size();
    pointers_.reserve(n_operands);  // the args point into these three
    types_.reserve(n_operands);
    numels_.reserve(n_operands);
    ops_.reserve(program_.ops.size());
    for (const Op& op : program_.ops) ops_.push_back(resolved(op));
  }

  ResolvedOp resolved(const Op& op) {
    const std::size_t reads = add_operands(op.reads), writes = add_operands(op.writes);
    ResolvedOp result{&op.attrs, {}};
    KernelArgs& args = result.args;
    args.reads = pointers_.data() + reads;
    args.writes = pointers_.data() + writes;
    args.read_types = types_.data() + reads;
    args.write_types = types_.data() + writes;
    args.n_reads = static_cast<int>(op.reads.size());
    args.n_writes = static_cast<int>(op.writes.size());
    args.n_threads = n_threads_;
    args.read_numels = numels_.data() + reads;
    args.write_numels = numels_.data() + writes;
    const BufferId workspace = program_.ports.workspace;
    args.workspace = workspace == no_buffer ? nullptr : memory_.at(workspace);
    args.workspace_bytes = workspace == no_buffer ? 0 : program_.buffers[workspace].bytes().value;
    result.collective = is_collective(op.attrs);
    if (const Gemm* gemm = std::get_if<Gemm>(&op.attrs))
      result.product =
          products_.prepare(*gemm, args.read_types[0], args.write_types[0], args.workspace_bytes);
    return result;
  }

  /// Index of the first.
  std::size_t add_operands(const Ids& ids) {
    const std::size_t first = pointers_.size();
    for (BufferId id : ids) {
      pointers_.push_back(memory_.at(id));
      types_.push_back(program_.buffers[id].dtype);
      numels_.push_back(program_.buffers[id].shape.numel());
    }
    return first;
  }

  const StepProgram program_;
  int rank_;
  Communicator* communicator_;
  int n_threads_;
  ExecuteFunction execute_;
  BufferMemory memory_;
  OnednnProducts products_;
  std::vector<void*> pointers_;
  std::vector<Dtype> types_;
  std::vector<std::int64_t> numels_;
  std::vector<ResolvedOp> ops_;
};

}  // namespace

std::unique_ptr<Executor> make_executor(const StepProgram& program, int n_threads,
                                        ExecuteFunction execute, Placement placement,
                                        Communicator* communicator) {
  return std::make_unique<CpuExecutor>(program, n_threads, execute, placement, communicator);
}

}  // namespace aforo::cpu
