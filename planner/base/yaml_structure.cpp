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

/// True if `text` begins with a quoted scalar that goes on to its end.
bool is_open_quote(std::string_view text) {
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) return false;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\' && quote == '"')
      ++i;  // the next character is escaped
    else if (text[i] == quote && quote == '\'' && i + 1 < text.size() && text[i + 1] == quote)
      ++i;  // '' stands for one '
    else if (text[i] == quote)
      return false;
  }
  return true;
}

class StructureCheck : public YAML::EventHandler {
 public:
  StructureCheck(std::string_view text, std::string file) : text_(text), file_(std::move(file)) {}
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override { scalar(mark, ""); }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    fail(mark, "aliases are not supported; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    refuse_tag(mark, tag);
    if (tag == "!") refuse_open_quote(mark);
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

  void refuse_open_quote(const YAML::Mark& mark) const {
    if (is_open_quote(text_.substr(std::min<std::size_t>(mark.pos, text_.size()))))
      fail(mark, "this quote is never closed");
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

  std::string_view text_;
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
  // yaml-cpp's positions do not count a byte order mark.
  StructureCheck check(std::string_view(text).substr(text.starts_with("\xef\xbb\xbf") ? 3 : 0),
                       file);
  if (!parser.HandleNextDocument(check))
    throw InputError(fmt::format("{}: the file is empty", file));
  if (parser.HandleNextDocument(check))
    throw InputError(fmt::format("{}: more than one document (a line ---)", file));
}

}  // namespace aforo
