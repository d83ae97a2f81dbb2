#include "runtime/cpu/initialize.h"

#include "runtime/core/normal_numbers.h"
#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

Buffer buffer(std::int64_t n, Dtype dtype, Init init) {
  Buffer b{"b", {1, n}, dtype, Role::weight, init, true};
  return b;
}

std::vector<std::byte> first_contents(const Buffer& b, std::uint64_t seed, int n_threads) {
  std::vector<std::byte> bytes(b.bytes().value, std::byte{0xff});
  cpu::initialize_buffer(b, seed, bytes.data(), n_threads);
  return bytes;
}

Doubles values(const Buffer& b, const std::vector<std::byte>& bytes) {
  Doubles result(b.shape.numel());
  for (std::size_t i = 0; i < result.size(); ++i)
    result[i] = decode(bytes.data() + i * size_of(b.dtype), b.dtype);
  return result;
}

}  // namespace

TEST_CASE("philox: the published test vectors come out") {
  // Random123, tests/kat_vectors, "philox4x32 10".
  using Words = std::array<std::uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  constexpr std::uint32_t ones = 0xffffffff;
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE(
    "initialize: normal numbers have the mean, deviation and tails of a normal distribution") {
  const std::int64_t n = 1 << 20;
  const Buffer b = buffer(n, Dtype::fp32, {InitKind::normal, 0.02f, 7});
  double sum = 0, squares = 0, n_tail = 0;
  for (double x : values(b, first_contents(b, 1, 2))) {
    sum += x / 0.02;
    squares += x / 0.02 * (x / 0.02);
    n_tail += std::fabs(x) > 2 * 0.02;
  }
  // Five standard errors: of the mean 1 / sqrt(n), of the mean square sqrt(2 / n), of a share p
  // sqrt(p (1 - p) / n).
  CHECK(std::fabs(sum / n) < 5 / std::sqrt(n));
  CHECK(std::fabs(squares / n - 1) < 5 * std::sqrt(2.0 / n));
  CHECK(std::fabs(n_tail / n - 0.0455) < 5 * std::sqrt(0.0455 * 0.9545 / n));
}

TEST_CASE(
    "initialize: a number is that of its seed, stream and element, whatever the size and the "
    "threads") {
  for (Dtype dtype : {Dtype::fp32, Dtype::bf16, Dtype::fp16}) {
    const Buffer b = buffer(10007, dtype, {InitKind::normal, 0.5f, 3});
    const auto one = first_contents(b, 42, 1);
    for (int n_threads : {2, 3, 5}) CHECK(first_contents(b, 42, n_threads) == one);
    const Doubles x = values(b, one);
    for (std::int64_t i : {0, 1, 2, 3, 4, 5000, 10006})
      CHECK(x[i] == rounded(static_cast<float>(0.5 * normal_number(42, 3, i)), dtype));
  }
}

TEST_CASE("initialize: another seed, stream or element is another number") {
  const double x = normal_number(1, 2, 3);
  CHECK(x != normal_number(2, 2, 3));
  CHECK(x != normal_number(std::uint64_t{1} << 32 | 1, 2, 3));
  CHECK(x != normal_number(1, 3, 3));
  CHECK(x != normal_number(1, 2, 2));
  CHECK(x != normal_number(1, 2, 3 + (std::uint64_t{1} << 34)));
}

TEST_CASE("initialize: constants, ones and zeros fill every type") {
  for (Dtype dtype : {Dtype::fp64, Dtype::fp32, Dtype::bf16, Dtype::fp16, Dtype::int32}) {
    CAPTURE(std::string(name_of(dtype)));
    const auto filled = [&](InitKind kind) {
      const Buffer b = buffer(37, dtype, {kind, 3.0f});
      return values(b, first_contents(b, 1, 2));
    };
    CHECK(filled(InitKind::constant) == Doubles(37, 3.0));
    CHECK(filled(InitKind::ones) == Doubles(37, 1.0));
    CHECK(filled(InitKind::zeros) == Doubles(37, 0.0));
    CHECK(filled(InitKind::none) == Doubles(37, 0.0));
  }
}

}  // namespace aforo::test
