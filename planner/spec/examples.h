#pragma once
// Training data as examples of different lengths instead of a stream of tokens: how many, how long,
// how often, and how they become sequences.

#include <cstdint>
#include <string>
#include <vector>

namespace aforo {

/// packing  examples fill sequences of seq_len one after the other; they do not attend to each
///          other, and what does not fit goes on in the next sequence
/// padding  a sequence holds one example and is filled up to the longest of its batch
enum class Batching { packing, padding };

/// A share of the examples has this many tokens.
struct LengthBin {
  int length = 0;
  double share = 0;
  bool operator==(const LengthBin&) const = default;
};

struct ExamplesSpec {
  std::int64_t n_examples = 0;  ///< of one epoch; 0: the job counts tokens
  double epochs = 1;
  Batching batching = Batching::packing;
  std::vector<LengthBin> lengths;  ///< ascending, shares that sum to 1

  bool given() const { return n_examples > 0; }
  bool padded() const { return given() && batching == Batching::padding; }

  int longest() const;
  double mean() const;
  /// Tokens that share an example with a token, on average: sum l^2 / sum l. Attention of packed
  /// sequences costs as much as in sequences of this length.
  double mean_by_token() const;
  /// Expected longest of `n` examples drawn at random:
  ///
  ///   sum_i l_i (F_i^n - F_{i-1}^n)     F_i the share of examples of at most l_i tokens
  double expected_longest(double n) const;
  /// With examples cut to `seq_len` tokens.
  ExamplesSpec cut_to(int seq_len) const;

  bool operator==(const ExamplesSpec&) const = default;
};

/// Reads "256:0.5, 512:0.3, 2048:0.2" (tokens and shares, which are scaled to sum to 1), "512" (all
/// alike), or "3234+-2548<=8192": a log-normal of that mean and standard deviation in 64 equal
/// parts, cut at the last number. Throws InputError.
std::vector<LengthBin> parse_lengths(const std::string& text);

/// What parse_lengths reads back as the same bins, to the last digit.
std::string describe_lengths(const std::vector<LengthBin>& lengths);

}  // namespace aforo
