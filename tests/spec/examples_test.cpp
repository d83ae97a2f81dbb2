// Lengths of examples: hand-worked averages, and what is refused.

#include "planner/spec/examples.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tests/base/thrown.h"

using namespace aforo;

namespace {

ExamplesSpec examples_of(const char* lengths) {
  ExamplesSpec examples;
  examples.n_examples = 1000;
  examples.lengths = parse_lengths(lengths);
  return examples;
}

}  // namespace

TEST_CASE("examples: averages over examples and over tokens") {
  const ExamplesSpec x = examples_of("100:0.5, 300:0.25, 700:0.25");
  CHECK(x.longest() == 700);
  CHECK(x.mean() == doctest::Approx(300));
  // (0.5 x 10,000 + 0.25 x 90,000 + 0.25 x 490,000) / 300
  CHECK(x.mean_by_token() == doctest::Approx(500));
}

TEST_CASE("examples: the longest of n is the mean for one, and grows to the longest of all") {
  const ExamplesSpec x = examples_of("100:1, 300:1");
  CHECK(x.expected_longest(1) == doctest::Approx(200));
  CHECK(x.expected_longest(2) == doctest::Approx(250));  // 100 only if both are: a quarter
  CHECK(x.expected_longest(3) == doctest::Approx(275));
  CHECK(x.expected_longest(1e6) == doctest::Approx(300));
  const ExamplesSpec alike = examples_of("512");
  CHECK(alike.expected_longest(1) == 512);
  CHECK(alike.expected_longest(64) == 512);
  CHECK(alike.mean() == 512);
}

TEST_CASE("examples: a log-normal has its mean and deviation, and its limit occurs") {
  const ExamplesSpec x = examples_of("1000+-600<=100000");
  double variance = 0;
  for (const LengthBin& bin : x.lengths) variance += bin.share * std::pow(bin.length - x.mean(), 2);
  CHECK(x.mean() == doctest::Approx(1000).epsilon(0.01));  // the tail beyond 1/128 is cut
  CHECK(std::sqrt(variance) == doctest::Approx(600).epsilon(0.08));
  CHECK(x.longest() == 100000);
  CHECK(examples_of("3234+-2548<=8192").longest() == 8192);
}

TEST_CASE("examples: cutting to a length moves what is longer onto it") {
  const ExamplesSpec cut = examples_of("100:0.5, 300:0.25, 700:0.25").cut_to(200);
  CHECK(cut.longest() == 200);
  CHECK(cut.mean() == doctest::Approx(150));
  CHECK(examples_of("100:0.5, 300:0.5").cut_to(300).lengths ==
        examples_of("100:0.5, 300:0.5").lengths);
}

TEST_CASE("examples: bins are read back from what they are written as, to the last digit") {
  for (const char* text : {"1", "100:0.3, 200:0.45, 777:3", "3234+-2548<=8192", "5:1, 5:2, 6:3"}) {
    const auto bins = parse_lengths(text);
    CHECK(parse_lengths(describe_lengths(bins)) == bins);
  }
}

TEST_CASE("examples: lengths that are none are refused with what is expected") {
  for (const char* text : {"", "0", "-3", "abc", "100:", "100:0", "100:-1", "100:nan", "100,,200",
                           "100:0.5 200:0.5", "5+-3", "5+-3<=4", "<=5+-3", "1e3", "999999999999"}) {
    CAPTURE(text);
    CHECK(test::input_error([&] { parse_lengths(text); }).find("expected tokens with shares") !=
          std::string::npos);
  }
}
