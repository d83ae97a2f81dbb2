#include "planner/report/phases_report.h"

#include <fmt/format.h>

#include "planner/base/format.h"
#include "planner/report/table.h"

namespace aforo {

std::string phases_table(const std::vector<PhaseCost>& phases) {
  Table table({{"phase", Align::left},
               {"once a", Align::left},
               {"time"},
               {"device GiB"},
               {"host GiB"},
               {"disk GiB"}});
  const auto gib = [](double bytes) {
    return bytes > 0 ? fmt::format("{:.2f}", bytes / gibi) : std::string("-");
  };
  for (const PhaseCost& phase : phases)
    table.add({phase.name, phase.per, format_time(Seconds(phase.seconds)), gib(phase.device),
               gib(phase.host), gib(phase.disk)});
  return table.text();
}

void write_phases_json(JsonWriter& json, const std::vector<PhaseCost>& phases) {
  json.key("phases").begin_array();
  for (const PhaseCost& phase : phases) {
    json.begin_object().field("name", phase.name).field("per", phase.per);
    json.field("time_s", phase.seconds).field("device_bytes", phase.device);
    json.field("host_bytes", phase.host).field("disk_bytes", phase.disk).end_object();
  }
  json.end_array();
}

}  // namespace aforo
