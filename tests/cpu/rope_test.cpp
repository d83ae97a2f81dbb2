#include "tests/cpu/matrix_isas.h"

namespace aforo::test {
namespace {

struct Shape {
  std::int64_t batch, seq_len, n_heads, n_kv_heads, head_dim, rotary_dim;
  std::int64_t rows() const { return batch * seq_len; }
  std::int64_t cols() const { return (n_heads + 2 * n_kv_heads) * head_dim; }
};
constexpr Shape shapes[] = {{1, 1, 1, 1, 2, 2},
                            {2, 5, 2, 1, 6, 4},
                            {3, 70, 3, 3, 34, 34},
                            {1, 130, 4, 2, 64, 64},
                            {2, 33, 2, 1, 80, 20}};
constexpr double theta = 10000;

Case rope(const Shape& s, bool inverse = false) {
  return {
      Rope{s.rows(), s.seq_len, s.n_heads, s.n_kv_heads, s.head_dim, s.rotary_dim, theta, inverse},
      {activation(normal(s.rows() * s.cols(), 1))},
      {activation(zeros(s.rows() * s.cols()))}};
}

Doubles reference(const Shape& s, const Doubles& x, bool inverse) {
  Doubles y = x;
  for (std::int64_t r = 0; r < s.rows(); ++r)
    for (std::int64_t head = 0; head < s.n_heads + s.n_kv_heads; ++head)
      for (std::int64_t i = 0; i < s.rotary_dim / 2; ++i) {
        const double angle =
            static_cast<double>(r % s.seq_len) *
            std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(s.rotary_dim)) *
            (inverse ? -1 : 1);
        const std::int64_t first = r * s.cols() + head * s.head_dim + i,
                           second = first + s.rotary_dim / 2;
        y[first] = x[first] * std::cos(angle) - x[second] * std::sin(angle);
        y[second] = x[second] * std::cos(angle) + x[first] * std::sin(angle);
      }
  return y;
}

/// The longest pair is below 6 standard deviations. Cosine, sine, two products and a sum round: 4
/// units of it.
constexpr double tolerance = 4 * 6 * unit_roundoff;

}  // namespace

TEST_CASE(
    "rope: pairs of q and k turn by the angle of their position, v and the other dimensions pass "
    "through") {
  for (const Isa& isa : matrix_isas<Rope>())
    for (const Shape& shape : shapes)
      for (bool inverse : {false, true})
        for (Dtype dtype : activation_types) {
          CAPTURE(std::string(isa.name));
          CAPTURE(shape.head_dim);
          CAPTURE(std::string(name_of(dtype)));
          const Case test = rope(shape, inverse);
          const Doubles expected =
              reference(shape, rounded_all(test.reads[0].values, dtype), inverse);
          check_close(
              run(isa, test, {.activations = dtype, .n_threads = 2}).writes[0], expected,
              [&](std::size_t i) { return tolerance + rounding_of(expected[i], dtype) * 1.01; });
        }
}

TEST_CASE("rope: the inverse undoes it") {
  for (const Isa& isa : matrix_isas<Rope>())
    for (const Shape& shape : shapes) {
      Case back = rope(shape, true);
      const Doubles x = back.reads[0].values;
      back.reads[0].values = run(isa, rope(shape)).writes[0];
      check_close(run(isa, back).writes[0], x, 2 * tolerance);
    }
}

TEST_CASE("rope: angles stay exact at position 100,000") {
  // 100,000 radians in fp32 are known to 0.004 only.
  Case test = rope({1, 100001, 1, 1, 2, 2});
  const std::int64_t cols = 6;
  for (const Isa& isa : matrix_isas<Rope>()) {
    const Doubles y = run(isa, test).writes[0];
    const Doubles expected = reference({1, 100001, 1, 1, 2, 2}, test.reads[0].values, false);
    check_close(row(y, 100000, cols), row(expected, 100000, cols), tolerance);
  }
}

TEST_CASE("rope: in place and apart give the same bits") { check_in_place(rope(shapes[2])); }

TEST_CASE("rope: the bits do not depend on the threads") { check_threads(rope(shapes[3])); }

}  // namespace aforo::test
