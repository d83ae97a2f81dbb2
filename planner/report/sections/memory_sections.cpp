#include <fmt/format.h>

#include <algorithm>

#include "planner/base/format.h"
#include "planner/lower/live_bytes.h"
#include "planner/report/sections/sections.h"

namespace aforo {
namespace {

double in_gib(double bytes) { return bytes / gibi; }

/// A capacity far above everything drawn would flatten the chart.
std::optional<Limit> limit_near(const char* name, double capacity, double most) {
  if (most < 0.25 * capacity) return std::nullopt;
  return Limit{name, in_gib(capacity)};
}

}  // namespace

PageSection plans_side_by_side(const std::vector<PlanView>& views) {
  PageSection section{"plans", "The plans",
                      "What was asked, side by side; the first is the answer."};
  Table table({{"plan", Align::left},
               {"device", Align::left},
               {"layout", Align::left},
               {"tokens/s"},
               {"whole job"},
               {"cost"},
               {"GiB"},
               {"", Align::left}});
  for (const PlanView& view : views)
    table.add({view.name, view.device, view.plan,
               format_count(static_cast<std::int64_t>(view.tokens_per_second.mid)),
               format_time(Seconds(view.hours.mid * 3600)),
               view.usd ? format_dollars(Dollars(view.usd->mid)) : "-",
               fmt::format("{:.2f}", in_gib(view.memory.mid)), std::string(name_of(view.verdict))});
  section.table = table;
  return section;
}

PageSection memory_by_part(const std::vector<PlanView>& views) {
  PageSection section{"memory", "Memory at the peak", ""};
  Chart chart{ChartKind::bars, "GiB of the fullest device", ""};
  chart.sideways = true;
  const double capacity = views.front().capacity;
  bool same_capacity = true;
  double most = 0;
  for (const PlanView& view : views) {
    most = std::max(most, view.memory.mid);
    chart.categories.push_back(view.name);
    same_capacity = same_capacity && view.capacity == capacity;
  }
  Table table({{"plan", Align::left}, {"part", Align::left}, {"GiB"}, {"share"}});
  for (std::size_t i = 0; i < views.size(); ++i)
    for (const NamedPart& part : views[i].memory_parts) {
      if (!(part.value > 0.001 * views[i].memory.mid)) continue;
      auto series = std::find_if(chart.series.begin(), chart.series.end(),
                                 [&](const Series& s) { return s.name == part.name; });
      if (series == chart.series.end())
        series = chart.series.insert(chart.series.end(), Series{part.name});
      series->x.push_back(static_cast<double>(i));
      series->y.push_back(in_gib(part.value));
      table.add({views[i].name, part.name, fmt::format("{:.3f}", in_gib(part.value)),
                 fmt::format("{:.1f} %", 100 * part.value / views[i].memory.mid)});
    }
  if (same_capacity) chart.limit = limit_near("capacity", capacity, most);
  section.lead = fmt::format("{:.2f} of {:.2f} GiB; largest: {}.", in_gib(views.front().memory.mid),
                             in_gib(views.front().capacity), views.front().memory_limited_by);
  section.chart = chart;
  section.table = table;
  return section;
}

PageSection memory_over_step(const StepProgram& program, const Estimate& estimate) {
  const std::vector<BytesByRole> live = live_bytes(program);
  Chart chart{ChartKind::area, "op of the program, in order", "GiB"};
  for (int role = 0; role < n_roles; ++role) {
    Series series{std::string(name_of(static_cast<Role>(role)))};
    for (std::size_t op = 0; op < live.size(); ++op) {
      series.x.push_back(static_cast<double>(op));
      series.y.push_back(in_gib(static_cast<double>(live[op][role])));
    }
    chart.series.push_back(std::move(series));
  }
  const double left = static_cast<double>((estimate.capacity - estimate.overhead).value);
  chart.limit =
      limit_near("capacity less context", left, static_cast<double>(program.memory.arena.value));
  const Op& peak = program.ops[program.memory.peak_op];
  PageSection section{"memory-over-step", "Memory over one step"};
  section.lead = fmt::format(
      "Most is live at op {}, \"{}\" ({}); {:.2f} GiB are there for it. Sections that "
      "repeat are drawn once.",
      program.memory.peak_op, describe(peak.label), name_of(peak), in_gib(left));
  Table table({{"role", Align::left}, {"MiB at the peak"}, {"MiB kept from step to step"}});
  for (int role = 0; role < n_roles; ++role)
    table.add({std::string(name_of(static_cast<Role>(role))),
               fmt::format("{:.2f}", as_mib(program.memory.at_peak[role])),
               fmt::format("{:.2f}", as_mib(program.memory.persistent_by_role[role]))});
  section.chart = std::move(chart);
  section.table = table;
  return section;
}

}  // namespace aforo
