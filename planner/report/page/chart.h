#pragma once
// Charts as data; the page's script draws them.

#include <optional>
#include <string>
#include <vector>

namespace aforo {

/// area: values over x, stacked.  line, scatter: y over x.  bars: one stacked bar per category.
/// spans: bars from `from` to `y`, one per category: waterfalls, time lines, ranges.
enum class ChartKind { area, line, scatter, bars, spans };

struct Series {
  std::string name;
  std::vector<double> x;            ///< area, line, scatter; spans and bars: index of the category
  std::vector<double> y;            ///< of the same length
  std::vector<double> from;         ///< spans only: where a bar begins
  std::vector<std::string> labels;  ///< shown for a point; empty or of the same length
  bool faint = false;               ///< grey: there to compare with
};

/// A line across the chart: capacity, budget.
struct Limit {
  std::string name;
  double value = 0;
};

struct Chart {
  ChartKind kind = ChartKind::line;
  std::string x_title, y_title;
  std::vector<std::string> categories;  ///< bars and spans
  std::vector<Series> series;
  std::vector<Series> lines;     ///< drawn through, for the eye: a diagonal, a trend
  std::optional<Limit> limit;    ///< of y (with `sideways`: of x, where values run)
  std::optional<Limit> x_limit;  ///< scatter: a vertical line, such as a deadline
  bool sideways = false;         ///< bars and spans run to the right
  bool from_zero = true;         ///< bars and spans: the axis of values begins at 0
  bool logarithmic = false;      ///< both axes
};

/// One line of JSON as page.js reads it; holds no <, > and &, so it can stand inside a script
/// element.
std::string chart_json(const Chart& chart);

}  // namespace aforo
