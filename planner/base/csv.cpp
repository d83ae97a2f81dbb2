#include "planner/base/csv.h"

#include <fmt/format.h>

#include "planner/base/error.h"
#include "planner/base/files.h"

namespace aforo {
namespace {

/// Cuts a text into records, one call each.
class Scanner {
 public:
  Scanner(const std::string& text, const std::string& name) : text_(text), name_(name) {}

  bool at_end() const { return at_ >= text_.size(); }
  int line() const { return line_; }

  std::vector<std::string> record() {
    std::vector<std::string> fields;
    do fields.push_back(at_ < text_.size() && text_[at_] == '"' ? quoted() : plain());
    while (at_ < text_.size() && text_[at_] == ',' && ++at_);
    if (at_ < text_.size() && text_[at_] == '\r') ++at_;
    if (at_ < text_.size() && text_[at_] == '\n') ++at_, ++line_;
    return fields;
  }

 private:
  std::string plain() {
    const std::size_t end = std::min(text_.find_first_of(",\r\n", at_), text_.size());
    std::string field = text_.substr(at_, end - at_);
    at_ = end;
    return field;
  }

  std::string quoted() {
    const int start = line_;
    std::string field;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '\n') ++line_;
      if (text_[at_] != '"') {
        field += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field += text_[++at_];
      } else {
        ++at_;
        if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\r' && text_[at_] != '\n')
          throw InputError(fmt::format(
              "{}:{}: a quoted field goes on after its quote; write \"\" for a quote inside", name_,
              line_));
        return field;
      }
    }
    throw InputError(fmt::format("{}:{}: this quote never closes", name_, start));
  }

  const std::string& text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

CsvTable CsvTable::load_file(const std::string& path) {
  return parse(read_file(path, 256 * 1024 * 1024), path);
}

CsvTable CsvTable::parse(const std::string& text, const std::string& name) {
  CsvTable table;
  table.name_ = name;
  Scanner scanner(text, name);
  if (scanner.at_end()) throw InputError(fmt::format("{}:1: is empty; expected a header", name));
  const std::vector<std::string> header = scanner.record();
  for (const std::string& column : header)
    if (!table.columns_.emplace(column, table.columns_.size()).second)
      throw InputError(fmt::format("{}:1: column \"{}\" is there twice", name, column));
  while (!scanner.at_end()) {
    const int line = scanner.line();
    std::vector<std::string> fields = scanner.record();
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (fields.size() != header.size())
      throw InputError(fmt::format("{}:{}: has {} fields; the header has {} columns", name, line,
                                   fields.size(), header.size()));
    table.rows_.push_back(std::move(fields));
    table.lines_.push_back(line);
  }
  return table;
}

const std::string& CsvTable::field(std::size_t row, const std::string& column) const {
  static const std::string none;
  const auto found = columns_.find(column);
  return found == columns_.end() ? none : rows_[row][found->second];
}

}  // namespace aforo
