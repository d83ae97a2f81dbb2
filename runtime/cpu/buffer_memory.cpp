#include "runtime/cpu/buffer_memory.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>

#include "planner/base/error.h"

namespace aforo::cpu {
namespace {

/// The pattern at word `index` of the arena. Each 16-bit piece is a NaN of bf16 and of fp16, so
/// each half is one of fp32, and the word one of fp64; the rest is a hash of the place, so that
/// copied pattern is no pattern.
std::uint64_t pattern_word(std::uint64_t index) {
  std::uint64_t hash = (index + 1) * 0x9e3779b97f4a7c15u;  // splitmix64
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return (hash & 0x800f'803f'803f'803fu) | 0x7ff8'7fc0'7fc0'7fc0u;
}

void fill_words(std::byte* bytes, std::int64_t size, std::int64_t offset) {
  for (std::int64_t i = 0; i < size; i += 8) {
    const std::uint64_t word = pattern_word(static_cast<std::uint64_t>(offset + i));
    std::memcpy(bytes + i, &word, static_cast<std::size_t>(std::min<std::int64_t>(8, size - i)));
  }
}

/// Highest changed byte of the block plus one, or 0.
std::int64_t touched_bytes(const std::byte* bytes, std::int64_t size, std::int64_t offset) {
  for (std::int64_t i = (size - 1) / 8 * 8; i >= 0; i -= 8) {
    const std::uint64_t word = pattern_word(static_cast<std::uint64_t>(offset + i));
    const std::int64_t n = std::min<std::int64_t>(8, size - i);
    if (std::memcmp(bytes + i, &word, static_cast<std::size_t>(n)) == 0) continue;
    std::byte expected[8];
    std::memcpy(expected, &word, 8);
    for (std::int64_t j = n - 1; j >= 0; --j)
      if (bytes[i + j] != expected[j]) return i + j + 1;
  }
  return 0;
}

/// MemAvailable of /proc/meminfo; without it no limit.
std::int64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name, unit;
  std::int64_t kib = 0;
  while (file >> name >> kib && std::getline(file, unit))
    if (name == "MemAvailable:") return kib * kibi;
  return std::numeric_limits<std::int64_t>::max();
}

/// Linux grants memory that it does not have and kills the process when it is touched: better to
/// say it before.
void check_available(std::int64_t bytes) {
  const std::int64_t available = available_memory();
  if (bytes <= available) return;
  throw EnvironmentError(
      fmt::format("the program needs {:.1f} GiB, this machine has {:.1f} GiB available",
                  as_gib(Bytes(bytes)), as_gib(Bytes(available))));
}

}  // namespace

void BufferMemory::add_block(std::int64_t size, std::int64_t alignment, std::int64_t offset) {
  void* memory = nullptr;
  if (posix_memalign(&memory, static_cast<std::size_t>(alignment),
                     static_cast<std::size_t>(size)) != 0)
    throw EnvironmentError(
        fmt::format("out of memory; the program needs {:.1f} GiB", as_gib(Bytes(size))));
  blocks_.push_back(
      {std::unique_ptr<std::byte[], Free>(static_cast<std::byte*>(memory)), size, offset});
}

/// Views lie in the memory of other buffers, own parts at the rank's place: parts of a buffer belong
/// to ranks in turn.
void BufferMemory::place_views(const StepProgram& program, int rank) {
  const auto place = [&](const auto& self, BufferId id) -> std::byte* {
    const Buffer& buffer = program.buffers[id];
    if (buffer.inside == no_buffer) return buffers_[id];
    std::int64_t at = buffer.inside_at;
    if (buffer.own_part) {
      const std::int64_t n_parts =
          program.buffers[buffer.inside].bytes().value / buffer.bytes().value;
      at += rank % n_parts * buffer.bytes().value;
    }
    return self(self, buffer.inside) + at;
  };
  for (std::size_t id = 0; id < buffers_.size(); ++id)
    buffers_[id] = place(place, static_cast<BufferId>(id));
}

BufferMemory BufferMemory::arena(const StepProgram& program, int rank) {
  constexpr std::int64_t huge_page = 2 * mebi;
  const std::int64_t size = program.memory.arena.value;
  check_available(size);
  BufferMemory memory;
  memory.add_block(size, size < huge_page ? 64 : huge_page, 0);
  std::byte* arena = memory.blocks_[0].bytes.get();
  // Fewer pages, fewer misses of the address cache in kernels that walk down a column. A kernel
  // without huge pages refuses, which changes nothing.
  madvise(arena, static_cast<std::size_t>(size), MADV_HUGEPAGE);
  std::memset(arena, 0, static_cast<std::size_t>(size));
  for (std::size_t id = 0; id < program.buffers.size(); ++id)
    memory.buffers_.push_back(arena + program.memory.offsets[id]);
  memory.place_views(program, rank);
  return memory;
}

BufferMemory BufferMemory::separate(const StepProgram& program, int rank) {
  BufferMemory memory;
  for (std::size_t id = 0; id < program.buffers.size(); ++id) {
    memory.buffers_.push_back(nullptr);
    if (program.buffers[id].inside != no_buffer) continue;
    memory.add_block(program.buffers[id].bytes().value, 64, program.memory.offsets[id]);
    memory.buffers_.back() = memory.blocks_.back().bytes.get();
  }
  memory.place_views(program, rank);
  memory.fill_pattern();
  return memory;
}

void BufferMemory::fill_pattern() {
  for (const Block& block : blocks_) fill_words(block.bytes.get(), block.size, block.offset);
}

Bytes BufferMemory::touched() const {
  std::int64_t highest = 0;
  for (const Block& block : blocks_) {
    const std::int64_t bytes = touched_bytes(block.bytes.get(), block.size, block.offset);
    if (bytes > 0) highest = std::max(highest, block.offset + bytes);
  }
  return Bytes(highest);
}

}  // namespace aforo::cpu
