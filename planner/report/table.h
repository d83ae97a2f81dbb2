#pragma once
// Plain-text tables: columns as wide as their longest cell, numbers right, words left.

#include <string>
#include <vector>

namespace aforo {

enum class Align { left, right };

struct Column {
  std::string title;
  Align align = Align::right;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Adds a row; missing cells are empty, more cells than columns are an InternalError.
  void add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }
  const std::vector<Column>& columns() const { return columns_; }
  const std::vector<std::vector<std::string>>& rows() const { return rows_; }

  /// Lines with two spaces between columns and none at their end. `indent` spaces come before each.
  std::string text(int indent = 0) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// One row of a Markdown table; cells show what they hold, whatever it is.
std::string markdown_row(const std::vector<std::string>& cells);

/// Characters that a terminal shows for UTF-8 text (colour codes and continuation bytes take no
/// room).
std::size_t display_width(const std::string& text);

}  // namespace aforo
