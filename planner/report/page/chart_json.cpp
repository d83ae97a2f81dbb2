#include "planner/base/error.h"
#include "planner/base/json.h"
#include "planner/report/page/chart.h"

namespace aforo {
namespace {

constexpr const char* kind_names[] = {"area", "line", "scatter", "bars", "spans"};

template <typename T>
void write_list(JsonWriter& json, const char* name, const std::vector<T>& values) {
  json.key(name).begin_array();
  for (const T& value : values) json.value(value);
  json.end_array();
}

void write_limit(JsonWriter& json, const char* name, const std::optional<Limit>& limit) {
  if (!limit) return;
  json.key(name).begin_object().field("name", limit->name).field("value", limit->value);
  json.end_object();
}

void write_series(JsonWriter& json, const Series& series, bool spans) {
  if (series.x.size() != series.y.size() || (spans && series.from.size() != series.y.size()) ||
      (!series.labels.empty() && series.labels.size() != series.y.size()))
    throw InternalError("a chart's series \"" + series.name + "\" has lists of different lengths");
  json.begin_object().field("name", series.name).field("faint", series.faint);
  write_list(json, "x", series.x);
  write_list(json, "y", series.y);
  if (spans) write_list(json, "from", series.from);
  if (!series.labels.empty()) write_list(json, "labels", series.labels);
  json.end_object();
}

}  // namespace

std::string chart_json(const Chart& chart) {
  JsonWriter json(false);
  json.begin_object()
      .field("kind", kind_names[static_cast<int>(chart.kind)])
      .field("x_title", chart.x_title)
      .field("y_title", chart.y_title)
      .field("sideways", chart.sideways)
      .field("from_zero", chart.from_zero)
      .field("logarithmic", chart.logarithmic);
  write_limit(json, "limit", chart.limit);
  write_limit(json, "x_limit", chart.x_limit);
  write_list(json, "categories", chart.categories);
  for (const auto& [name, list] : {std::pair{"series", &chart.series}, {"lines", &chart.lines}}) {
    json.key(name).begin_array();
    for (const Series& series : *list)
      write_series(json, series, name[0] == 's' && chart.kind == ChartKind::spans);
    json.end_array();
  }
  json.end_object();
  std::string text;
  for (const char c : json.text()) {
    switch (c) {
      case '<':
        text += "\\u003c";
        break;
      case '>':
        text += "\\u003e";
        break;
      case '&':
        text += "\\u0026";
        break;
      default:
        text += c;
    }
  }
  return text;
}

}  // namespace aforo
