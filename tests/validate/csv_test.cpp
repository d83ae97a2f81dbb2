#include "planner/base/csv.h"

#include <doctest/doctest.h>

#include <random>

#include "planner/base/error.h"

using namespace aforo;

namespace {

std::string csv_error(const std::string& text) {
  try {
    CsvTable::parse(text, "t.csv");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("csv: quotes, doubled quotes, commas and line breaks inside them") {
  const CsvTable table =
      CsvTable::parse("a,b\r\n\"x, y\",\"he said \"\"no\"\"\"\r\n\"two\nlines\",2\n", "t.csv");
  REQUIRE(table.n_rows() == 2);
  CHECK(table.field(0, "a") == "x, y");
  CHECK(table.field(0, "b") == "he said \"no\"");
  CHECK(table.field(1, "a") == "two\nlines");
  CHECK(table.line(1) == 3);
  CHECK(table.field(0, "none") == "");
}

TEST_CASE("csv: problems carry the line and both values") {
  CHECK(csv_error("") == "t.csv:1: is empty; expected a header");
  CHECK(csv_error("a,b\n1\n") == "t.csv:2: has 1 fields; the header has 2 columns");
  CHECK(csv_error("a,a\n") == "t.csv:1: column \"a\" is there twice");
  CHECK(csv_error("a\n\"open\n") == "t.csv:2: this quote never closes");
  CHECK(csv_error("a\n\"x\"y\n").find("t.csv:2: a quoted field goes on") == 0);
}

TEST_CASE("csv: any bytes give a table or an error, never a crash") {
  std::mt19937 random(1);
  const std::string alphabet = "a,\"\r\n1 \\\0z";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (std::size_t n = random() % 40; n > 0; --n) text += alphabet[random() % alphabet.size()];
    try {
      const CsvTable table = CsvTable::parse(text, "t.csv");
      for (std::size_t row = 0; row < table.n_rows(); ++row) table.field(row, "a");
    } catch (const InputError& error) {
      CHECK(std::string(error.what()).starts_with("t.csv:"));
    }
  }
}
