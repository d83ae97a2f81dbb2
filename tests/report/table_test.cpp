#include "planner/report/table.h"

#include <doctest/doctest.h>

using namespace aforo;

TEST_CASE("table: columns are as wide as their widest cell, and the last has no trailing blanks") {
  Table table({{"op", Align::left}, {"ms"}, {"note", Align::left}});
  table.add({"gemm", "1.5", "x"});
  table.add({"add", "12.25", ""});
  CHECK(table.text() ==
        "op       ms  note\n"
        "gemm    1.5  x\n"
        "add   12.25\n");
}
