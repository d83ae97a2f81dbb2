#include "planner/base/json.h"
#include "planner/report/page/page.h"

namespace aforo {
namespace {

void write_texts(JsonWriter& json, const char* name, const std::vector<std::string>& texts) {
  json.key(name).begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array();
}

void write_table(JsonWriter& json, const Table& table) {
  std::vector<std::string> titles;
  for (const Column& column : table.columns()) titles.push_back(column.title);
  write_texts(json, "columns", titles);
  json.key("rows").begin_array();
  for (const std::vector<std::string>& row : table.rows()) {
    json.begin_array();
    for (const std::string& cell : row) json.value(cell);
    json.end_array();
  }
  json.end_array();
}

void write_section(JsonWriter& json, const PageSection& section) {
  json.begin_object().field("id", section.id).field("title", section.title);
  json.field("lead", section.lead);
  if (section.table)
    write_table(json, *section.table);
  else if (section.heat_map)
    write_table(json, section.heat_map->table());
  else
    write_table(json, Table({}));
  json.end_object();
}

}  // namespace

std::string json_page(const Page& page) {
  JsonWriter json;
  json.begin_object().field("schema_version", 1).field("title", page.title);
  json.field("answer", page.answer).key("facts").begin_array();
  for (const Fact& fact : page.facts)
    json.begin_object().field("name", fact.name).field("value", fact.value).end_object();
  json.end_array().key("sections").begin_array();
  for (const PageSection& section : page.sections) write_section(json, section);
  json.end_array();
  write_texts(json, "notes", page.notes);
  json.end_object();
  return json.text() + "\n";
}

}  // namespace aforo
