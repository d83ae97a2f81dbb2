#include "runtime/core/data.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "planner/base/error.h"

namespace aforo {
namespace {

/// One round of SplitMix64 (Steele, Lea, Flood 2014): a bijection that spreads every input bit.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

std::uint64_t random_word(std::uint64_t seed, std::int64_t step, std::int64_t sequence) {
  const std::uint64_t a = mix(seed), b = mix(a ^ static_cast<std::uint64_t>(step));
  return mix(b ^ static_cast<std::uint64_t>(sequence));
}

/// Maps a random word to [0, n): the high half of word * n. Its bias, below n / 2^64, is of no
/// consequence.
std::int64_t scale_to(std::uint64_t word, std::int64_t n) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::int64_t>((static_cast<Wide>(word) * static_cast<Wide>(n)) >> 64);
}

/// Fills `bytes` from `offset`; returns how many there were before the file ended. Throws
/// InputError if reading fails.
std::size_t read_at(int file, const std::string& path, std::int64_t offset,
                    std::vector<unsigned char>& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = pread(file, bytes.data() + done, bytes.size() - done,
                            static_cast<off_t>(offset + static_cast<std::int64_t>(done)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      throw InputError(fmt::format("{}: cannot be read at byte {}: {}; check the file and its disk",
                                   path, offset, std::strerror(errno)));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

}  // namespace

TokenFile::TokenFile(TokenFileOptions options) : options_(std::move(options)) {
  if (options_.bytes_per_token != 1 && options_.bytes_per_token != 2)
    throw InternalError(
        fmt::format("bytes_per_token is {}, expected 1 or 2", options_.bytes_per_token));
  if (!(options_.validation_fraction >= 0 && options_.validation_fraction < 1))
    throw InputError(fmt::format("{}: validation_fraction is {}; expected 0 or more, and below 1",
                                 options_.path, options_.validation_fraction));
  open_file();
  try {
    split();
  } catch (...) {
    close(file_);
    throw;
  }
}

TokenFile::~TokenFile() { close(file_); }

void TokenFile::open_file() {
  // O_NONBLOCK: opening a named pipe must fail below, not wait for a writer.
  file_ = open(options_.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file_ < 0)
    throw InputError(fmt::format("{}: cannot be opened: {}; name a file of text or tokens",
                                 options_.path, std::strerror(errno)));
}

void TokenFile::split() {
  struct stat status;
  if (fstat(file_, &status) != 0)
    throw InputError(
        fmt::format("{}: cannot be examined: {}", options_.path, std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    throw InputError(
        fmt::format("{}: is no regular file; name a file of text or tokens", options_.path));
  const std::int64_t size = status.st_size, width = options_.bytes_per_token;
  if (size == 0) throw InputError(fmt::format("{}: is empty; expected tokens", options_.path));
  if (size % width != 0)
    throw InputError(fmt::format(
        "{}: has {} bytes, which is no whole number of uint16 tokens; if it is plain text, set its "
        "format to bytes",
        options_.path, size));
  n_tokens_ = size / width;
  const auto n_validation = static_cast<std::int64_t>(
      std::floor(static_cast<double>(n_tokens_) * options_.validation_fraction));
  n_training_ = n_tokens_ - n_validation;
  const std::int64_t window = options_.seq_len + 1;
  const auto check = [&](const char* part, std::int64_t n) {
    if (n < window)
      throw InputError(fmt::format(
          "{}: its {} part has {} of {} tokens (validation_fraction {}), but seq_len {} needs {}; "
          "use a longer file, a shorter seq_len or another validation_fraction",
          options_.path, part, n, n_tokens_, options_.validation_fraction, options_.seq_len,
          window));
  };
  check("training", n_training_);
  if (options_.validation_fraction > 0) check("validation", n_validation);
}

Batch TokenFile::training_batch(std::uint64_t seed, std::int64_t step, std::int64_t first,
                                std::int64_t n) const {
  const std::int64_t n_starts = n_training_ - options_.seq_len;
  Batch batch;
  for (std::int64_t sequence = first; sequence < first + n; ++sequence)
    append_window(scale_to(random_word(seed, step, sequence), n_starts), batch);
  return batch;
}

Batch TokenFile::validation_batch(std::int64_t first, std::int64_t n,
                                  std::int64_t n_windows) const {
  if (!has_validation()) throw InternalError("validation was asked of a file without such a part");
  const double n_starts = static_cast<double>(n_validation_tokens() - options_.seq_len);
  Batch batch;
  for (std::int64_t window = first; window < first + n; ++window) {
    const double share = static_cast<double>(window) / static_cast<double>(n_windows);
    append_window(n_training_ + static_cast<std::int64_t>(share * n_starts), batch);
  }
  return batch;
}

void TokenFile::append_window(std::int64_t start, Batch& batch) const {
  const std::int64_t width = options_.bytes_per_token, offset = start * width;
  std::vector<unsigned char> bytes(static_cast<std::size_t>((options_.seq_len + 1) * width));
  const std::size_t n_read = read_at(file_, options_.path, offset, bytes);
  if (n_read < bytes.size())
    throw InputError(fmt::format(
        "{}: ends at byte {}, but had {} bytes when it was opened; leave the file alone while it "
        "is trained on",
        options_.path, offset + static_cast<std::int64_t>(n_read), n_tokens_ * width));
  const auto token_at = [&](std::int64_t i) -> std::int32_t {
    const std::int32_t token = width == 1 ? bytes[i] : bytes[2 * i] | bytes[2 * i + 1] << 8;
    if (token >= options_.vocab_size)
      throw InputError(fmt::format(
          "{}: token {} at byte {} is outside the vocabulary (vocab_size {}); use the model that "
          "the file was made for, or set the file's format",
          options_.path, token, offset + i * width, options_.vocab_size));
    return token;
  };
  for (std::int64_t i = 0; i < options_.seq_len; ++i) {
    batch.tokens.push_back(token_at(i));
    batch.targets.push_back(token_at(i + 1));
  }
}

}  // namespace aforo
