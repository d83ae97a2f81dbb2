#include "planner/validate/statistics.h"

#include <doctest/doctest.h>

#include "planner/validate/spread.h"

using namespace aforo::validate;

TEST_CASE("quantile: by linear interpolation") {
  CHECK(quantile({3, 1, 2}, 0.5) == 2);
  CHECK(quantile({1, 2}, 0.5) == 1.5);
  CHECK(quantile({1, 2, 3, 4, 5}, 0.9) == doctest::Approx(4.6));
  CHECK(quantile({}, 0.5) == 0);
}

TEST_CASE("summarise: errors of predicted over measured") {
  const ErrorSummary e = summarise({1.1, 0.9, 1.2, 1.0});
  CHECK(e.n == 4);
  CHECK(e.median == doctest::Approx(0.1));
  CHECK(e.mean == doctest::Approx(0.1));
  CHECK(e.bias == doctest::Approx(0.05));
}

TEST_CASE("learned ranges: few rows of an engine are drawn towards all rows") {
  std::vector<Residual> residuals;
  for (int i = 0; i < 100; ++i) residuals.push_back({"many", 0.9 + 0.002 * i});
  residuals.push_back({"few", 3});
  const auto ranges = learn_ranges(residuals);
  CHECK(ranges.at("many").low > 0.9);
  CHECK(ranges.at("many").high < 1.1);
  CHECK(ranges.at("few").high < 2);  // one row in eleven
  CHECK(ranges.at("few").high > ranges.at("").high);
}
