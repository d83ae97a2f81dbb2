#include "planner/report/trace/chrome_trace.h"

#include <algorithm>

#include "planner/base/error.h"
#include "planner/base/json.h"
#include "planner/lower/live_bytes.h"
#include "planner/report/words.h"

namespace aforo {
namespace {

enum Process { predicted = 1, measured = 2 };

void write_name(JsonWriter& json, Process process, const char* kind, const char* name) {
  json.begin_object().field("ph", "M").field("name", kind).field("pid", static_cast<int>(process));
  json.field("tid", 1).key("args").begin_object().field("name", name).end_object().end_object();
}

void write_op(JsonWriter& json, Process process, const TracedOp& op, double begins,
              double duration) {
  json.begin_object().field("ph", "X").field("name", op.label).field("cat", op.phase);
  json.field("pid", static_cast<int>(process)).field("tid", 1);
  json.field("ts", begins).field("dur", duration);
  json.key("args").begin_object().field("op", op.kind).field("phase", op.phase);
  json.field("predicted_us", op.predicted_us);
  if (op.measured_us > 0) json.field("measured_us", op.measured_us);
  json.end_object().end_object();
}

void write_process(JsonWriter& json, Process process, const std::vector<TracedOp>& ops) {
  double now = 0;
  for (const TracedOp& op : ops) {
    const double duration = process == predicted ? op.predicted_us : op.measured_us;
    write_op(json, process, op, now, duration);
    now += duration;
  }
}

/// One event an op: what is live while it runs.
void write_memory(JsonWriter& json, const std::vector<TracedOp>& ops, const StepProgram& program) {
  const std::vector<BytesByRole> live = live_bytes(program);
  double now = 0;
  std::size_t at = 0;
  for (const Section& section : program.sections) {
    if (section.repeat == 0) continue;
    for (int i = section.begin; i < section.end; ++i, ++at) {
      json.begin_object().field("ph", "C").field("name", "live bytes by role");
      json.field("pid", static_cast<int>(predicted)).field("ts", now).key("args").begin_object();
      for (int role = 0; role < n_roles; ++role)
        json.field(name_of(static_cast<Role>(role)), live[i][role]);
      json.end_object().end_object();
      now += ops.at(at).predicted_us;
    }
  }
}

}  // namespace

std::vector<TracedOp> traced_ops(const StepProgram& program, const Estimate& estimate) {
  std::vector<TracedOp> ops;
  for (const Section& section : program.sections) {
    if (section.repeat == 0) continue;
    for (int i = section.begin; i < section.end; ++i) {
      const Op& op = program.ops[i];
      ops.push_back({describe(op.label), std::string(name_of(op)),
                     std::string(long_name(op.label.phase)),
                     1e6 * estimate.trace.spans[i].time.value, 0});
    }
  }
  return ops;
}

std::vector<TracedOp> traced_ops(const Comparison& comparison) {
  std::vector<TracedOp> ops;
  for (const ComparedOp& op : comparison.ops)
    if (op.repeat > 0)
      ops.push_back({op.label, op.op, op.phase, 1e6 * op.predicted.value, 1e6 * op.measured.value});
  return ops;
}

std::string chrome_trace(const std::vector<TracedOp>& ops, const StepProgram* program) {
  JsonWriter json(false);
  json.begin_object().field("displayTimeUnit", "ms").key("traceEvents").begin_array();
  write_name(json, predicted, "process_name", "predicted");
  write_name(json, predicted, "thread_name", "stream 0");
  write_process(json, predicted, ops);
  if (program != nullptr) write_memory(json, ops, *program);
  const bool any_measured =
      std::any_of(ops.begin(), ops.end(), [](const TracedOp& op) { return op.measured_us > 0; });
  if (any_measured) {
    write_name(json, measured, "process_name", "measured");
    write_name(json, measured, "thread_name", "stream 0");
    write_process(json, measured, ops);
  }
  json.end_array().end_object();
  return json.text() + "\n";
}

}  // namespace aforo
