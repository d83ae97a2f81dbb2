#pragma once
// One plan as a report page shows it, whichever evaluation it comes from.

#include <optional>
#include <string>
#include <vector>

#include "planner/report/layout_report.h"
#include "planner/report/page/page.h"

namespace aforo {

struct PlanView {
  std::string name;  ///< of its file
  std::string model, method, plan, engine, device;
  std::int64_t n_tokens = 0;
  Interval step_time;  ///< seconds
  Interval tokens_per_second, hours, device_hours;
  std::optional<Interval> usd;
  std::string price_source;
  Verdict verdict = Verdict::fits;
  Interval memory;      ///< bytes of the fullest device
  double capacity = 0;  ///< bytes
  double mfu_causal = 0;
  std::string limited_by, memory_limited_by;
  std::vector<NamedPart> memory_parts, time_parts;  ///< bytes; seconds per step
  std::vector<std::string> notes;
};

PlanView view_of(const Layout& layout, std::string name);
PlanView view_of(const TrainingJob& job, const Plan& plan, const StepProgram& program,
                 const Estimate& estimate, const DeviceLine& device, std::string name);

/// "fits: 34.1 of 79.6 GiB; takes 12.4 days; costs $1,234"
std::string answer_text(const PlanView& view);

/// Title, answer and facts of a page about these plans; the first one is the answer.
Page page_of(const std::vector<PlanView>& views);

}  // namespace aforo
