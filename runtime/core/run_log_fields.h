#pragma once
// Strict reading of one JSON object.

#include <fmt/format.h>

#include <boost/json.hpp>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "planner/base/error.h"
#include "planner/base/units.h"

namespace aforo {

/// One JSON object of a line: keys are taken once each, and what is left over is refused.
class Fields {
 public:
  Fields(const boost::json::value& value, std::string place) : place_(std::move(place)) {
    if (!value.is_object()) fail("is no JSON object");
    object_ = &value.get_object();
  }

  std::string string(const char* key) {
    const boost::json::value& value = at(key);
    if (!value.is_string()) fail(fmt::format("{} is no string", key));
    return std::string(value.get_string());
  }
  std::int64_t integer(const char* key) {
    const boost::json::value& value = at(key);
    if (!value.is_int64()) fail(fmt::format("{} is no whole number", key));
    return value.get_int64();
  }
  /// null stands for a number that was not finite.
  double number(const char* key) {
    const boost::json::value& value = at(key);
    if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
    if (!value.is_number()) fail(fmt::format("{} is no number", key));
    return value.to_number<double>();
  }
  bool boolean(const char* key) {
    const boost::json::value& value = at(key);
    if (!value.is_bool()) fail(fmt::format("{} is neither true nor false", key));
    return value.get_bool();
  }
  Seconds seconds(const char* key) { return Seconds(number(key)); }
  Seconds milliseconds(const char* key) { return Seconds(number(key) / 1e3); }
  Bytes bytes(const char* key) { return Bytes(integer(key)); }
  Fields object(const char* key) { return Fields(at(key), place_); }

  template <typename Read>
  auto list(const char* key, Read read) {
    const boost::json::value& value = at(key);
    if (!value.is_array()) fail(fmt::format("{} is no list", key));
    std::vector<decltype(read(std::declval<Fields&>()))> items;
    for (const boost::json::value& entry : value.get_array()) {
      Fields fields(entry, place_);
      items.push_back(read(fields));
      fields.finish();
    }
    return items;
  }

  void finish() const {
    for (const auto& entry : *object_)
      if (!taken_.contains(std::string(entry.key())))
        fail(fmt::format("has the unknown key {}", std::string(entry.key())));
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(fmt::format("{}: {}; is it a run.jsonl that aforo wrote?", place_, what));
  }

 private:
  const boost::json::value& at(const char* key) {
    const boost::json::value* value = object_->if_contains(key);
    if (value == nullptr) fail(fmt::format("lacks the key {}", key));
    taken_.insert(key);
    return *value;
  }

  std::string place_;
  const boost::json::object* object_ = nullptr;
  std::set<std::string> taken_;
};

}  // namespace aforo
