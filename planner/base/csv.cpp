#include "planner/base/csv.h"

#include <fmt/format.h>

#include <algorithm>

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

  /// Reads a record into `fields`; if it cannot be read, passes over its first line and says why.
  std::string try_record(std::vector<std::string>& fields) {
    const std::size_t start = at_;
    const int line = line_;
    try {
      longest_quoted_ = 64 * 1024;  // else each of many open quotes would be looked for to the end
      fields = record();
      return "";
    } catch (const InputError&) {
      const std::size_t end = text_.find('\n', start);
      at_ = end == std::string::npos ? text_.size() : end + 1;
      line_ = line + (end == std::string::npos ? 0 : 1);
      return "has a quote that is not closed, or text behind one";
    }
  }

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
    for (++at_; at_ < text_.size() && field.size() < longest_quoted_; ++at_) {
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
  std::size_t longest_quoted_ = std::string::npos;
  int line_ = 1;
};

}  // namespace

CsvTable CsvTable::load_file(const std::string& path) {
  return parse(read_file(path, 256 * 1024 * 1024), path);
}

CsvTable CsvTable::parse(const std::string& text, const std::string& name) {
  return read(text, name, nullptr);
}

CsvTable CsvTable::parse(const std::string& text, const std::string& name,
                         std::vector<CsvProblem>& problems) {
  return read(text, name, &problems);
}

CsvTable CsvTable::read(const std::string& text, const std::string& name,
                        std::vector<CsvProblem>* problems) {
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
    std::vector<std::string> fields;
    if (problems == nullptr) {
      fields = scanner.record();
    } else if (const std::string problem = scanner.try_record(fields); !problem.empty()) {
      problems->push_back({line, problem});
      continue;
    }
    if (fields.size() == 1 && fields[0].empty()) continue;
    if (fields.size() != header.size()) {
      const std::string problem =
          fmt::format("has {} fields; the header has {} columns", fields.size(), header.size());
      if (problems == nullptr) throw InputError(fmt::format("{}:{}: {}", name, line, problem));
      problems->push_back({line, problem});
      continue;
    }
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
