#pragma once
// The keys of a Hugging Face config.json: one thing has several names, and null means absent.

#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include "planner/base/json_reader.h"

namespace aforo {

/// All readers take the first of `names` that the file has, and throw InputError if it is of
/// another type. The first name is the one in messages.
class HuggingFaceConfig {
 public:
  using Names = std::initializer_list<const char*>;

  explicit HuggingFaceConfig(JsonNode root) : root_(std::move(root)) {}

  int size(Names names) const;  ///< mandatory; 1 to 2^27
  int size(Names names, int fallback) const;
  double number(Names names, double fallback) const;
  bool boolean(Names names, bool fallback) const;
  std::string string(Names names, const std::string& fallback) const;

  std::optional<JsonNode> find(Names names) const;
  bool has(const char* name) const { return root_.has(name); }  ///< even if null
  [[noreturn]] void fail(const std::string& message) const { root_.fail(message); }

 private:
  JsonNode root_;
};

}  // namespace aforo
