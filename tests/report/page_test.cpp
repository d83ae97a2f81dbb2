// Pages: what is written is escaped, whole, and the same in HTML and Markdown.

#include "planner/report/page/page.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "planner/base/error.h"
#include "planner/report/page/resources.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

constexpr const char* hostile_text = "</script><img src=x onerror=alert(1)>\"'&\x01|`*";

Page hostile_page() {
  Page page{hostile_text, hostile_text, Tone::bad, {{hostile_text, hostile_text}}};
  PageSection section{"one", hostile_text, hostile_text};
  Chart chart{ChartKind::scatter, hostile_text, hostile_text};
  chart.series = {{hostile_text, {1}, {2}, {}, {hostile_text}}};
  chart.limit = Limit{hostile_text, 3};
  section.chart = chart;
  Table table({{hostile_text, Align::left}});
  table.add({hostile_text});
  section.table = table;
  section.heat_map = HeatMap{hostile_text, hostile_text, {hostile_text}, {hostile_text}, {{{hostile_text, Tone::close}}}};
  page.sections.push_back(section);
  page.notes = {hostile_text};
  page.footer = hostile_text;
  return page;
}

int count_of(const std::string& text, const std::string& part) {
  int n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// The page less the chart library, which may hold anything.
std::string without_library(std::string page) {
  const std::string library(chart_library());
  if (!library.empty()) page.erase(page.find(library), library.size());
  return page;
}

}  // namespace

TEST_CASE("page: no text becomes markup, whatever it is") {
  const std::string html = without_library(html_page(hostile_page()));
  CHECK(count_of(html, "<img") == 0);
  CHECK_FALSE(contains(html, "onerror=alert(1)>"));
  CHECK_FALSE(contains(html, "\x01"));
  CHECK(contains(html, "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp; |`*"));
  // Script elements: as many as are closed.
  CHECK(count_of(html, "<script") == count_of(html, "</script>"));
  const std::string markdown = markdown_page(hostile_page());
  CHECK_FALSE(contains(markdown, "<img"));
  CHECK_FALSE(contains(markdown, "</script>"));
  CHECK(contains(markdown, "&#60;img src=x onerror=alert(1)&#62;"));
}

TEST_CASE("page: nothing is fetched") {
  Page page{"title", "answer"};
  const std::string html = without_library(html_page(page));
  for (const char* way : {"http://", "https://", "src=", "href=", "@import", "url("})
    CHECK_FALSE(contains(html, way));
  CHECK(contains(html, "default-src 'none'"));
}

TEST_CASE(
    "page: a chart stands with its numbers where the library is, else the numbers stand open") {
  const std::string html = html_page(hostile_page());
  if (chart_library().empty()) {
    CHECK_FALSE(contains(html, "<canvas"));
    CHECK_FALSE(contains(html, "<details>"));
    CHECK(contains(html, "no chart library"));
  } else {
    CHECK(contains(html, "<canvas role=\"img\" aria-label="));
    CHECK(contains(html, "<details><summary>The numbers</summary>"));
  }
  CHECK(contains(html, "<td class=\"number close\">"));
}

TEST_CASE("page: a chart's JSON reads back, with infinity as null and no way out of its element") {
  Chart chart{ChartKind::spans, "x", "y"};
  chart.categories = {"a", "b"};
  chart.series = {{"</script>", {0, 1}, {2, 1.0 / 0.0}, {1, 0}, {"first", "second"}}};
  chart.lines = {{"line", {0, 1}, {0, 1}}};
  const std::string text = chart_json(chart);
  CHECK_FALSE(contains(text, "<"));
  const boost::json::value value = boost::json::parse(text);
  CHECK(value.at("kind") == "spans");
  CHECK(value.at("series").at(0).at("name") == "</script>");
  CHECK(value.at("series").at(0).at("from").as_array().size() == 2);
  CHECK(value.at("series").at(0).at("y").at(1).is_null());
  CHECK(value.at("lines").at(0).at("x").as_array().size() == 2);
}

TEST_CASE("page: series of different lengths are an internal error") {
  Chart chart;
  chart.series = {{"s", {1, 2}, {1}}};
  CHECK_THROWS_AS(chart_json(chart), InternalError);
}
