// Attention and its gradient against the sums of its header in fp64.

#include "tests/cpu/matrix_isas.h"

namespace aforo::test {
namespace {

struct Shape {
  std::int64_t batch, seq_len, n_heads, n_kv_heads, head_dim, window;
  bool alibi;

  std::int64_t rows() const { return batch * seq_len; }
  std::int64_t qkv_cols() const { return (n_heads + 2 * n_kv_heads) * head_dim; }
  std::int64_t out_cols() const { return n_heads * head_dim; }
  float scale() const { return static_cast<float>(1 / std::sqrt(static_cast<double>(head_dim))); }
};

// One token; less than a tile; tails of every tile; several key blocks of 96; windows below a tile,
// across tiles and across blocks; grouped heads; ALiBi with a number of heads that is no power of
// two.
constexpr Shape small_shapes[] = {{1, 1, 1, 1, 1, 0, false},
                                  {2, 5, 2, 1, 3, 0, false},
                                  {1, 33, 3, 1, 5, 7, true},
                                  {1, 21, 2, 2, 4, 1, false}};
constexpr Shape large_shapes[] = {{1, 130, 2, 2, 33, 0, false},
                                  {2, 100, 6, 3, 64, 17, true},
                                  {1, 260, 4, 1, 40, 100, false},
                                  {1, 300, 3, 3, 16, 40, true},
                                  {1, 97, 1, 1, 128, 0, true}};

std::vector<Shape> all_shapes() {
  std::vector<Shape> shapes(std::begin(small_shapes), std::end(small_shapes));
  shapes.insert(shapes.end(), std::begin(large_shapes), std::end(large_shapes));
  return shapes;
}

/// The slopes as the paper's authors publish them: recursion over powers of two.
Doubles slopes(std::int64_t n_heads) {
  Doubles result;
  std::int64_t power = 1;
  while (2 * power <= n_heads) power *= 2;
  for (std::int64_t i = 1; i <= power; ++i)
    result.push_back(std::pow(2, -8.0 * static_cast<double>(i) / static_cast<double>(power)));
  if (power == n_heads) return result;
  const Doubles next = slopes(2 * power);
  for (std::int64_t i = 0; power + i < n_heads; ++i) result.push_back(next[2 * i]);
  return result;
}

/// One (sequence, query head): where its numbers lie, and its probabilities.
class Head {
 public:
  Head(const Shape& s, const Doubles& qkv, std::int64_t b, std::int64_t head)
      : s_(s), b_(b), head_(head), slope_(s.alibi ? slopes(s.n_heads)[head] : 0) {
    for (std::int64_t t = 0; t < s.seq_len; ++t) add_query(qkv, t);
  }

  std::int64_t q(std::int64_t t) const { return at(t, head_); }
  std::int64_t k(std::int64_t t) const { return at(t, s_.n_heads + kv_head()); }
  std::int64_t v(std::int64_t t) const { return at(t, s_.n_heads + s_.n_kv_heads + kv_head()); }
  std::int64_t out(std::int64_t t) const {
    return (b_ * s_.seq_len + t) * s_.out_cols() + head_ * s_.head_dim;
  }
  std::int64_t first_key(std::int64_t t) const {
    return s_.window > 0 ? std::max<std::int64_t>(0, t - s_.window + 1) : 0;
  }

  std::vector<Doubles> p;  ///< [query][key - first_key]
  Doubles lse;

 private:
  std::int64_t kv_head() const { return head_ / (s_.n_heads / s_.n_kv_heads); }
  std::int64_t at(std::int64_t t, std::int64_t head) const {
    return (b_ * s_.seq_len + t) * s_.qkv_cols() + head * s_.head_dim;
  }

  void add_query(const Doubles& qkv, std::int64_t t) {
    Doubles row;
    double largest = -INFINITY, sum = 0;
    for (std::int64_t j = first_key(t); j <= t; ++j) {
      double score = slope_ * static_cast<double>(j - t);
      for (std::int64_t e = 0; e < s_.head_dim; ++e)
        score += s_.scale() * qkv[q(t) + e] * qkv[k(j) + e];
      row.push_back(score);
      largest = std::max(largest, score);
    }
    for (double& x : row) sum += x = std::exp(x - largest);
    for (double& x : row) x /= sum;
    p.push_back(row);
    lse.push_back(largest + std::log(sum));
  }

  Shape s_;
  std::int64_t b_, head_;
  double slope_;
};

template <typename F>
void for_all_heads(const Shape& s, const Doubles& qkv, F f) {
  for (std::int64_t b = 0; b < s.batch; ++b)
    for (std::int64_t head = 0; head < s.n_heads; ++head) f(Head(s, qkv, b, head));
}

struct Forward {
  Doubles out, lse;
};

Forward forward(const Shape& s, const Doubles& qkv) {
  Forward result{zeros(s.rows() * s.out_cols()), {}};
  for_all_heads(s, qkv, [&](const Head& head) {
    for (std::int64_t t = 0; t < s.seq_len; ++t)
      for (std::int64_t j = head.first_key(t); j <= t; ++j)
        for (std::int64_t e = 0; e < s.head_dim; ++e)
          result.out[head.out(t) + e] += head.p[t][j - head.first_key(t)] * qkv[head.v(j) + e];
    result.lse.insert(result.lse.end(), head.lse.begin(), head.lse.end());
  });
  return result;
}

/// dqkv; `out` is what the forward pass saved, with its rounding.
Doubles backward(const Shape& s, const Doubles& dout, const Doubles& qkv, const Doubles& out) {
  Doubles dqkv = zeros(s.rows() * s.qkv_cols());
  for_all_heads(s, qkv, [&](const Head& head) {
    for (std::int64_t t = 0; t < s.seq_len; ++t)
      for (std::int64_t j = head.first_key(t); j <= t; ++j) {
        const double p = head.p[t][j - head.first_key(t)];
        double ds = 0;
        for (std::int64_t e = 0; e < s.head_dim; ++e) {
          const double d = dout[head.out(t) + e];
          ds += p * d * (qkv[head.v(j) + e] - out[head.out(t) + e]);
          dqkv[head.v(j) + e] += p * d;
        }
        for (std::int64_t e = 0; e < s.head_dim; ++e) {
          dqkv[head.q(t) + e] += s.scale() * ds * qkv[head.k(j) + e];
          dqkv[head.k(j) + e] += s.scale() * ds * qkv[head.q(t) + e];
        }
      }
  });
  return dqkv;
}

Case forward_case(const Shape& s) {
  return {
      Attention{s.batch, s.seq_len, s.n_heads, s.n_kv_heads, s.head_dim, s.window, s.scale(),
                s.alibi},
      {activation(normal(s.rows() * s.qkv_cols(), 1))},
      {activation(zeros(s.rows() * s.out_cols())), fp32(zeros(s.batch * s.n_heads * s.seq_len))}};
}

Case backward_case(const Shape& s, Dtype dtype) {
  const Doubles qkv = rounded_all(forward_case(s).reads[0].values, dtype);
  const Forward saved = forward(s, qkv);
  Doubles lse = saved.lse;
  for (double& x : lse) x = static_cast<float>(x);
  return {AttentionBackward{s.batch, s.seq_len, s.n_heads, s.n_kv_heads, s.head_dim, s.window,
                            s.scale(), s.alibi},
          {activation(rounded_all(normal(s.rows() * s.out_cols(), 2), dtype)), activation(qkv),
           activation(rounded_all(saved.out, dtype)), fp32(lse)},
          {activation(zeros(s.rows() * s.qkv_cols()))}};
}

/// Relative error of a probability: its score is a sum of head_dim products, each of at most 5
/// sigma of a normal product times scale (below 5 in all), lse and exp round to a few units of
/// their size (below 16).
double probability_error(const Shape& s) {
  return (5.0 * static_cast<double>(s.head_dim) + 32) * unit_roundoff;
}

void check_forward(const Isa& isa, const Shape& s, Dtype dtype) {
  const Case test = forward_case(s);
  const Doubles qkv = rounded_all(test.reads[0].values, dtype);
  const Forward expected = forward(s, qkv);
  const Outcome outcome = run(isa, test, {.activations = dtype, .workspace = mebi});
  // Probabilities sum to 1 and |v| is below 5; the sums over keys round once a key, the quotient
  // adds as much again.
  const double tolerance =
      5 * (2 * probability_error(s) + 2 * static_cast<double>(s.seq_len) * unit_roundoff);
  check_close(outcome.writes[0], expected.out,
              [&](std::size_t i) { return tolerance + 1.1 * rounding_of(expected.out[i], dtype); });
  check_close(outcome.writes[1], expected.lse, tolerance);
}

void check_backward(const Isa& isa, const Shape& s, Dtype dtype) {
  const Case test = backward_case(s, dtype);
  const Doubles expected =
      backward(s, test.reads[0].values, test.reads[1].values, test.reads[2].values);
  double largest = 0;
  for (double x : expected) largest = std::max(largest, std::fabs(x));
  // Terms of one sum: p, dout (below 5), dp - delta (below 5 sqrt(head_dim)), each as exact as a
  // probability; a sum over T terms of both signs stays below sqrt(T) times the largest result.
  const double tolerance =
      largest * std::sqrt(static_cast<double>(s.seq_len)) *
      (3 * probability_error(s) + static_cast<double>(s.seq_len) * unit_roundoff);
  const Outcome outcome = run(isa, test, {.activations = dtype, .workspace = 2 * mebi});
  check_close(outcome.writes[0], expected,
              [&](std::size_t i) { return tolerance + 1.1 * rounding_of(expected[i], dtype); });
}

template <typename Op, typename F>
void for_all(F f) {
  for (const Isa& isa : matrix_isas<Op>())
    for (const Shape& shape : all_shapes())
      for (Dtype dtype : activation_types) {
        CAPTURE(std::string(isa.name));
        CAPTURE(shape.seq_len);
        CAPTURE(shape.head_dim);
        CAPTURE(std::string(name_of(dtype)));
        f(isa, shape, dtype);
      }
}

}  // namespace

TEST_CASE(
    "attention: out and lse are the sums in fp64, over windows, grouped heads, ALiBi and odd "
    "sizes") {
  for_all<Attention>(check_forward);
}

TEST_CASE("attention_backward: the reference is the derivative of the reference forward") {
  for (const Shape& s : small_shapes) {
    const Case test = backward_case(s, Dtype::fp32);
    const Doubles &dout = test.reads[0].values, &qkv = test.reads[1].values;
    const Doubles numeric =
        numeric_gradient([&](const Doubles& x) { return dot(dout, forward(s, x).out); }, qkv);
    check_close(backward(s, dout, qkv, forward(s, qkv).out), numeric, 1e-7);
  }
}

TEST_CASE(
    "attention_backward: dqkv is the gradient in fp64, over windows, grouped heads, ALiBi and odd "
    "sizes") {
  for_all<AttentionBackward>(check_backward);
}

TEST_CASE("attention: the bits do not depend on the threads, nor on the size of the workspace") {
  for (const Isa& isa : matrix_isas<Attention>())
    for (const Shape& shape : large_shapes)
      for (Dtype dtype : {Dtype::fp32, Dtype::bf16}) {
        const Case test = forward_case(shape);
        const Outcome one = run(isa, test, {.activations = dtype, .workspace = 8 * mebi});
        for (int n_threads : {1, 2, 5})
          check_equal_bytes(run(isa, test, {dtype, n_threads, 320 * kibi}), one);
      }
}

TEST_CASE(
    "attention_backward: one pass and two, any threads and any workspace give the same bits") {
  for (const Isa& isa : matrix_isas<AttentionBackward>())
    for (const Shape& shape : large_shapes)
      for (Dtype dtype : {Dtype::fp32, Dtype::bf16}) {
        CAPTURE(std::string(isa.name));
        CAPTURE(shape.seq_len);
        const Case test = backward_case(shape, dtype);
        const Outcome one =
            run(isa, test,
                {.activations = dtype, .workspace = 16 * mebi});  // one pass: a thread has it all
        for (int n_threads : {1, 2, 5})
          for (std::int64_t workspace : {640 * kibi, 2 * mebi}) {
            CAPTURE(n_threads);
            CAPTURE(workspace);
            check_equal_bytes(run(isa, test, {dtype, n_threads, workspace}), one);
          }
      }
}

TEST_CASE("attention: a workspace without room for one block of keys is refused") {
  const Shape shape{1, 64, 1, 1, 64, 0, false};
  for (const Isa& isa : matrix_isas<Attention>())
    CHECK_THROWS_AS(run(isa, forward_case(shape), {.workspace = 4096}), InternalError);
  for (const Isa& isa : matrix_isas<AttentionBackward>())
    CHECK_THROWS_AS(run(isa, backward_case(shape, Dtype::fp32), {.workspace = 4096}),
                    InternalError);
}

TEST_CASE("attention: scores of 1000 neither overflow nor drown the others") {
  const Shape s{1, 40, 1, 1, 8, 0, false};
  Case test = forward_case(s);
  for (std::int64_t t = 0; t < s.seq_len; ++t)
    for (std::int64_t i = 0; i < 2 * s.head_dim; ++i)
      test.reads[0].values[t * s.qkv_cols() + i] = i % 8 == 0 ? 53.2 : 0;
  const Forward expected = forward(s, test.reads[0].values);
  for (const Isa& isa : matrix_isas<Attention>()) {
    const Outcome outcome = run(isa, test);
    check_close(outcome.writes[0], expected.out, 1e-5);  // equal scores: means of v
    check_close(outcome.writes[1], expected.lse, 1000 * 4 * unit_roundoff);
  }
}

}  // namespace aforo::test
