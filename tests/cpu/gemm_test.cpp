// The own blocked product and oneDNN's against a product in fp64.

#include <cstdlib>
#include <optional>
#include <string>

#include "runtime/cpu/onednn_gemm.h"
#include "tests/cpu/matrix_isas.h"

namespace aforo::test {
namespace {

struct Shape {
  std::int64_t m, n, k;
};
// One element; less than a tile; tiles and tails of every side; k of one, two and three blocks of
// 256.
constexpr Shape shapes[] = {{1, 1, 1}, {5, 7, 3}, {13, 33, 65}, {97, 70, 300}, {31, 129, 519}};

/// The sides of a product that do not depend on types.
struct Layout {
  bool trans_a, trans_b, has_bias, accumulate;
};

template <typename F>
void for_all_layouts(F f) {
  for (int i = 0; i < 16; ++i) f(Layout{(i & 1) != 0, (i & 2) != 0, (i & 4) != 0, (i & 8) != 0});
}

Case product(const Shape& s, const Layout& l, std::optional<Dtype> output = {}) {
  Case test{Gemm{s.m, s.n, s.k, l.trans_a, l.trans_b, l.has_bias, l.accumulate},
            {activation(normal(s.m * s.k, 1)), activation(normal(s.k * s.n, 2))},
            {output ? typed(*output, normal(s.m * s.n, 3)) : activation(normal(s.m * s.n, 3))}};
  if (l.has_bias) test.reads.push_back(fp32(normal(s.n, 4)));
  if (l.accumulate) {
    test.shared = {{static_cast<int>(test.reads.size()), 0}};
    test.reads.push_back(test.writes[0]);
  }
  return test;
}

/// C, and the sum of the sizes of all terms of each element.
struct Reference {
  Doubles c, size;
};

Reference reference(const Case& test, Dtype input, Dtype output) {
  const Gemm& op = std::get<Gemm>(test.op);
  const Doubles a = rounded_all(test.reads[0].values, input);
  const Doubles b = rounded_all(test.reads[1].values, input);
  const Doubles before = rounded_all(test.writes[0].values, output);
  Reference result{zeros(op.m * op.n), zeros(op.m * op.n)};
  for (std::int64_t i = 0; i < op.m; ++i)
    for (std::int64_t j = 0; j < op.n; ++j) {
      double sum = 0, size = 0;
      const auto add = [&](double term) { sum += term, size += std::fabs(term); };
      for (std::int64_t k = 0; k < op.k; ++k)
        add(a[op.trans_a ? k * op.m + i : i * op.k + k] *
            b[op.trans_b ? j * op.k + k : k * op.n + j]);
      if (op.has_bias) add(test.reads[2].values[j]);
      if (op.accumulate) add(before[i * op.n + j]);
      result.c[i * op.n + j] = sum;
      result.size[i * op.n + j] = size;
    }
  return result;
}

/// Each of the k + 2 sums and k products (fused or not) rounds once, relative to at most the sum of
/// all sizes.
void check_product(const Case& test, const Outcome& outcome, Dtype input, Dtype output) {
  const Reference expected = reference(test, input, output);
  const double n_roundings = 2.0 * static_cast<double>(std::get<Gemm>(test.op).k) + 2;
  check_close(outcome.writes[0], expected.c, [&](std::size_t i) {
    return n_roundings * unit_roundoff * expected.size[i] + rounding_of(expected.c[i], output);
  });
}

/// Runs oneDNN's product, or gives nothing if it refuses.
std::optional<Outcome> run_onednn(const Case& test, const Options& options) {
  cpu::OnednnProducts products(options.n_threads);
  Side reads(test.reads, options), writes(test.writes, options);
  for (const InPlacePair& pair : test.shared)
    reads.pointers[pair.read] = writes.pointers[pair.write];
  const Memory workspace(options.workspace);
  const int product =
      products.prepare(std::get<Gemm>(test.op), reads.types[0], writes.types[0], options.workspace);
  if (product == cpu::own_product) return std::nullopt;
  products.run(product, {reads.pointers.data(), writes.pointers.data(), reads.types.data(),
                         writes.types.data(), static_cast<int>(test.reads.size()), 1,
                         workspace.get(), options.workspace, options.n_threads});
  CHECK(workspace.guard_is_intact());
  CHECK(writes.memory[0].guard_is_intact());
  return Outcome{{values_of(writes.memory[0], writes.types[0])}, {}};
}

/// Sets an environment variable while it lives.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  ~Environment() { unsetenv(name_); }

 private:
  const char* name_;
};

}  // namespace

TEST_CASE(
    "gemm: every layout, type, bias, accumulation and odd size is the product in fp64 up to fp32 "
    "rounding") {
  for (const Isa& isa : matrix_isas<Gemm>())
    for (const Shape& shape : shapes)
      for_all_layouts([&](const Layout& layout) {
        for (Dtype input : activation_types)
          for (Dtype output : {input, Dtype::fp32}) {
            CAPTURE(std::string(isa.name));
            CAPTURE(std::string(name_of(input)));
            CAPTURE(std::string(name_of(output)));
            const Case test = product(shape, layout, output);
            CAPTURE(shape.m);
            CAPTURE(layout.trans_a);
            CAPTURE(layout.trans_b);
            check_product(test, run(isa, test, {.activations = input}), input, output);
          }
      });
}

TEST_CASE("gemm: the bits do not depend on the threads, nor on the size of the workspace") {
  for (const Isa& isa : matrix_isas<Gemm>())
    for (const Shape& shape : {Shape{150, 210, 300}, Shape{7, 400, 600}})
      for (Dtype dtype : activation_types)
        for (bool trans : {false, true}) {
          CAPTURE(std::string(isa.name));
          CAPTURE(std::string(name_of(dtype)));
          const Case test = product(shape, {trans, trans, true, true});
          const Outcome one = run(isa, test, {.activations = dtype, .workspace = 4 * mebi});
          for (int n_threads : {1, 2, 3, 5})
            for (std::int64_t workspace : {192 * kibi, 1 * mebi}) {
              CAPTURE(n_threads);
              CAPTURE(workspace);
              check_equal_bytes(run(isa, test, {dtype, n_threads, workspace}), one);
            }
        }
}

TEST_CASE("gemm: C that is accumulated into may lie apart from C that is written") {
  for (const Isa& isa : matrix_isas<Gemm>()) {
    const Case shared = product({31, 40, 600}, {false, true, true, true});
    Case apart = shared;
    apart.shared.clear();
    check_equal_bytes(run(isa, apart), run(isa, shared));
  }
}

TEST_CASE("gemm: a workspace without room for one block is refused") {
  const Case test = product({64, 64, 64}, {false, false, false, false});
  for (const Isa& isa : matrix_isas<Gemm>())
    CHECK_THROWS_AS(run(isa, test, {.workspace = 4096}), InternalError);
}

TEST_CASE("gemm: oneDNN's product, where it has one, is the product in fp64 up to fp32 rounding") {
  if (cpu::onednn_version().empty()) return;
  const Environment environment("AFORO_CPU_GEMM", "onednn");
  int n_products = 0;
  for (const Shape& shape : shapes)
    for_all_layouts([&](const Layout& layout) {
      for (Dtype input : {Dtype::fp32, Dtype::bf16})
        for (Dtype output : {input, Dtype::fp32})
          for (int n_threads : {1, 2}) {
            CAPTURE(std::string(name_of(input)));
            CAPTURE(std::string(name_of(output)));
            CAPTURE(n_threads);
            CAPTURE(shape.m);
            const Case test = product(shape, layout, output);
            const auto outcome = run_onednn(
                test, {.activations = input, .n_threads = n_threads, .workspace = 8 * mebi});
            if (!outcome) continue;
            check_product(test, *outcome, input, output);
            ++n_products;
          }
    });
  CHECK(n_products >= 5 * 16 * 2);  // fp32 at least
}

TEST_CASE("gemm: oneDNN is left where it does not fit, and where AFORO_CPU_GEMM says so") {
  const Gemm op{64, 64, 64, false, true, false, false};
  {
    const Environment environment("AFORO_CPU_GEMM", "own");
    cpu::OnednnProducts products(1);
    CHECK(products.prepare(op, Dtype::fp32, Dtype::fp32, 8 * mebi) == cpu::own_product);
  }
  cpu::OnednnProducts products(1);
  CHECK(products.prepare(op, Dtype::fp16, Dtype::fp16, 8 * mebi) == cpu::own_product);
  if (cpu::onednn_version().empty()) return;
  const Environment environment("AFORO_CPU_GEMM", "fast");
  CHECK_THROWS_AS(cpu::OnednnProducts(1), InputError);
}

}  // namespace aforo::test
