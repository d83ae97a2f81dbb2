#pragma once
// Comma-separated tables with a header line (RFC 4180: quoted fields, doubled quotes, line breaks
// inside quotes).

#include <string>
#include <unordered_map>
#include <vector>

namespace aforo {

/// A row that cannot be read.
struct CsvProblem {
  int line = 0;
  std::string text;
};

class CsvTable {
 public:
  /// Throws InputError "file:line: what" for an empty file, a row with too few or too many fields,
  /// a quote that never closes, or two columns of one name.
  static CsvTable load_file(const std::string& path);
  static CsvTable parse(const std::string& text, const std::string& name);
  /// The same for files that others wrote: a row with too few or too many fields or a broken quote
  /// is noted in `problems` and left out. An empty file and columns of one name still throw.
  static CsvTable parse(const std::string& text, const std::string& name,
                        std::vector<CsvProblem>& problems);

  std::size_t n_rows() const { return rows_.size(); }
  bool has(const std::string& column) const { return columns_.contains(column); }
  /// The field as written; "" if there is no such column.
  const std::string& field(std::size_t row, const std::string& column) const;
  /// The line on which a row starts, from 1.
  int line(std::size_t row) const { return lines_[row]; }
  const std::string& name() const { return name_; }

 private:
  static CsvTable read(const std::string& text, const std::string& name,
                       std::vector<CsvProblem>* problems);

  std::string name_;
  std::unordered_map<std::string, std::size_t> columns_;
  std::vector<std::vector<std::string>> rows_;
  std::vector<int> lines_;
};

}  // namespace aforo
