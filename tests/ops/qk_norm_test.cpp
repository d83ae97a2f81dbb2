#include "tests/ops/claims.h"

namespace aforo::test {
namespace {

constexpr double epsilon = 1e-5f;

struct Shape {
  std::int64_t rows, n_heads, n_kv_heads, head_dim;
  bool per_head;

  std::int64_t q_size() const { return n_heads * head_dim; }
  std::int64_t kv_size() const { return n_kv_heads * head_dim; }
  std::int64_t row_size() const { return q_size() + 2 * kv_size(); }
  std::int64_t q_weight() const { return per_head ? head_dim : q_size(); }
  std::int64_t k_weight() const { return per_head ? head_dim : kv_size(); }
  std::int64_t norms() const { return per_head ? n_heads + n_kv_heads : 2; }
};

/// Elements [begin, begin + size) of a row are normalised together with these weights.
struct Segment {
  std::int64_t begin, size;
  bool is_q;
};
std::vector<Segment> segments_of(const Shape& s) {
  if (!s.per_head) return {{0, s.q_size(), true}, {s.q_size(), s.kv_size(), false}};
  std::vector<Segment> segments;
  for (std::int64_t h = 0; h < s.n_heads + s.n_kv_heads; ++h)
    segments.push_back({h * s.head_dim, s.head_dim, h < s.n_heads});
  return segments;
}

double rstd_of(const Doubles& x, const Segment& segment) {
  double square = 0;
  for (std::int64_t i = 0; i < segment.size; ++i)
    square += x[segment.begin + i] * x[segment.begin + i];
  return 1 / std::sqrt(square / static_cast<double>(segment.size) + epsilon);
}

/// One row, in fp64.
Doubles reference(const Shape& s, const Doubles& x, const Doubles& q_weight,
                  const Doubles& k_weight) {
  Doubles y = x;
  for (const Segment& segment : segments_of(s)) {
    const double rstd = rstd_of(x, segment);
    for (std::int64_t i = 0; i < segment.size; ++i)
      y[segment.begin + i] *= rstd * (segment.is_q ? q_weight : k_weight)[i];
  }
  return y;
}

Case forward(const Shape& s) {
  return {
      QkNorm{s.rows, s.n_heads, s.n_kv_heads, s.head_dim, static_cast<float>(epsilon), s.per_head},
      {activation(normal(s.rows * s.row_size(), 1)), fp32(normal(s.q_weight(), 2, 0.3, 1)),
       fp32(normal(s.k_weight(), 3, 0.3, 1))},
      {activation(zeros(s.rows * s.row_size())), fp32(zeros(s.rows * s.norms()))}};
}

Case backward(const Shape& s, bool accumulate = false) {
  const Case from = forward(s);
  Doubles rstd;
  for (std::int64_t r = 0; r < s.rows; ++r)
    for (const Segment& segment : segments_of(s))
      rstd.push_back(rstd_of(row(from.reads[0].values, r, s.row_size()), segment));
  Case test{QkNormBackward{s.rows, s.n_heads, s.n_kv_heads, s.head_dim, s.per_head, accumulate},
            {activation(normal(s.rows * s.row_size(), 4)), from.reads[0], fp32(rstd), from.reads[1],
             from.reads[2]},
            {activation(zeros(s.rows * s.row_size())), fp32(normal(s.q_weight(), 5)),
             fp32(normal(s.k_weight(), 6))}};
  if (accumulate) {
    test.reads.insert(test.reads.end(), {test.writes[1], test.writes[2]});
    test.shared = {{5, 1}, {6, 2}};
  }
  return test;
}

template <typename Check>
void for_all(std::int64_t rows, Check check) {
  for (std::int64_t head_dim : {1, 3, 17, 33, 64})
    for (bool per_head : {true, false})
      for (std::int64_t n_kv_heads : {1, 2}) {
        CAPTURE(head_dim);
        CAPTURE(per_head);
        CAPTURE(n_kv_heads);
        check(Shape{rows, 4, n_kv_heads, head_dim, per_head});
      }
}

/// Largest of all rstd: what a rounding of x is multiplied by.
double largest_rstd(const Case& backward) {
  double largest = 1;
  for (double rstd : backward.reads[2].values) largest = std::fmax(largest, rstd);
  return largest;
}

TEST_CASE("qk_norm: q and k equal the definition in fp64, v passes through") {
  for_all(3, [](const Shape& s) {
    const Case test = forward(s), back = backward(s);
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      const Outcome outcome = run(isa, test);
      for (std::int64_t r = 0; r < s.rows; ++r) {
        const Doubles x = row(test.reads[0].values, r, s.row_size());
        // A lane adds at most 256 / 16 = 16 squares (4 lanes, 4 chains), then 4 levels: 20
        // roundings, halved by the root; 5 more follow. y is below 16 (the root of 256) times
        // weights below 2.
        check_close(row(outcome.writes[0], r, s.row_size()),
                    reference(s, x, test.reads[1].values, test.reads[2].values),
                    [&](std::size_t i) {
                      return (10 + 5) * unit_roundoff *
                             (i < static_cast<std::size_t>(s.q_size() + s.kv_size()) ? 32 : 0);
                    });
      }
      check_close(outcome.writes[1], back.reads[2].values,
                  [&](std::size_t i) { return 15 * unit_roundoff * back.reads[2].values[i]; });
    }
  });
}

TEST_CASE("qk_norm_backward: dqkv equals finite differences") {
  for_all(1, [](const Shape& s) {
    const Case test = backward(s);
    const Doubles expected = numeric_gradient(
        [&](const Doubles& v) {
          return dot(test.reads[0].values,
                     reference(s, v, test.reads[3].values, test.reads[4].values));
        },
        test.reads[1].values);
    const double rstd = largest_rstd(test);
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      // rstd times the difference of two terms below 8, each with some 25 roundings; the
      // differences' own error is of order h^2 f''' = 1e-10 rstd^3 and 1e-9 for the rounding of a
      // sum of some 400 terms.
      check_close(run(isa, test).writes[0], expected,
                  2 * 8 * 25 * unit_roundoff * rstd + 1e-9 + 1e-10 * rstd * rstd * rstd);
    }
  });
}

TEST_CASE("qk_norm_backward: weight gradients equal finite differences") {
  for_all(2, [](const Shape& s) {
    const Case test = backward(s);
    const auto loss = [&](const Doubles& q_weight, const Doubles& k_weight) {
      double sum = 0;
      for (std::int64_t r = 0; r < s.rows; ++r)
        sum += dot(row(test.reads[0].values, r, s.row_size()),
                   reference(s, row(test.reads[1].values, r, s.row_size()), q_weight, k_weight));
      return sum;
    };
    const Doubles &q = test.reads[3].values, &k = test.reads[4].values;
    const Doubles dq = numeric_gradient([&](const Doubles& v) { return loss(v, k); }, q);
    const Doubles dk = numeric_gradient([&](const Doubles& v) { return loss(q, v); }, k);
    for (const Isa& isa : available_isas()) {
      CAPTURE(isa.name);
      const Outcome outcome = run(isa, test);
      // 2 rows of 4 heads: 8 terms below 4 * 8, 12 roundings in all; the loss is linear, 1e-8
      // covers its rounding.
      check_close(outcome.writes[1], dq, 12 * 8 * 32 * unit_roundoff + 1e-8);
      check_close(outcome.writes[2], dk, 12 * 8 * 32 * unit_roundoff + 1e-8);
    }
  });
}

TEST_CASE("qk_norm_backward: weight gradients are added to what is there") {
  for_all(40, [](const Shape& s) {
    const Case fresh = backward(s), added = backward(s, true);
    for (const Isa& isa : available_isas()) {
      const Outcome a = run(isa, fresh), b = run(isa, added);
      CHECK(a.bytes[0] == b.bytes[0]);
      for (int w : {1, 2}) {
        Doubles expected = a.writes[w];
        for (std::size_t i = 0; i < expected.size(); ++i)
          expected[i] = rounded(expected[i] + fresh.writes[w].values[i], Dtype::fp32);
        CHECK(b.writes[w] == expected);
      }
    }
  });
}

TEST_CASE("qk_norm: bf16 and fp16 are within 1 ulp of fp32") {
  for_all(3, [](const Shape& s) { check_16_bit(forward(s)); });
}

TEST_CASE("qk_norm_backward: bf16 and fp16 are within 1 ulp of fp32") {
  for_all(19, [](const Shape& s) { check_16_bit(backward(s)); });
}

TEST_CASE("qk_norm: the number of threads does not change a bit") {
  for (bool per_head : {true, false}) check_threads(forward({501, 4, 2, 33, per_head}));
}

TEST_CASE("qk_norm_backward: the number of threads does not change a bit") {
  for (bool per_head : {true, false}) {
    check_threads(backward({501, 4, 2, 33, per_head}));
    check_threads(backward({501, 4, 2, 33, per_head}, true));
  }
}

TEST_CASE("qk_norm: in place equals out of place") {
  for (bool per_head : {true, false}) check_in_place(forward({5, 4, 2, 33, per_head}));
}

TEST_CASE("qk_norm_backward: in place equals out of place") {
  for (bool per_head : {true, false}) check_in_place(backward({40, 4, 2, 33, per_head}));
}

}  // namespace
}  // namespace aforo::test
