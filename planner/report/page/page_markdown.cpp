#include <fmt/format.h>

#include "planner/report/export/quote.h"
#include "planner/report/page/page.h"

namespace aforo {
namespace {

std::string table_markdown(const Table& table) {
  std::vector<std::string> titles;
  std::string rule = "|";
  for (const Column& column : table.columns()) {
    titles.push_back(column.title);
    rule += column.align == Align::right ? "---:|" : "---|";
  }
  std::string out = markdown_row(titles) + rule + "\n";
  for (const std::vector<std::string>& row : table.rows()) out += markdown_row(row);
  return out;
}

}  // namespace

Table HeatMap::table() const {
  std::vector<Column> titles = {{row_title + " \\ " + column_title, Align::left}};
  for (const std::string& column : columns) titles.push_back({column});
  Table table(titles);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::vector<std::string> row = {rows[i]};
    for (const Cell& cell : cells[i]) row.push_back(cell.text);
    table.add(row);
  }
  return table;
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
    if (section.heat_map) out += "\n" + table_markdown(section.heat_map->table());
    if (section.table) out += "\n" + table_markdown(*section.table);
  }
  out += "\n";
  for (const std::string& note : page.notes) out += "- " + markdown_text(note) + "\n";
  return out + "\n" + markdown_text(page.footer) + "\n";
}

}  // namespace aforo
