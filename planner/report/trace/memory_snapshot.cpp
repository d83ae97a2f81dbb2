#include "planner/report/trace/memory_snapshot.h"

#include <algorithm>

#include "planner/program/lifetimes.h"
#include "planner/report/trace/pickle.h"

namespace aforo {
namespace {

constexpr std::int64_t base = std::int64_t{0x7f} << 40;  // where devices place things

bool overlap(const StepProgram& program, BufferId a, BufferId b) {
  const auto& offsets = program.memory.offsets;
  return offsets[a] < offsets[b] + program.buffers[b].bytes().value &&
         offsets[b] < offsets[a] + program.buffers[a].bytes().value;
}

void write_frames(PickleWriter& out, const StepProgram& program, const MemoryEvent& event) {
  const Buffer& buffer = program.buffers[event.buffer];
  const auto frame = [&](const std::string& name, std::int64_t line) {
    out.begin_dict().field("filename", "step program").field("line", line);
    out.field("name", name).end_dict();
  };
  out.value("frames").begin_list();
  frame(buffer.name + " (" + std::string(name_of(buffer.role)) + ")", event.buffer);
  if (event.op >= 0) frame(describe(program.ops[event.op].label), event.op);
  out.end_list();
}

void write_event(PickleWriter& out, const StepProgram& program, const MemoryEvent& event,
                 const char* action) {
  out.begin_dict().field("action", action);
  out.field("addr", base + program.memory.offsets[event.buffer]);
  out.field("size", program.buffers[event.buffer].bytes().value);
  out.field("stream", std::int64_t{0});
  write_frames(out, program, event);
  out.end_dict();
}

/// The arena as the allocator would show it at the end: what lives from step to step.
void write_segment(PickleWriter& out, const StepProgram& program) {
  out.begin_dict().field("device", std::int64_t{0}).field("address", base);
  out.field("total_size", program.memory.arena.value).field("stream", std::int64_t{0});
  out.field("segment_type", "large").value("blocks").begin_list();
  for (BufferId id = 0; id < static_cast<BufferId>(program.buffers.size()); ++id) {
    const Buffer& buffer = program.buffers[id];
    if (!buffer.persistent || buffer.bytes().value == 0) continue;
    out.begin_dict().field("addr", base + program.memory.offsets[id]);
    out.field("size", buffer.bytes().value).field("requested_size", buffer.bytes().value);
    out.field("state", "active_allocated");
    write_frames(out, program, {true, id, -1});
    out.end_dict();
  }
  out.end_list().end_dict();
}

}  // namespace

std::vector<MemoryEvent> memory_events(const StepProgram& program) {
  const auto n_ops = static_cast<int>(program.ops.size());
  const std::vector<Lifetime> lives = lifetimes(program);
  std::vector<std::vector<BufferId>> born(n_ops), dying(n_ops);
  std::vector<MemoryEvent> events;
  for (BufferId id = 0; id < static_cast<BufferId>(lives.size()); ++id) {
    if (lives[id].empty() || program.buffers[id].bytes().value == 0) continue;
    if (program.buffers[id].persistent) {
      events.push_back({true, id, -1});
      continue;
    }
    born[lives[id].first].push_back(id);
    dying[lives[id].last].push_back(id);
  }
  for (int op = 0; op < n_ops; ++op) {
    const auto handed_on = [&](BufferId id) {
      return std::any_of(born[op].begin(), born[op].end(), [&](BufferId other) {
        return other != id && overlap(program, id, other);
      });
    };
    for (const BufferId id : dying[op])
      if (handed_on(id)) events.push_back({false, id, op});
    for (const BufferId id : born[op]) events.push_back({true, id, op});
    for (const BufferId id : dying[op])
      if (!handed_on(id)) events.push_back({false, id, op});
  }
  return events;
}

std::string memory_snapshot(const StepProgram& program) {
  PickleWriter out;
  out.begin_dict().value("segments").begin_list();
  write_segment(out, program);
  out.end_list().value("device_traces").begin_list().begin_list();
  for (const MemoryEvent& event : memory_events(program)) {
    if (event.allocates) {
      write_event(out, program, event, "alloc");
    } else {
      write_event(out, program, event, "free_requested");
      write_event(out, program, event, "free_completed");
    }
  }
  out.end_list().end_list().end_dict();
  return out.finish();
}

}  // namespace aforo
