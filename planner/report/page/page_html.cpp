#include <fmt/format.h>

#include "planner/report/export/quote.h"
#include "planner/report/page/page.h"
#include "planner/report/page/resources.h"

namespace aforo {
namespace {

constexpr const char* tone_classes[] = {"", "good", "close", "bad"};

const char* class_of(Tone tone) { return tone_classes[static_cast<int>(tone)]; }

std::string head(const Page& page) {
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>{}</title>\n<style>\n{}</style>\n</head>\n",
      html_text(page.title), page_style());
}

std::string table_html(const Table& table, const std::string& caption) {
  std::string out = fmt::format("<div class=\"wide\"><table><caption>{}</caption><thead><tr>",
                                html_text(caption));
  const auto cell = [&](std::size_t i, const std::string& text, const char* element) {
    const bool right = table.columns()[i].align == Align::right;
    out += fmt::format("<{}{}>{}</{}>", element, right ? " class=\"number\"" : "", html_text(text),
                       element);
  };
  for (std::size_t i = 0; i < table.columns().size(); ++i)
    cell(i, table.columns()[i].title, "th scope=\"col\"");
  out += "</tr></thead><tbody>\n";
  for (const std::vector<std::string>& row : table.rows()) {
    out += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) cell(i, row[i], "td");
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string heat_html(const HeatMap& map, const std::string& caption) {
  std::string out = fmt::format(
      "<div class=\"wide\"><table class=\"heat\"><caption>{}</caption><thead><tr>"
      "<th scope=\"col\">{} \\ {}</th>",
      html_text(caption), html_text(map.row_title), html_text(map.column_title));
  for (const std::string& column : map.columns)
    out += fmt::format("<th scope=\"col\">{}</th>", html_text(column));
  out += "</tr></thead><tbody>\n";
  for (std::size_t i = 0; i < map.rows.size(); ++i) {
    out += fmt::format("<tr><th scope=\"row\">{}</th>", html_text(map.rows[i]));
    for (const HeatMap::Cell& cell : map.cells[i])
      out +=
          fmt::format("<td class=\"number {}\">{}</td>", class_of(cell.tone), html_text(cell.text));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string section_html(const PageSection& section) {
  const bool drawn = section.chart && !chart_library().empty();
  std::string out = fmt::format("<section id=\"{}\">\n<h2>{}</h2>\n<p>{}</p>\n", section.id,
                                html_text(section.title), html_text(section.lead));
  if (drawn) {
    const std::string label = html_text(section.title + ". " + section.lead);
    out += fmt::format(
        "<figure><canvas role=\"img\" aria-label=\"{}\"></canvas>"
        "<script type=\"application/json\">{}</script></figure>\n",
        label, chart_json(*section.chart));
  }
  if (section.heat_map) out += heat_html(*section.heat_map, section.title);
  if (section.table) {
    const std::string table = table_html(*section.table, section.title);
    out += drawn ? "<details><summary>The numbers</summary>\n" + table + "</details>\n" : table;
  }
  return out + "</section>\n";
}

std::string answer_html(const Page& page) {
  std::string out = fmt::format("<header>\n<h1>{}</h1>\n<p class=\"answer {}\">{}</p>\n<dl>\n",
                                html_text(page.title), class_of(page.tone), html_text(page.answer));
  for (const Fact& fact : page.facts)
    out += fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", html_text(fact.name),
                       html_text(fact.value));
  return out + "</dl>\n</header>\n";
}

}  // namespace

std::string html_page(const Page& page) {
  std::string out = head(page) + "<body>\n" + answer_html(page) + "<main>\n";
  for (const PageSection& section : page.sections) out += section_html(section);
  out += "</main>\n<footer>\n";
  if (!page.notes.empty()) {
    out += "<ul>\n";
    for (const std::string& note : page.notes) out += "<li>" + html_text(note) + "</li>\n";
    out += "</ul>\n";
  }
  if (chart_library().empty())
    out += "<p>This build has no chart library (node-chart.js), so the numbers stand alone.</p>\n";
  out += "<p>" + html_text(page.footer) + "</p>\n</footer>\n";
  if (!chart_library().empty())
    out +=
        fmt::format("<script>{}</script>\n<script>\n{}</script>\n", chart_library(), page_script());
  return out + "</body>\n</html>\n";
}

}  // namespace aforo
