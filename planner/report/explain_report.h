#pragma once
// What `aforo explain` says: claims about strategies against one job on one card.

#include <string>

#include "planner/explain/explain.h"
#include "planner/report/estimate_report.h"
#include "planner/spec/job.h"

namespace aforo {

/// Within 100 columns: job, baseline, best plan; one line a strategy; claims and verdicts; what the
/// best plan loses without each of its parts; other cards.
std::string explain_text(const explain::Explanation& explanation, const TrainingJob& job,
                         const DeviceLine& device);

/// docs/formats.md has the keys.
std::string explain_json(const explain::Explanation& explanation, const TrainingJob& job,
                         const DeviceLine& device);

/// Lines of at most `width` columns, broken at spaces; all but the first begin with `indent`
/// spaces.
std::string wrapped(const std::string& text, std::size_t width, std::size_t indent);

}  // namespace aforo
