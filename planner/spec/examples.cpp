#include "planner/spec/examples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string_view>

#include "planner/base/error.h"
#include "planner/base/numbers.h"
#include "planner/base/text.h"

namespace aforo {
namespace {

constexpr int n_parts = 64;  // of a log-normal: its quantiles to 1.6 %
constexpr std::int64_t most_length = 1 << 27;

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

[[noreturn]] void refuse(const std::string& text) {
  throw InputError(
      fmt::format("lengths are {}; expected tokens with shares such as \"256:0.5, 2048:0.5\", one "
                  "length, or mean and deviation such as \"3234+-2548<=8192\"",
                  shown(text)));
}

/// A number of tokens; nothing if it is none.
std::optional<int> length_of(std::string_view text) {
  const auto value = parse_integer(trimmed(text));
  if (!value || *value < 1 || *value > most_length) return std::nullopt;
  return static_cast<int>(*value);
}

/// Bins of the lengths of a map, with shares that sum to 1.
std::vector<LengthBin> bins_of(const std::map<int, double>& shares) {
  double sum = 0;
  for (const auto& [length, share] : shares) sum += share;
  if (std::abs(sum - 1) < 1e-12) sum = 1;  // what was written is read back to the last digit
  std::vector<LengthBin> bins;
  for (const auto& [length, share] : shares) bins.push_back({length, share / sum});
  return bins;
}

/// z with Phi(z) = q, by bisection: 64 calls a job, so speed does not matter.
double normal_quantile(double q) {
  double low = -10, high = 10;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (0.5 * std::erfc(-middle / std::sqrt(2.0)) < q ? low : high) = middle;
  }
  return (low + high) / 2;
}

std::vector<LengthBin> log_normal(int mean, int deviation, int longest) {
  const double ratio = static_cast<double>(deviation) / mean;
  const double sigma = std::sqrt(std::log1p(ratio * ratio));
  const double mu = std::log(static_cast<double>(mean)) - sigma * sigma / 2;
  std::map<int, double> shares;
  for (int i = 0; i < n_parts; ++i) {
    const double length = std::exp(mu + sigma * normal_quantile((i + 0.5) / n_parts));
    shares[std::clamp(static_cast<int>(std::lround(length)), 1, longest)] += 1;
  }
  shares[longest] += 1e-9;  // the longest that is allowed does occur
  return bins_of(shares);
}

}  // namespace

int ExamplesSpec::longest() const { return lengths.empty() ? 0 : lengths.back().length; }

double ExamplesSpec::mean() const {
  double sum = 0;
  for (const LengthBin& bin : lengths) sum += bin.share * bin.length;
  return sum;
}

double ExamplesSpec::mean_by_token() const {
  double squares = 0;
  for (const LengthBin& bin : lengths)
    squares += bin.share * static_cast<double>(bin.length) * bin.length;
  return squares / mean();
}

double ExamplesSpec::expected_longest(double n) const {
  double expected = 0, below = 0, before = 0;
  for (const LengthBin& bin : lengths) {
    below = std::min(1.0, below + bin.share);
    const double all = &bin == &lengths.back() ? 1 : std::pow(below, n);
    expected += bin.length * (all - before);
    before = all;
  }
  return expected;
}

ExamplesSpec ExamplesSpec::cut_to(int seq_len) const {
  std::map<int, double> shares;
  for (const LengthBin& bin : lengths) shares[std::min(bin.length, seq_len)] += bin.share;
  ExamplesSpec cut = *this;
  if (longest() > seq_len) cut.lengths = bins_of(shares);
  return cut;
}

std::vector<LengthBin> parse_lengths(const std::string& text) {
  const std::size_t plus = text.find("+-"), limit = text.find("<=");
  if (plus != std::string::npos && limit != std::string::npos && plus < limit) {
    const std::string_view all = text;
    const auto mean = length_of(all.substr(0, plus)),
               deviation = length_of(all.substr(plus + 2, limit - plus - 2)),
               longest = length_of(all.substr(limit + 2));
    if (!mean || !deviation || !longest || *longest < *mean) refuse(text);
    return log_normal(*mean, *deviation, *longest);
  }
  std::map<int, double> shares;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    const std::string_view part = rest.substr(0, comma);
    const std::size_t colon = std::min(part.find(':'), part.size());
    const auto length = length_of(part.substr(0, colon));
    const auto share = colon == part.size() ? std::optional<double>(1)
                                            : parse_number(trimmed(part.substr(colon + 1)));
    if (!length || !share || !(*share > 0) || !std::isfinite(*share)) refuse(text);
    shares[*length] += *share;
    if (comma == rest.size()) return bins_of(shares);
    rest.remove_prefix(comma + 1);
  }
}

std::string describe_lengths(const std::vector<LengthBin>& lengths) {
  std::string out;
  for (const LengthBin& bin : lengths)
    out += fmt::format("{}{}:{}", out.empty() ? "" : ", ", bin.length, bin.share);
  return out;
}

}  // namespace aforo
