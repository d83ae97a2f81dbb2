#include "planner/base/yaml_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/yaml.h>

#include <set>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/nearest.h"
#include "planner/base/numbers.h"
#include "planner/base/quantity.h"
#include "planner/base/text.h"
#include "planner/base/yaml_structure.h"

namespace aforo {
namespace {

// yaml-cpp takes up to 250 bytes of memory and 2 us for a byte of YAML (a list of digits); our
// largest file has 0.1 MB.
constexpr std::size_t largest_file = 4u << 20;

std::string place_of(const std::string& file, const YAML::Mark& mark) {
  return mark.is_null() ? file : fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

}  // namespace

struct YamlNode::Value {
  YAML::Node node;
  std::string file;
  std::string path;  ///< "attention.n_heads"
  std::set<std::string> wanted;
};

YamlNode YamlNode::load_file(const std::string& path) {
  return load_text(read_file(path, largest_file), path);
}

YamlNode YamlNode::load_text(const std::string& text, const std::string& name) {
  try {
    check_yaml_structure(text, name);
    YamlNode root(std::make_shared<Value>(Value{YAML::Load(text), name, "", {}}));
    if (!root.is_map()) root.fail("expected a map of keys and values");
    return root;
  } catch (const YAML::Exception& error) {
    throw InputError(fmt::format("{}: {}", place_of(name, error.mark), error.msg));
  }
}

std::optional<YamlNode> YamlNode::find(const std::string& key) const {
  require_map();
  value_->wanted.insert(key);
  const YAML::Node& node = value_->node;
  const YAML::Node child = node[key];
  if (!child.IsDefined()) return std::nullopt;
  const std::string path = value_->path.empty() ? key : value_->path + "." + key;
  return YamlNode(std::make_shared<Value>(Value{child, value_->file, path, {}}));
}

YamlNode YamlNode::at(const std::string& key) const {
  if (auto found = find(key)) return *found;
  std::vector<std::string> others;
  for (const std::string& other : keys())
    if (!value_->wanted.contains(other)) others.push_back(other);
  const std::string near = nearest(key, others);
  const std::string where = value_->path.empty() ? "" : " in " + value_->path;
  if (near.empty()) fail(fmt::format("key \"{}\" is missing{}", key, where));
  throw InputError(fmt::format("{}: key \"{}\" is missing{}; is {} meant?", place_of_key(near), key,
                               where, shown(near)));
}

std::string YamlNode::place_of_key(const std::string& key) const {
  for (const auto& entry : value_->node)
    if (entry.first.Scalar() == key) return place_of(value_->file, entry.first.Mark());
  return place();
}

std::vector<std::string> YamlNode::keys() const {
  require_map();
  std::vector<std::string> keys;
  for (const auto& entry : value_->node) keys.push_back(entry.first.Scalar());
  return keys;
}

std::vector<YamlNode> YamlNode::items() const {
  if (!value_->node.IsSequence()) fail(fmt::format("{} must be a list", path()));
  std::vector<YamlNode> items;
  for (const auto& child : value_->node)
    items.push_back(YamlNode(std::make_shared<Value>(
        Value{child, value_->file, fmt::format("{}[{}]", value_->path, items.size()), {}})));
  return items;
}

void YamlNode::finish() const {
  require_map();
  for (const auto& entry : value_->node) {
    const std::string key = entry.first.Scalar();
    if (value_->wanted.contains(key)) continue;
    const std::string near = nearest(key, {value_->wanted.begin(), value_->wanted.end()});
    throw InputError(fmt::format(
        "{}: unknown key {}; {}", place_of(value_->file, entry.first.Mark()), shown(key),
        near.empty() ? fmt::format("the keys here are {}", fmt::join(value_->wanted, ", "))
                     : fmt::format("did you mean \"{}\"?", near)));
  }
}

bool YamlNode::is_scalar() const { return value_->node.IsScalar(); }
bool YamlNode::is_map() const { return value_->node.IsMap(); }
bool YamlNode::is_list() const { return value_->node.IsSequence(); }
bool YamlNode::is_plain() const { return is_scalar() && value_->node.Tag() == "?"; }
std::string YamlNode::path() const { return value_->path; }
std::string YamlNode::place() const { return place_of(value_->file, value_->node.Mark()); }

void YamlNode::fail(const std::string& message) const {
  throw InputError(fmt::format("{}: {}", place(), message));
}
void YamlNode::fail_expected(const std::string& expected) const {
  fail(fmt::format("{} is {}; expected {}", path(), shown(string()), expected));
}
void YamlNode::fail_choice(const std::string& text, const std::vector<std::string>& choices) const {
  const std::string near = nearest(text, choices);
  fail_expected(fmt::format("{}{}", fmt::join(choices, ", "),
                            near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}
void YamlNode::require_map() const {
  if (!is_map()) fail(fmt::format("{} must be a map of keys and values", path()));
}

std::string YamlNode::string() const {
  if (value_->node.IsNull()) fail(fmt::format("{} has no value", path()));
  if (!is_scalar()) fail(fmt::format("{} must be a single value", path()));
  return value_->node.Scalar();
}

std::string YamlNode::choice(const std::vector<std::string>& choices) const {
  const std::string text = string();
  for (const std::string& choice : choices)
    if (choice == text) return text;
  fail_choice(text, choices);
}

std::string YamlNode::date() const {
  const std::string text = string();
  if (!is_date(text)) fail_expected("a date such as 2026-08-23");
  return text;
}

bool YamlNode::boolean() const {
  const std::string text = string();
  if (text != "true" && text != "false") fail_expected("true or false");
  return text == "true";
}

std::int64_t YamlNode::integer(std::int64_t low, std::int64_t high) const {
  const std::string text = string();
  const auto value = parse_integer(text);
  if (!value) fail_expected("a whole number");
  if (*value < low || *value > high)
    fail(fmt::format("{} is {}; expected {}", path(), *value, range_text(low, high)));
  return *value;
}

std::uint64_t YamlNode::natural() const {
  const auto value = parse_natural(string());
  if (!value) fail_expected("a whole number from 0 to 2^64 - 1");
  return *value;
}

double YamlNode::number(double low, double high) const {
  const auto value = parse_number(string());
  if (!value) fail_expected("a number");
  if (*value < low || *value > high)
    fail(fmt::format("{} is {}; expected {} to {}", path(), *value, low, high));
  return *value;
}

template <typename Q>
Q YamlNode::quantity(std::optional<Q> (*parse)(std::string_view), std::string_view expected) const {
  const auto value = parse(string());
  if (!value) fail_expected(std::string(expected));
  return *value;
}

Bytes YamlNode::bytes() const { return quantity(parse_bytes, expected_bytes); }
BytesPerSecond YamlNode::bandwidth() const { return quantity(parse_bandwidth, expected_bandwidth); }
FlopsPerSecond YamlNode::flops_rate() const {
  return quantity(parse_flops_rate, expected_flops_rate);
}
Seconds YamlNode::seconds() const { return quantity(parse_seconds, expected_seconds); }
DollarsPerHour YamlNode::hourly_price() const {
  return quantity(parse_hourly_price, expected_hourly_price);
}
Watts YamlNode::watts() const { return quantity(parse_watts, expected_watts); }

}  // namespace aforo
