#include "runtime/core/data.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "planner/base/error.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

/// Bytes 0, 1 ... 255, 0, 1 ...: a token tells its place modulo 256.
std::string counting(std::size_t n) {
  std::string text(n, '\0');
  for (std::size_t i = 0; i < n; ++i) text[i] = static_cast<char>(i % 256);
  return text;
}

TokenFileOptions options(const std::string& path, std::int64_t seq_len = 8) {
  return {path, 1, seq_len, 256, 0.1};
}

std::string error_of(const TokenFileOptions& options) {
  return message_of<InputError>([&] { TokenFile file(options); });
}

}  // namespace

TEST_CASE("data: the targets are the tokens one further") {
  const TemporaryFolder folder;
  const TokenFile file(options(folder.write("text", counting(1000))));
  const Batch batch = file.training_batch(1, 0, 0, 20);
  REQUIRE(batch.tokens.size() == 20 * 8);
  for (std::size_t i = 0; i < batch.tokens.size(); ++i)
    CHECK(batch.targets[i] == (batch.tokens[i] + 1) % 256);
}

TEST_CASE("data: a step has the same sequences under every micro-batch size") {
  const TemporaryFolder folder;
  const TokenFile file(options(folder.write("text", counting(1000))));
  const Batch whole = file.training_batch(7, 3, 0, 12);
  for (const std::int64_t micro_batch : {1, 2, 3, 4, 6}) {
    Batch parts;
    for (std::int64_t first = 0; first < 12; first += micro_batch) {
      const Batch part = file.training_batch(7, 3, first, micro_batch);
      parts.tokens.insert(parts.tokens.end(), part.tokens.begin(), part.tokens.end());
      parts.targets.insert(parts.targets.end(), part.targets.begin(), part.targets.end());
    }
    CHECK(parts.tokens == whole.tokens);
    CHECK(parts.targets == whole.targets);
  }
}

TEST_CASE("data: another seed, step or sequence gives other tokens, the same ones the same") {
  const TemporaryFolder folder;
  const TokenFile file(options(folder.write("text", counting(100000))));
  const std::vector<std::int32_t> tokens = file.training_batch(1, 2, 3, 4).tokens;
  CHECK(file.training_batch(1, 2, 3, 4).tokens == tokens);
  CHECK(file.training_batch(2, 2, 3, 4).tokens != tokens);
  CHECK(file.training_batch(1, 3, 3, 4).tokens != tokens);
  CHECK(file.training_batch(1, 2, 4, 4).tokens != tokens);
}

TEST_CASE("data: training never reads the last part, and reads the first part to its end") {
  const TemporaryFolder folder;
  // 180 training tokens of value 0 except the first and the last, then 20 of value 9.
  std::string text(200, '\0');
  text[0] = 1;
  text[179] = 2;
  for (std::size_t i = 180; i < 200; ++i) text[i] = 9;
  const TokenFile file(options(folder.write("text", text)));
  CHECK(file.n_training_tokens() == 180);
  CHECK(file.n_validation_tokens() == 20);
  const Batch batch = file.training_batch(1, 0, 0, 5000);
  // Each end is missed with probability (171/172)^5000 = 2e-13.
  CHECK(std::count(batch.tokens.begin(), batch.tokens.end(), 1) > 0);
  CHECK(std::count(batch.targets.begin(), batch.targets.end(), 2) > 0);
  CHECK(std::count(batch.targets.begin(), batch.targets.end(), 9) == 0);
}

TEST_CASE("data: windows begin uniformly over the training part") {
  const TemporaryFolder folder;
  TokenFileOptions opts = options(folder.write("text", counting(256)), 1);
  opts.validation_fraction = 0;
  const TokenFile file(opts);
  std::array<int, 5> bins{};  // 255 starts, 51 to a bin
  const int n = 20000;
  for (int step = 0; step < n; ++step) ++bins[file.training_batch(1, step, 0, 1).tokens[0] / 51];
  // Binomial with p = 1/5: standard deviation 56.6; five of them miss once in 10^6.
  for (const int count : bins) CHECK(std::abs(count - n / 5) < 283);
}

TEST_CASE("data: validation windows are spaced evenly, the same at every call and in every part") {
  const TemporaryFolder folder;
  const TokenFile file(options(folder.write("text", counting(2000))));
  const Batch all = file.validation_batch(0, 6, 6);
  std::vector<std::int32_t> parts;
  for (std::int64_t first = 0; first < 6; first += 2) {
    const Batch part = file.validation_batch(first, 2, 6);
    parts.insert(parts.end(), part.tokens.begin(), part.tokens.end());
  }
  CHECK(parts == all.tokens);
  // The part is [1800, 2000), 192 starts: 32 between two windows.
  for (int window = 0; window < 6; ++window)
    CHECK(all.tokens[window * 8] == (1800 + 32 * window) % 256);
}

TEST_CASE("data: more validation windows than places stay within the file") {
  const TemporaryFolder folder;
  const TokenFile file(options(folder.write("text", counting(100))));  // 10 validation tokens
  const Batch batch = file.validation_batch(0, 50, 50);
  CHECK(batch.tokens.front() == 90);
  CHECK(batch.targets.back() == 99);
}

TEST_CASE("data: uint16 tokens are little-endian") {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 40; ++i) text += {static_cast<char>(i), static_cast<char>(1)};
  TokenFileOptions opts = options(folder.write("text", text), 4);
  opts.bytes_per_token = 2;
  opts.vocab_size = 300;
  opts.validation_fraction = 0.5;
  CHECK(TokenFile(opts).validation_batch(0, 1, 1).tokens ==
        std::vector<std::int32_t>{276, 277, 278, 279});
}

TEST_CASE("data: a file that is missing, a folder, a pipe or empty is refused by name") {
  const TemporaryFolder folder;
  const std::string missing = (folder.path() / "no").string();
  CHECK(contains(error_of(options(missing)), missing + ": cannot be opened: No such file"));
  CHECK(contains(error_of(options(folder.path().string())), "is no regular file"));
  const std::string pipe = (folder.path() / "pipe").string();
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(contains(error_of(options(pipe)), "is no regular file"));
  CHECK(contains(error_of(options(folder.write("text", ""))), "text: is empty"));
}

TEST_CASE("data: either part shorter than a window is refused with both lengths") {
  const TemporaryFolder folder;
  const std::string path = folder.write("text", counting(80));
  CHECK(error_of(options(path)) ==
        path +
            ": its validation part has 8 of 80 tokens (validation_fraction 0.1), but seq_len 8 "
            "needs 9; use a longer file, a shorter seq_len or another validation_fraction");
  CHECK(contains(error_of(options(path, 72)), "its training part has 72 of 80 tokens"));
  CHECK(error_of(options(path, 7)) == "");
}

TEST_CASE("data: half a uint16 token at the end is refused") {
  const TemporaryFolder folder;
  TokenFileOptions opts = options(folder.write("text", counting(801)));
  opts.bytes_per_token = 2;
  CHECK(contains(error_of(opts), "has 801 bytes, which is no whole number of uint16 tokens"));
}

TEST_CASE("data: a validation_fraction outside [0, 1) is refused") {
  const TemporaryFolder folder;
  TokenFileOptions opts = options(folder.write("text", counting(100)));
  for (const double fraction : {-0.1, 1.0, std::nan("")}) {
    opts.validation_fraction = fraction;
    CHECK(contains(error_of(opts), "expected 0 or more, and below 1"));
  }
}

TEST_CASE("data: a token outside the vocabulary is refused with its place and both values") {
  const TemporaryFolder folder;
  std::string text(100, 'a');  // 97
  text[95] = 'z';              // 122, in the validation part
  TokenFileOptions opts = options(folder.write("text", text));
  opts.vocab_size = 98;
  const TokenFile file(opts);
  CHECK_NOTHROW(file.training_batch(1, 0, 0, 50));
  CHECK(contains(message_of<InputError>([&] { file.validation_batch(0, 1, 1); }),
                 "text: token 122 at byte 95 is outside the vocabulary (vocab_size 98)"));
}

TEST_CASE("data: a file that shrinks while it is used is an error, not a crash") {
  const TemporaryFolder folder;
  const std::string path = folder.write("text", counting(100000));
  const TokenFile file(options(path));
  std::filesystem::resize_file(path, 10);
  CHECK(contains(message_of<InputError>([&] { file.validation_batch(0, 1, 1); }),
                 "but had 100000 bytes when it was opened"));
}
