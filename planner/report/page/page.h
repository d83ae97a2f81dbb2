#pragma once
// A report before it is HTML or Markdown: the answer, then sections with a chart and its numbers.

#include <optional>
#include <string>
#include <vector>

#include "planner/report/page/chart.h"
#include "planner/report/table.h"

namespace aforo {

struct Fact {
  std::string name, value;
};

/// What a cell of a grid means; the text beside the colour says it too.
enum class Tone { none, good, close, bad };

/// A table whose cells are coloured: what fits over sequence length and micro-batch.
struct HeatMap {
  struct Cell {
    std::string text;
    Tone tone = Tone::none;
  };
  std::string row_title, column_title;  ///< what runs down, what runs across
  std::vector<std::string> rows, columns;
  std::vector<std::vector<Cell>> cells;  ///< one row each; as many as rows, columns

  Table table() const;  ///< without the colours
};

struct PageSection {
  std::string id;     ///< of letters and dashes, unique on the page
  std::string title;  ///< what is shown
  std::string lead;   ///< what it says, in a sentence
  std::optional<Chart> chart;
  std::optional<HeatMap> heat_map;
  std::optional<Table> table;  ///< the numbers of the chart, for those who cannot see it
};

struct Page {
  std::string title;
  std::string answer;  ///< one sentence: fits, takes, costs
  Tone tone = Tone::none;
  std::vector<Fact> facts;
  std::vector<PageSection> sections;
  std::vector<std::string> notes;
  std::string footer;  ///< version, date, origin of the figures
};

/// One self-contained page: style, script and charts inside, nothing fetched; every text escaped.
/// Built without the chart library it shows the tables alone and says so.
std::string html_page(const Page& page);

/// The same in JSON: title, answer, facts, sections with the columns and rows of their tables,
/// notes.
std::string json_page(const Page& page);

/// GitHub's Markdown: charts are left out, their tables are there.
std::string markdown_page(const Page& page);

}  // namespace aforo
