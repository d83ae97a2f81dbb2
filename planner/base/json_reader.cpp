#include "planner/base/json_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "planner/base/error.h"
#include "planner/base/nearest.h"
#include "planner/base/numbers.h"
#include "planner/base/text.h"

namespace aforo {
namespace {

namespace json = boost::json;

[[noreturn]] void fail_syntax(const std::string& text, std::size_t offset, const std::string& name,
                              const std::string& message) {
  const auto begin = text.begin(), end = begin + static_cast<std::ptrdiff_t>(offset);
  const auto line = 1 + std::count(begin, end, '\n');
  const std::size_t newline = offset == 0 ? std::string::npos : text.rfind('\n', offset - 1);
  const std::size_t column = newline == std::string::npos ? offset + 1 : offset - newline;
  throw InputError(fmt::format("{}:{}:{}: not JSON: {}", name, line, column, message));
}

json::value parse_value(const std::string& text, const std::string& name) {
  json::stream_parser parser;
  boost::system::error_code error;
  const std::size_t consumed = parser.write_some(text, error);
  if (error) fail_syntax(text, std::min(consumed, text.size()), name, error.message());
  if (consumed < text.size()) fail_syntax(text, consumed, name, "more follows the first value");
  parser.finish(error);
  if (error) fail_syntax(text, text.size(), name, "the text ends too early");
  return parser.release();
}

}  // namespace

struct JsonNode::Value {
  std::shared_ptr<const json::value> root;  ///< keeps `json` alive
  const json::value* json;
  std::string name;
  std::string path;
  std::set<std::string> wanted;
};

JsonNode JsonNode::parse(const std::string& text, const std::string& name) {
  auto root = std::make_shared<const json::value>(parse_value(text, name));
  const json::value* json = root.get();
  return JsonNode(std::make_shared<Value>(Value{std::move(root), json, name, "", {}}));
}

JsonNode JsonNode::child(const void* json, const std::string& path) const {
  return JsonNode(std::make_shared<Value>(
      Value{value_->root, static_cast<const json::value*>(json), value_->name, path, {}}));
}

std::optional<JsonNode> JsonNode::find(const std::string& key) const {
  if (!has(key)) return std::nullopt;
  const json::value& found = value_->json->get_object().at(key);
  if (found.is_null()) return std::nullopt;
  return child(&found, value_->path.empty() ? key : value_->path + "." + key);
}

JsonNode JsonNode::at(const std::string& key) const {
  if (auto found = find(key)) return *found;
  fail(fmt::format("key \"{}\" is missing{}", key,
                   value_->path.empty() ? "" : " in " + value_->path));
}

bool JsonNode::has(const std::string& key) const {
  require_object();
  value_->wanted.insert(key);
  return value_->json->get_object().contains(key);
}

std::vector<JsonNode> JsonNode::items() const {
  if (!value_->json->is_array()) fail_expected("a list");
  std::vector<JsonNode> items;
  for (const json::value& item : value_->json->get_array())
    items.push_back(child(&item, fmt::format("{}[{}]", value_->path, items.size())));
  return items;
}

void JsonNode::finish() const {
  require_object();
  for (const auto& entry : value_->json->get_object()) {
    const std::string key(entry.key());
    if (value_->wanted.contains(key)) continue;
    const std::string near = nearest(key, {value_->wanted.begin(), value_->wanted.end()});
    fail(fmt::format(
        "unknown key {}{}; {}", shown(key), value_->path.empty() ? "" : " in " + value_->path,
        near.empty() ? fmt::format("the keys here are {}", fmt::join(value_->wanted, ", "))
                     : fmt::format("did you mean \"{}\"?", near)));
  }
}

std::string JsonNode::string() const {
  if (!value_->json->is_string()) fail_expected("a string");
  return std::string(value_->json->get_string());
}

bool JsonNode::boolean() const {
  if (!value_->json->is_bool()) fail_expected("true or false");
  return value_->json->get_bool();
}

std::int64_t JsonNode::integer(std::int64_t low, std::int64_t high) const {
  if (value_->json->is_uint64()) fail_expected(range_text(low, high));
  if (!value_->json->is_int64()) fail_expected("a whole number");
  const std::int64_t value = value_->json->get_int64();
  if (value < low || value > high) fail_expected(range_text(low, high));
  return value;
}

double JsonNode::number() const {
  if (!value_->json->is_number()) fail_expected("a number");
  return value_->json->to_number<double>();
}

bool JsonNode::is_object() const { return value_->json->is_object(); }
bool JsonNode::is_null() const { return value_->json->is_null(); }
std::string JsonNode::path() const { return value_->path; }

std::string JsonNode::text() const {
  constexpr std::size_t most = 60;
  // Boost writes 1000000.0 as 1E6.
  const std::string text = value_->json->is_double() ? fmt::format("{}", value_->json->get_double())
                                                     : json::serialize(*value_->json);
  return text.size() <= most ? text : to_utf8(text.substr(0, most)) + "...";
}

void JsonNode::fail(const std::string& message) const {
  throw InputError(fmt::format("{}: {}", value_->name, message));
}
void JsonNode::fail_expected(const std::string& expected) const {
  fail(fmt::format("{} is {}; expected {}", value_->path.empty() ? "the whole" : value_->path,
                   text(), expected));
}
void JsonNode::require_object() const {
  if (!is_object()) fail_expected("an object");
}

}  // namespace aforo
