#include "planner/program/lifetimes.h"

#include <algorithm>

namespace aforo {
namespace {

void extend(Lifetime& life, int op) {
  if (life.empty()) {
    life = {op, op};
  } else {
    life.first = std::min(life.first, op);
    life.last = std::max(life.last, op);
  }
}

/// Widens `life` over every repeated section that it crosses the border of.
void cover_repeats(Lifetime& life, const std::vector<Section>& sections, bool read_first) {
  for (const Section& section : sections) {
    if (section.repeat <= 1 || section.size() == 0) continue;
    const int last_op = section.end - 1;
    const bool inside = life.first >= section.begin && life.last <= last_op;
    const bool touches = life.first <= last_op && life.last >= section.begin;
    if (!touches || (inside && !read_first)) continue;
    life.first = std::min(life.first, section.begin);
    life.last = std::max(life.last, last_op);
  }
}

}  // namespace

std::vector<Lifetime> lifetimes(const StepProgram& program) {
  const int n_ops = static_cast<int>(program.ops.size());
  std::vector<Lifetime> lives(program.buffers.size());
  std::vector<char> read_first(program.buffers.size(), 0);
  const auto around = [&](BufferId id) { return program.buffers[id].inside; };
  for (int i = 0; i < n_ops; ++i) {
    const Op& op = program.ops[i];
    for (BufferId id : op.reads) {
      bool fresh = true;  // neither it nor what it lies in was used before
      for (BufferId b = id; b != no_buffer; b = around(b)) fresh = fresh && lives[b].empty();
      for (BufferId b = id; b != no_buffer; b = around(b)) {
        if (fresh) read_first[b] = 1;
        extend(lives[b], i);
      }
    }
    for (BufferId id : op.writes)
      for (BufferId b = id; b != no_buffer; b = around(b)) extend(lives[b], i);
  }
  for (std::size_t id = 0; id < lives.size(); ++id) {
    if (program.buffers[id].persistent) {
      lives[id] = {0, n_ops - 1};
    } else if (!lives[id].empty()) {
      cover_repeats(lives[id], program.sections, read_first[id] != 0);
    }
  }
  return lives;
}

}  // namespace aforo
