#pragma once
// Text to train on: a file of tokens, its last part kept for validation.

#include <cstdint>
#include <string>
#include <vector>

namespace aforo {

struct TokenFileOptions {
  std::string path;
  int bytes_per_token =
      1;  ///< 1: every byte is a token; 2: little-endian uint16, as nanoGPT writes
  std::int64_t seq_len = 0;
  std::int64_t vocab_size = 0;       ///< tokens must be below it
  double validation_fraction = 0.1;  ///< the last part, never trained on; 0: there is none
};

/// Some sequences of seq_len tokens, row after row, and for each token the one that follows it.
struct Batch {
  std::vector<std::int32_t> tokens;
  std::vector<std::int32_t> targets;
};

/// An open file of tokens. It is read window by window, not mapped: a file that shrinks while it is
/// trained on is then an error with a message and not a SIGBUS, and its pages do not count as
/// memory of the process.
class TokenFile {
 public:
  /// Throws InputError if the file cannot be read, is empty, has half a token at its end, or if
  /// either part is shorter than one window of seq_len + 1 tokens.
  explicit TokenFile(TokenFileOptions options);
  ~TokenFile();
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  std::int64_t n_training_tokens() const { return n_training_; }
  std::int64_t n_validation_tokens() const { return n_tokens_ - n_training_; }
  bool has_validation() const { return n_validation_tokens() > 0; }
  std::int64_t seq_len() const { return options_.seq_len; }

  /// Sequences first, first + 1 ... first + n - 1 of a step, counted over the whole batch of the
  /// step. Where each begins is a hash of (seed, step, its number): uniform over the training part,
  /// with repetition, and the same under every micro-batch size.
  /// Throws InputError if a token is outside the vocabulary or the file has shrunk.
  Batch training_batch(std::uint64_t seed, std::int64_t step, std::int64_t first,
                       std::int64_t n) const;

  /// Windows first ... first + n - 1 of n_windows that lie evenly spaced over the validation part,
  /// the same at every call. Throws as training_batch, and InternalError without a validation part.
  Batch validation_batch(std::int64_t first, std::int64_t n, std::int64_t n_windows) const;

 private:
  void open_file();
  void split();
  void append_window(std::int64_t start, Batch& batch) const;

  TokenFileOptions options_;
  int file_ = -1;
  std::int64_t n_tokens_ = 0;
  std::int64_t n_training_ = 0;
};

}  // namespace aforo
