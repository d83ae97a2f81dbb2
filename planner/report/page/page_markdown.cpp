#include <fmt/format.h>

#include <string_view>

#include "planner/base/text.h"
#include "planner/report/page/page.h"

namespace aforo {
namespace {

std::string row_text(const std::vector<std::string>& cells) {
  std::string out = "|";
  for (const std::string& cell : cells) out += " " + markdown_text(cell) + " |";
  return out + "\n";
}

std::string table_markdown(const Table& table) {
  std::vector<std::string> titles;
  std::string rule = "|";
  for (const Column& column : table.columns()) {
    titles.push_back(column.title);
    rule += column.align == Align::right ? "---:|" : "---|";
  }
  std::string out = row_text(titles) + rule + "\n";
  for (const std::vector<std::string>& row : table.rows()) out += row_text(row);
  return out;
}

std::string heat_markdown(const HeatMap& map) {
  std::vector<Column> columns = {{map.row_title + " \\ " + map.column_title, Align::left}};
  for (const std::string& column : map.columns) columns.push_back({column});
  Table table(columns);
  for (std::size_t i = 0; i < map.rows.size(); ++i) {
    std::vector<std::string> cells = {map.rows[i]};
    for (const HeatMap::Cell& cell : map.cells[i]) cells.push_back(cell.text);
    table.add(cells);
  }
  return table_markdown(table);
}

}  // namespace

std::string markdown_text(std::string_view text) {
  constexpr std::string_view marks = "\\`*_[]#|~!";
  std::string out;
  for (const char c : to_utf8(text)) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      default:
        if (marks.find(c) != std::string_view::npos) out += '\\';
        out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
    }
  }
  return out;
}

std::string markdown_page(const Page& page) {
  std::string out =
      fmt::format("# {}\n\n**{}**\n\n", markdown_text(page.title), markdown_text(page.answer));
  Table facts({{"", Align::left}, {"", Align::left}});
  for (const Fact& fact : page.facts) facts.add({fact.name, fact.value});
  out += table_markdown(facts);
  for (const PageSection& section : page.sections) {
    out +=
        fmt::format("\n## {}\n\n{}\n", markdown_text(section.title), markdown_text(section.lead));
    if (section.heat_map) out += "\n" + heat_markdown(*section.heat_map);
    if (section.table) out += "\n" + table_markdown(*section.table);
  }
  out += "\n";
  for (const std::string& note : page.notes) out += "- " + markdown_text(note) + "\n";
  return out + "\n" + markdown_text(page.footer) + "\n";
}

}  // namespace aforo
