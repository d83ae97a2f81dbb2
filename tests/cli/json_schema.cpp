#include "tests/cli/json_schema.h"

#include <set>
#include <stdexcept>

namespace aforo::test {
namespace {

namespace json = boost::json;

bool has_type(const json::value& value, const json::value& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_bool();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  throw std::runtime_error("unknown type " + json::serialize(type));
}

bool has_one_type(const json::value& value, const json::value& types) {
  if (types.is_string()) return has_type(value, types);
  for (const json::value& type : types.as_array())
    if (has_type(value, type)) return true;
  return false;
}

std::string object_violation(const json::object& object, const json::object& schema,
                             const std::string& place) {
  if (const json::value* required = schema.if_contains("required"))
    for (const json::value& key : required->as_array())
      if (!object.contains(key.as_string()))
        return place + "." + std::string(key.as_string()) + " is missing";
  const json::value* properties = schema.if_contains("properties");
  const json::value* others = schema.if_contains("additionalProperties");
  for (const auto& [key, value] : object) {
    const std::string inner = place + "." + std::string(key);
    const json::value* known =
        properties != nullptr ? properties->as_object().if_contains(key) : nullptr;
    std::string problem;
    if (known != nullptr)
      problem = schema_violation(value, *known, inner);
    else if (others != nullptr && others->is_bool() && !others->as_bool())
      problem = inner + " is not in the schema";
    else if (others != nullptr && others->is_object())
      problem = schema_violation(value, *others, inner);
    if (!problem.empty()) return problem;
  }
  return "";
}

}  // namespace

std::string schema_violation(const json::value& value, const json::value& schema,
                             const std::string& place) {
  static const std::set<std::string> known = {"$schema",  "title", "type",  "properties",
                                              "required", "items", "const", "additionalProperties"};
  for (const auto& [key, unused] : schema.as_object())
    if (!known.contains(std::string(key)))
      throw std::runtime_error("unknown keyword " + std::string(key));
  const json::object& rules = schema.as_object();
  if (const json::value* wanted = rules.if_contains("const"); wanted != nullptr && value != *wanted)
    return place + " is " + json::serialize(value) + ", expected " + json::serialize(*wanted);
  if (const json::value* types = rules.if_contains("type"); types && !has_one_type(value, *types))
    return place + " is " + json::serialize(value).substr(0, 60) + ", expected " +
           json::serialize(*types);
  if (value.is_object()) return object_violation(value.as_object(), rules, place);
  const json::value* items = rules.if_contains("items");
  if (!value.is_array() || items == nullptr) return "";
  for (std::size_t i = 0; i < value.as_array().size(); ++i) {
    const std::string problem =
        schema_violation(value.at(i), *items, place + "[" + std::to_string(i) + "]");
    if (!problem.empty()) return problem;
  }
  return "";
}

}  // namespace aforo::test
