#pragma once
// Runs one op on one instruction set, from host numbers to host numbers.
//
//   Case c{Add{n, ...}, {activation(a), activation(b)}, {activation(zeros(n))}};
//   Outcome o = run(isa, c, {.activations = Dtype::bf16, .n_threads = 2});      // o.writes[0][i]
//   as double
//
// Every operand lies in memory of its own with guard bytes behind it, the workspace too (256 KiB,
// full of NaN): `run` fails the test if a kernel writes past one of them or into an operand that it
// only reads.

#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "planner/program/op.h"
#include "runtime/cpu/kernel.h"
#include "tests/ops/number_formats.h"

namespace aforo::test {

using Doubles = std::vector<double>;

/// One operand. `is_activation`: its type is chosen by the run, else it is `dtype`.
struct Operand {
  Doubles values;
  Dtype dtype = Dtype::fp32;
  bool is_activation = false;
};
inline Operand activation(Doubles values) { return {std::move(values), Dtype::fp32, true}; }
inline Operand fp32(Doubles values) { return {std::move(values)}; }
inline Operand typed(Dtype dtype, Doubles values) { return {std::move(values), dtype}; }

/// An op with its operands; `writes` are the contents before. Read `shared.read` has the memory of
/// write `shared.write`: accumulated targets, and pairs to be tried in place.
struct Case {
  OpAttrs op;
  std::vector<Operand> reads, writes;
  std::vector<InPlacePair> shared = {};
};

struct Options {
  Dtype activations = Dtype::fp32;
  int n_threads = 1;
  std::int64_t workspace = 256 * kibi;
};

struct Outcome {
  std::vector<Doubles> writes;
  std::vector<std::vector<std::byte>> bytes;  ///< the same as they lie in memory
};

/// Aligned memory with guard bytes behind it.
class Memory {
 public:
  explicit Memory(std::int64_t size) : size_(size) {
    void* memory = nullptr;
    REQUIRE(posix_memalign(&memory, 64, static_cast<std::size_t>(size + guard)) == 0);
    bytes_.reset(static_cast<std::byte*>(memory));
    std::memset(bytes_.get(), 0xff, size);
    std::memset(bytes_.get() + size, 0xa5, guard);
  }
  std::byte* get() const { return bytes_.get(); }
  std::int64_t size() const { return size_; }
  bool guard_is_intact() const {
    for (std::int64_t i = size_; i < size_ + guard; ++i)
      if (bytes_[i] != std::byte{0xa5}) return false;
    return true;
  }

 private:
#ifdef __SANITIZE_ADDRESS__
  static constexpr std::int64_t guard = 0;  // the sanitizer sees the end, for reads too
#else
  static constexpr std::int64_t guard = 256;
#endif
  struct Free {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::int64_t size_;
  std::unique_ptr<std::byte[], Free> bytes_;
};

inline Dtype dtype_of(const Operand& operand, const Options& options) {
  return operand.is_activation ? options.activations : operand.dtype;
}

inline Memory memory_of(const Operand& operand, const Options& options) {
  const Dtype dtype = dtype_of(operand, options);
  const std::int64_t size = size_of(dtype);
  Memory memory(static_cast<std::int64_t>(operand.values.size()) * size);
  for (std::size_t i = 0; i < operand.values.size(); ++i)
    encode(operand.values[i], dtype, memory.get() + i * size);
  return memory;
}

inline Doubles values_of(const Memory& memory, Dtype dtype) {
  Doubles values(memory.size() / size_of(dtype));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = decode(memory.get() + i * size_of(dtype), dtype);
  return values;
}

/// One instruction set that this machine can run.
struct Isa {
  const char* name;
  cpu::ExecuteFunction execute;
};

inline std::vector<Isa> available_isas() {
  std::vector<Isa> isas{{"baseline", cpu::baseline::execute}};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    isas.push_back({"avx2", cpu::avx2::execute});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    isas.push_back({"avx512", cpu::avx512::execute});
  return isas;
}

/// The operands of one side (reads or writes) as kernels see them.
struct Side {
  std::vector<Memory> memory;
  std::vector<void*> pointers;
  std::vector<Dtype> types;
  std::vector<std::int64_t> numels;
  std::vector<std::vector<std::byte>> before;

  Side(const std::vector<Operand>& operands, const Options& options) {
    for (const Operand& operand : operands) {
      memory.push_back(memory_of(operand, options));
      const Memory& last = memory.back();
      pointers.push_back(last.get());
      before.emplace_back(last.get(), last.get() + last.size());
      types.push_back(dtype_of(operand, options));
      numels.push_back(static_cast<std::int64_t>(operand.values.size()));
    }
  }
};

inline void check_untouched(const Side& reads, const Side& writes) {
  for (const Memory& memory : reads.memory) CHECK(memory.guard_is_intact());
  for (const Memory& memory : writes.memory) CHECK(memory.guard_is_intact());
  for (std::size_t i = 0; i < reads.memory.size(); ++i)
    if (!reads.before[i].empty())
      CHECK(std::memcmp(reads.before[i].data(), reads.memory[i].get(), reads.before[i].size()) ==
            0);
}

/// Runs the case. A shared pair starts with the contents of the read; the read's own memory stays
/// unused.
inline Outcome run(const Isa& isa, const Case& test, const Options& options = {}) {
  Side reads(test.reads, options), writes(test.writes, options);
  for (const InPlacePair& pair : test.shared) {
    const Memory &from = reads.memory[pair.read], &to = writes.memory[pair.write];
    REQUIRE(from.size() == to.size());
    std::memcpy(to.get(), from.get(), from.size());
    reads.pointers[pair.read] = to.get();
  }
  const Memory workspace(options.workspace);
  const cpu::KernelArgs args{reads.pointers.data(),
                             writes.pointers.data(),
                             reads.types.data(),
                             writes.types.data(),
                             static_cast<int>(test.reads.size()),
                             static_cast<int>(test.writes.size()),
                             workspace.get(),
                             options.workspace,
                             options.n_threads,
                             reads.numels.data(),
                             writes.numels.data()};
  isa.execute(test.op, args);
  CHECK(workspace.guard_is_intact());
  check_untouched(reads, writes);
  Outcome outcome;
  for (std::size_t i = 0; i < writes.memory.size(); ++i) {
    outcome.writes.push_back(values_of(writes.memory[i], writes.types[i]));
    const Memory& memory = writes.memory[i];
    outcome.bytes.emplace_back(memory.get(), memory.get() + memory.size());
  }
  return outcome;
}

}  // namespace aforo::test
