#include <fmt/format.h>

#include <bit>

#include "planner/program/fields.h"
#include "planner/program/program.h"

namespace aforo {
namespace {

/// FNV-1a over 64-bit words: not cryptographic; it tells two programs apart, it does not defend
/// against forgery.
class Hash {
 public:
  void add(std::uint64_t word) {
    for (int i = 0; i < 8; ++i) {
      state_ = (state_ ^ ((word >> (8 * i)) & 0xff)) * 0x100000001b3ull;
    }
  }
  void add(std::string_view text) {
    add(text.size());
    for (char c : text) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  }
  std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ull;
};

struct AddField {
  Hash& hash;
  void operator()(std::string_view, float v) const { hash.add(std::bit_cast<std::uint32_t>(v)); }
  void operator()(std::string_view, double v) const { hash.add(std::bit_cast<std::uint64_t>(v)); }
  template <typename T>
  void operator()(std::string_view, T v) const {
    hash.add(static_cast<std::uint64_t>(v));
  }
};

void add_buffer(Hash& hash, const Buffer& buffer) {
  hash.add(buffer.name);
  hash.add(static_cast<std::uint64_t>(buffer.shape.rows));
  hash.add(static_cast<std::uint64_t>(buffer.shape.cols));
  hash.add(static_cast<std::uint64_t>(buffer.dtype));
  hash.add(static_cast<std::uint64_t>(buffer.role));
  hash.add(static_cast<std::uint64_t>(buffer.persistent));
  hash.add(static_cast<std::uint64_t>(buffer.init.kind));
  hash.add(std::bit_cast<std::uint32_t>(buffer.init.value));
  hash.add(buffer.init.stream);
  if (buffer.inside != no_buffer) {
    hash.add(static_cast<std::uint64_t>(buffer.inside));
    hash.add(static_cast<std::uint64_t>(buffer.inside_at));
    hash.add(static_cast<std::uint64_t>(buffer.own_part));
  }
  if (buffer.unit >= 0) {
    hash.add(static_cast<std::uint64_t>(buffer.unit));
    hash.add(static_cast<std::uint64_t>(buffer.sharded));
  }
}

void add_unit(Hash& hash, const FlatUnit& unit) {
  hash.add(unit.name);
  hash.add(static_cast<std::uint64_t>(unit.numel));
  for (const FlatSegment& segment : unit.segments) {
    hash.add(segment.name);
    hash.add(static_cast<std::uint64_t>(segment.begin));
    hash.add(static_cast<std::uint64_t>(segment.shape.numel()));
    hash.add(static_cast<std::uint64_t>(segment.init.kind));
    hash.add(std::bit_cast<std::uint32_t>(segment.init.value));
    hash.add(segment.init.stream);
  }
}

void add_op(Hash& hash, const Op& op) {
  hash.add(op.attrs.index());
  std::visit([&](const auto& attrs) { fields(attrs, AddField{hash}); }, op.attrs);
  for (const Ids* ids : {&op.reads, &op.writes}) {
    hash.add(ids->size());
    for (BufferId id : *ids) hash.add(static_cast<std::uint64_t>(id));
  }
}

}  // namespace

std::string fingerprint(const StepProgram& program) {
  Hash hash;
  hash.add(program.target.name);
  for (const Buffer& buffer : program.buffers) add_buffer(hash, buffer);
  for (const FlatUnit& unit : program.units) add_unit(hash, unit);
  for (const Op& op : program.ops) add_op(hash, op);
  for (const Section& section : program.sections) {
    hash.add(static_cast<std::uint64_t>(section.kind));
    hash.add(static_cast<std::uint64_t>(section.end));
    hash.add(static_cast<std::uint64_t>(section.repeat));
  }
  for (std::int64_t offset : program.memory.offsets) hash.add(static_cast<std::uint64_t>(offset));
  return fmt::format("{:016x}", hash.value()).substr(0, 12);
}

}  // namespace aforo
