#include "planner/base/yaml_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <cmath>
#include <set>
#include <sstream>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/nearest.h"
#include "planner/base/quantity.h"

namespace aforo {
namespace {

constexpr std::size_t largest_file = 64u << 20;
constexpr int deepest = 32;

std::string place_of(const std::string& file, const YAML::Mark& mark) {
  return mark.is_null() ? file : fmt::format("{}:{}:{}", file, mark.line + 1, mark.column + 1);
}

/// yaml-cpp keeps the first of two equal keys and expands aliases; both hide mistakes, so the event
/// stream is checked first.
class StructureCheck : public YAML::EventHandler {
 public:
  explicit StructureCheck(std::string file) : file_(std::move(file)) {}
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { scalar(mark, ""); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    throw InputError(
        fmt::format("{}: aliases are not supported; write the value out", place_of(file_, mark)));
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    scalar(mark, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    push(mark, false);
  }
  void OnSequenceEnd() override { stack_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    push(mark, true);
  }
  void OnMapEnd() override { stack_.pop_back(); }

 private:
  struct Level {
    bool is_map;
    bool key_next;
    std::set<std::string> keys;
  };

  /// A value has begun: in a map, the next scalar is a key again.
  void value_begins(const YAML::Mark& mark) {
    if (stack_.empty() || !stack_.back().is_map) return;
    if (stack_.back().key_next)
      throw InputError(fmt::format("{}: a key must be a plain word", place_of(file_, mark)));
    stack_.back().key_next = true;
  }
  void push(const YAML::Mark& mark, bool is_map) {
    value_begins(mark);
    stack_.push_back({is_map, true, {}});
    if (stack_.size() > deepest)
      throw InputError(
          fmt::format("{}: nested deeper than {} levels", place_of(file_, mark), deepest));
  }
  void scalar(const YAML::Mark& mark, const std::string& text) {
    if (stack_.empty()) return;
    Level& level = stack_.back();
    if (!level.is_map) return;
    if (level.key_next && !level.keys.insert(text).second)
      throw InputError(fmt::format("{}: key \"{}\" appears twice", place_of(file_, mark), text));
    level.key_next = !level.key_next;
  }

  std::string file_;
  std::vector<Level> stack_;
};

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
    std::istringstream stream(text);
    YAML::Parser parser(stream);
    StructureCheck check(name);
    if (!parser.HandleNextDocument(check))
      throw InputError(fmt::format("{}: the file is empty", name));
    if (parser.HandleNextDocument(check))
      throw InputError(fmt::format("{}: more than one document (a line ---)", name));
    YamlNode root(std::make_shared<Value>(Value{YAML::Load(text), name, "", {}}));
    if (!root.is_map())
      throw InputError(fmt::format("{}: expected a map of keys and values", name));
    return root;
  } catch (const YAML::Exception& error) {
    throw InputError(fmt::format("{}: {}", place_of(name, error.mark), error.msg));
  }
}

YamlNode YamlNode::at(const std::string& key) const {
  if (auto found = find(key)) return *found;
  fail(fmt::format("key \"{}\" is missing{}", key,
                   value_->path.empty() ? "" : " in " + value_->path));
}

std::optional<YamlNode> YamlNode::find(const std::string& key) const {
  if (!is_map()) fail(fmt::format("{} must be a map of keys and values", value_->path));
  value_->wanted.insert(key);
  const YAML::Node& node = value_->node;
  const YAML::Node child = node[key];
  if (!child.IsDefined()) return std::nullopt;
  const std::string path = value_->path.empty() ? key : value_->path + "." + key;
  return YamlNode(std::make_shared<Value>(Value{child, value_->file, path, {}}));
}

std::vector<std::string> YamlNode::keys() const {
  if (!is_map()) fail(fmt::format("{} must be a map of keys and values", value_->path));
  std::vector<std::string> keys;
  for (const auto& entry : value_->node) keys.push_back(entry.first.Scalar());
  return keys;
}

std::vector<YamlNode> YamlNode::items() const {
  if (!value_->node.IsSequence()) fail(fmt::format("{} must be a list", value_->path));
  std::vector<YamlNode> items;
  for (const auto& child : value_->node)
    items.push_back(YamlNode(std::make_shared<Value>(
        Value{child, value_->file, fmt::format("{}[{}]", value_->path, items.size()), {}})));
  return items;
}

void YamlNode::finish() const {
  for (const auto& entry : value_->node) {
    const std::string key = entry.first.Scalar();
    if (value_->wanted.contains(key)) continue;
    const std::string near = nearest(key, {value_->wanted.begin(), value_->wanted.end()});
    throw InputError(fmt::format(
        "{}: unknown key \"{}\"; {}", place_of(value_->file, entry.first.Mark()), key,
        near.empty() ? fmt::format("the keys here are {}", fmt::join(value_->wanted, ", "))
                     : fmt::format("did you mean \"{}\"?", near)));
  }
}

bool YamlNode::is_scalar() const { return value_->node.IsScalar(); }
bool YamlNode::is_map() const { return value_->node.IsMap(); }
std::string YamlNode::place() const { return place_of(value_->file, value_->node.Mark()); }
void YamlNode::fail(const std::string& message) const {
  throw InputError(fmt::format("{}: {}", place(), message));
}

void YamlNode::fail_choice(const std::string& text, const std::vector<std::string>& choices) const {
  const std::string near = nearest(text, choices);
  fail(fmt::format("{} is \"{}\"; expected {}{}", value_->path, text, fmt::join(choices, ", "),
                   near.empty() ? "" : fmt::format("; did you mean {}?", near)));
}

std::string YamlNode::string() const {
  if (!is_scalar()) fail(fmt::format("{} must be a single value", value_->path));
  return value_->node.Scalar();
}

bool YamlNode::boolean() const {
  const std::string text = string();
  if (text == "true") return true;
  if (text == "false") return false;
  fail(fmt::format("{} is \"{}\"; expected true or false", value_->path, text));
}

std::int64_t YamlNode::integer(std::int64_t low, std::int64_t high) const {
  const std::string text = string();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    fail(fmt::format("{} is \"{}\"; expected a whole number", value_->path, text));
  if (value < low || value > high)
    fail(fmt::format("{} is {}; expected {} to {}", value_->path, value, low, high));
  return value;
}

double YamlNode::number(double low, double high) const {
  const std::string text = string();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    fail(fmt::format("{} is \"{}\"; expected a number", value_->path, text));
  if (value < low || value > high)
    fail(fmt::format("{} is {}; expected {} to {}", value_->path, value, low, high));
  return value;
}

template <typename Q>
Q YamlNode::quantity(std::optional<Q> (*parse)(std::string_view), std::string_view expected) const {
  const std::string text = string();
  if (const auto value = parse(text)) return *value;
  fail(fmt::format("{} is \"{}\"; expected {}", value_->path, text, expected));
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
