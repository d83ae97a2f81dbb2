// Places every buffer in one arena; views lie in the buffers they are part of.
//
// Persistent buffers lie at the bottom, in declaration order. The others are placed one by one, each
// at the lowest offset where nothing that is live at the same time lies: the largest first, and if
// that leaves holes, also by size times lifetime; the smaller arena counts. A buffer may take
// over the memory of an operand that dies at the op that writes it, where the op allows
// (in_place_pairs): both are then placed as one.

#include <algorithm>
#include <numeric>

#include "planner/lower/live_bytes.h"
#include "planner/lower/passes/passes.h"
#include "planner/program/lifetimes.h"

namespace aforo {
namespace {

std::int64_t aligned(std::int64_t bytes, std::int64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// Buffers that share one place, live from the first of them to the last.
struct Slot {
  std::int64_t bytes = 0;
  std::int64_t offset = 0;
  int first = 0;
  int last = 0;
  Role role = Role::activation;
  bool persistent = false;

  bool overlaps(const Slot& other) const { return first <= other.last && other.first <= last; }
  std::int64_t end() const { return offset + bytes; }
  double area() const { return static_cast<double>(bytes) * (last - first + 1); }
};

class MemoryPlanner {
 public:
  explicit MemoryPlanner(const StepProgram& program)
      : program_(program), lives_(lifetimes(program)), slot_of_(lives_.size(), -1) {}

  MemoryPlan plan() {
    make_slots();
    place_persistent();
    place_transient();
    MemoryPlan memory;
    memory.offsets.resize(lives_.size(), 0);
    for (std::size_t id = 0; id < lives_.size(); ++id)
      if (slot_of_[id] >= 0) memory.offsets[id] = slots_[slot_of_[id]].offset;
    for (std::size_t id = 0; id < lives_.size(); ++id)
      memory.offsets[id] = offset_of(static_cast<BufferId>(id), memory.offsets);
    memory.persistent = Bytes(persistent_);
    memory.arena = Bytes(arena_);
    for (const Slot& slot : slots_)
      if (slot.persistent)
        memory.persistent_by_role[static_cast<int>(slot.role)] += Bytes(slot.bytes);
    account(memory);
    return memory;
  }

  std::vector<BytesByRole> live() {
    make_slots();
    return live_by_role();
  }

 private:
  void make_slots() {
    share_in_place();
    for (BufferId id = 0; id < static_cast<BufferId>(lives_.size()); ++id)
      if (slot_of_[id] < 0 && !lives_[id].empty() && program_.buffers[id].inside == no_buffer)
        new_slot(id);
  }

  /// Of a view by what it lies in; of others as placed.
  std::int64_t offset_of(BufferId id, const std::vector<std::int64_t>& placed) const {
    const Buffer& buffer = program_.buffers[id];
    return buffer.inside == no_buffer ? placed[id]
                                      : buffer.inside_at + offset_of(buffer.inside, placed);
  }

  int new_slot(BufferId id) {
    const Buffer& buffer = program_.buffers[id];
    slots_.push_back({aligned(buffer.bytes().value, program_.target.alignment), 0, lives_[id].first,
                      lives_[id].last, buffer.role, buffer.persistent});
    return slot_of_[id] = static_cast<int>(slots_.size()) - 1;
  }

  /// Walks the ops in order, so that a chain of in-place ops ends up in one slot.
  void share_in_place() {
    for (int i = 0; i < static_cast<int>(program_.ops.size()); ++i) {
      const Op& op = program_.ops[i];
      for (const InPlacePair& pair : in_place_pairs(op.attrs)) {
        const BufferId from = op.reads[pair.read], to = op.writes[pair.write];
        if (slot_of_[to] >= 0 || !may_hand_over(from, to, i)) continue;
        const int slot = slot_of_[from] >= 0 ? slot_of_[from] : new_slot(from);
        slot_of_[to] = slot;
        slots_[slot].last = lives_[to].last;
        break;
      }
    }
  }

  bool may_hand_over(BufferId from, BufferId to, int op) const {
    const Buffer& a = program_.buffers[from];
    const Buffer& b = program_.buffers[to];
    if (a.inside != no_buffer || b.inside != no_buffer) return false;
    return !a.persistent && !b.persistent && a.bytes() == b.bytes() && lives_[from].last == op &&
           lives_[to].first == op;
  }

  void place_persistent() {
    for (Slot& slot : slots_) {
      if (!slot.persistent) continue;
      slot.offset = persistent_;
      persistent_ += slot.bytes;
    }
    arena_ = persistent_;
  }

  void place_transient() {
    const auto largest_first = [](const Slot* a, const Slot* b) { return a->bytes > b->bytes; };
    const auto largest_area_first = [](const Slot* a, const Slot* b) { return a->area() > b->area(); };
    arena_ = place_in_order(largest_first);
    // A hundredth of the arena is worth a second try, which takes as long as the first.
    if (100 * (arena_ - most_live()) <= arena_) return;
    std::vector<Slot> first = slots_;
    const std::int64_t second = place_in_order(largest_area_first);
    if (second < arena_) {
      arena_ = second;
    } else {
      slots_ = std::move(first);
    }
  }

  /// End of the last slot when transient ones are placed in this order.
  template <typename Before>
  std::int64_t place_in_order(Before before) {
    std::vector<Slot*> order;
    for (Slot& slot : slots_)
      if (!slot.persistent) order.push_back(&slot);
    std::stable_sort(order.begin(), order.end(), before);
    std::int64_t end = persistent_;
    std::vector<Slot> placed;  // by offset
    placed.reserve(order.size());
    for (Slot* slot : order) {
      slot->offset = lowest_free(placed, *slot);
      end = std::max(end, slot->end());
      placed.insert(
          std::upper_bound(placed.begin(), placed.end(), *slot,
                           [](const Slot& a, const Slot& b) { return a.offset < b.offset; }),
          *slot);
    }
    return end;
  }

  std::int64_t most_live() const {
    std::int64_t most = 0;
    for (const BytesByRole& live : live_by_role())
      most = std::max(most, std::accumulate(live.begin(), live.end(), std::int64_t{0}));
    return most;
  }

  std::int64_t lowest_free(const std::vector<Slot>& placed, const Slot& slot) const {
    std::int64_t candidate = persistent_;
    for (const Slot& other : placed) {
      if (other.offset >= candidate + slot.bytes) break;
      if (other.overlaps(slot)) candidate = std::max(candidate, other.end());
    }
    return candidate;
  }

  std::vector<BytesByRole> live_by_role() const {
    const int n_ops = static_cast<int>(program_.ops.size());
    std::vector<BytesByRole> live(n_ops + 1);
    for (const Slot& slot : slots_) {
      live[slot.first][static_cast<int>(slot.role)] += slot.bytes;
      live[slot.last + 1][static_cast<int>(slot.role)] -= slot.bytes;
    }
    live.pop_back();
    for (int i = 1; i < n_ops; ++i)
      for (int role = 0; role < n_roles; ++role) live[i][role] += live[i - 1][role];
    return live;
  }

  void account(MemoryPlan& memory) const {
    const std::vector<BytesByRole> live = live_by_role();
    std::int64_t most = -1;
    for (int i = 0; i < static_cast<int>(live.size()); ++i) {
      const std::int64_t total = std::accumulate(live[i].begin(), live[i].end(), std::int64_t{0});
      Bytes& phase_peak = memory.peak_of_phase[static_cast<int>(program_.ops[i].label.phase)];
      phase_peak = std::max(phase_peak, Bytes(total));
      if (total <= most) continue;
      most = total;
      memory.peak_op = i;
      for (int role = 0; role < n_roles; ++role) memory.at_peak[role] = Bytes(live[i][role]);
    }
    memory.fragmentation = Bytes(arena_ - std::max<std::int64_t>(most, 0));
  }

  const StepProgram& program_;
  std::vector<Lifetime> lives_;
  std::vector<int> slot_of_;
  std::vector<Slot> slots_;
  std::int64_t persistent_ = 0;
  std::int64_t arena_ = 0;
};

}  // namespace

void plan_memory(Lowering& lowering) {
  lowering.program.memory = MemoryPlanner(lowering.program).plan();
}

std::vector<BytesByRole> live_bytes(const StepProgram& program) {
  return MemoryPlanner(program).live();
}

}  // namespace aforo
