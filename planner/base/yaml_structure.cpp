#include "planner/base/yaml_structure.h"

#include <fmt/format.h>
#include <yaml-cpp/anchor.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include "planner/base/error.h"
#include "planner/base/text.h"

namespace aforo {
namespace {

constexpr std::size_t deepest = 32;

class StructureCheck : public YAML::EventHandler {
 public:
  explicit StructureCheck(std::string file) : file_(std::move(file)) {}
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { scalar(mark, ""); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(mark, "aliases are not supported; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    refuse_tag(mark, tag);
    scalar(mark, value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    push(mark, false);
  }
  void OnSequenceEnd() override { levels_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    refuse_tag(mark, tag);
    push(mark, true);
  }
  void OnMapEnd() override { levels_.pop_back(); }

 private:
  struct Level {
    bool is_map;
    bool key_next = true;
    std::set<std::string> keys = {};
  };

  [[noreturn]] void fail(const YAML::Mark& mark, const std::string& message) const {
    throw InputError(fmt::format("{}:{}:{}: {}", file_, mark.line + 1, mark.column + 1, message));
  }

  // yaml-cpp says "?" for plain values and "!" for quoted ones that have no tag.
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (!tag.empty() && tag != "?" && tag != "!")
      fail(mark, fmt::format("tags are not supported; remove {}", shown(tag)));
  }

  void push(const YAML::Mark& mark, bool is_map) {
    if (!levels_.empty() && levels_.back().is_map) {
      if (levels_.back().key_next) fail(mark, "a key must be a plain word");
      levels_.back().key_next = true;
    }
    levels_.push_back({is_map});
    if (levels_.size() > deepest) fail(mark, fmt::format("nested deeper than {} levels", deepest));
  }

  void scalar(const YAML::Mark& mark, const std::string& text) {
    if (levels_.empty() || !levels_.back().is_map) return;
    Level& level = levels_.back();
    if (level.key_next && !level.keys.insert(text).second)
      fail(mark, fmt::format("key {} appears twice", shown(text)));
    level.key_next = !level.key_next;
  }

  std::string file_;
  std::vector<Level> levels_;
};

void check_characters(const std::string& text, const std::string& file) {
  int line = 1, column = 1;
  for (std::string_view rest = text; !rest.empty(); ++column) {
    const std::size_t length = utf8_length(rest);
    const unsigned char c = static_cast<unsigned char>(rest.front());
    if (length == 0 || (c < 0x20 && c != '\n' && c != '\r' && c != '\t'))
      throw InputError(fmt::format("{}:{}:{}: byte 0x{:02x} is no text; a YAML file is UTF-8", file,
                                   line, column, c));
    if (c == '\n') {
      ++line;
      column = 0;
    }
    rest.remove_prefix(length);
  }
}

}  // namespace

void check_yaml_structure(const std::string& text, const std::string& file) {
  check_characters(text, file);
  std::istringstream stream(text);
  YAML::Parser parser(stream);
  StructureCheck check(file);
  if (!parser.HandleNextDocument(check))
    throw InputError(fmt::format("{}: the file is empty", file));
  if (parser.HandleNextDocument(check))
    throw InputError(fmt::format("{}: more than one document (a line ---)", file));
}

}  // namespace aforo
