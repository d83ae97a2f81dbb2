#include "runtime/cpu/onednn_gemm.h"

// Without OpenMP the library's number of threads could not be set.
#if defined(AFORO_HAVE_ONEDNN) && defined(_OPENMP)

#include <fmt/format.h>
#include <omp.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <dnnl.hpp>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "planner/base/error.h"

namespace aforo::cpu {
namespace {

using dnnl::matmul;
using dnnl::memory;
using Dims = memory::dims;
using Type = memory::data_type;

enum class Preference { fastest, own, onednn };

Preference preference() {
  const char* wanted = std::getenv("AFORO_CPU_GEMM");
  if (wanted == nullptr) return Preference::fastest;
  if (std::string_view(wanted) == "own") return Preference::own;
  if (std::string_view(wanted) == "onednn") return Preference::onednn;
  throw InputError(fmt::format("AFORO_CPU_GEMM is \"{}\"; expected own or onednn", wanted));
}

/// Sets the calling thread's team size, which is the one that oneDNN takes.
class ThreadCount {
 public:
  explicit ThreadCount(int n_threads) : before_(omp_get_max_threads()) {
    omp_set_num_threads(n_threads);
  }
  ~ThreadCount() { omp_set_num_threads(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  int before_;
};

/// bf16 products in hardware (avx512_bf16 or AMX). Elsewhere oneDNN refuses them or emulates them
/// at a third of the speed of the own kernel, which multiplies in fp32.
bool multiplies_bf16() {
  const int all = static_cast<int>(dnnl::cpu_isa::avx512_core_bf16);
  return (static_cast<int>(dnnl::get_effective_cpu_isa()) & all) == all;
}

struct Key {
  std::array<std::int64_t, 3> sizes;
  std::array<bool, 4> flags;
  Dtype input, output;
  bool operator==(const Key&) const = default;
};

struct Product {
  Key key;
  matmul primitive;
  memory a, b, c, bias, scratchpad;
  std::unordered_map<int, memory> arguments;
};

memory::desc matrix(std::int64_t rows, std::int64_t cols, bool transposed, Type type) {
  return {{rows, cols}, type, transposed ? Dims{1, rows} : Dims{cols, 1}};
}

matmul::primitive_desc description(const Gemm& op, Type input, Type output,
                                   const dnnl::engine& engine) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (op.accumulate) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  const memory::desc a = matrix(op.m, op.k, op.trans_a, input);
  const memory::desc b = matrix(op.k, op.n, op.trans_b, input);
  const memory::desc c = matrix(op.m, op.n, false, output);
  const memory::desc bias = matrix(1, op.n, false, Type::f32);
#if DNNL_VERSION_MAJOR >= 3
  return op.has_bias ? matmul::primitive_desc(engine, a, b, bias, c, attributes)
                     : matmul::primitive_desc(engine, a, b, c, attributes);
#else
  return matmul::primitive_desc(op.has_bias ? matmul::desc(a, b, bias, c) : matmul::desc(a, b, c),
                                attributes, engine);
#endif
}

/// Keeps the process as small as oneDNN's buffers are. It packs operands into aligned memory that
/// it allocates and frees in every product; the C library cuts the ends off to align, and parks
/// them, where they are small, in a cache of the thread. There they hold apart what is free around
/// them, and the next product takes fresh memory: two to three times what is in use at once
/// (measured: 17 MiB beside 23). A cache that is full takes none. glibc: at most 7 pieces of each
/// size up to 1032 bytes.
void fill_thread_caches(int n_threads) {
  constexpr std::size_t most_bytes = 1032, step = 16;
  constexpr std::size_t per_size = 7;
#pragma omp parallel num_threads(n_threads)
  {
    std::vector<void*> pieces;
    pieces.reserve(per_size * (most_bytes / step + 1));
    for (std::size_t size = 8; size <= most_bytes; size += step)
      for (std::size_t i = 0; i < per_size; ++i) pieces.push_back(std::malloc(size));
    for (void* piece : pieces) std::free(piece);
  }
}

}  // namespace

struct OnednnProducts::State {
  int n_threads;
  Preference wanted = preference();
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  std::vector<Product> products;

  explicit State(int threads) : n_threads(threads) {}

  bool takes(const Gemm& op, Dtype input) const;
  void add(const Gemm& op, const Key& key, const matmul::primitive_desc& description);
};

std::string onednn_version() {
  const dnnl_version_t* version = dnnl_version();
  return fmt::format("oneDNN {}.{}.{}", version->major, version->minor, version->patch);
}

OnednnProducts::OnednnProducts(int n_threads) : state_(std::make_unique<State>(n_threads)) {
  fill_thread_caches(n_threads);
}
OnednnProducts::~OnednnProducts() = default;

bool OnednnProducts::State::takes(const Gemm& op, Dtype input) const {
  if (wanted == Preference::own || input == Dtype::fp16) return false;
  if (input == Dtype::bf16) return multiplies_bf16();
  if (wanted == Preference::onednn) return true;
  return !op.trans_a;
}

void OnednnProducts::State::add(const Gemm& op, const Key& key,
                                const matmul::primitive_desc& description) {
  const auto place = [&](const memory::desc& what) {
    return memory(what, engine, DNNL_MEMORY_NONE);
  };
  Product product{key,
                  matmul(description),
                  place(description.src_desc()),
                  place(description.weights_desc()),
                  place(description.dst_desc()),
                  {},
                  place(description.scratchpad_desc()),
                  {}};
  product.arguments = {{DNNL_ARG_SRC, product.a},
                       {DNNL_ARG_WEIGHTS, product.b},
                       {DNNL_ARG_DST, product.c},
                       {DNNL_ARG_SCRATCHPAD, product.scratchpad}};
  if (op.has_bias) {
    product.bias = place(matrix(1, op.n, false, Type::f32));
    product.arguments.insert({DNNL_ARG_BIAS, product.bias});
  }
  products.push_back(std::move(product));
}

int OnednnProducts::prepare(const Gemm& op, Dtype input, Dtype output,
                            std::int64_t workspace_bytes) {
  if (!state_->takes(op, input)) return own_product;
  const Key key{
      {op.m, op.n, op.k}, {op.trans_a, op.trans_b, op.has_bias, op.accumulate}, input, output};
  for (std::size_t i = 0; i < state_->products.size(); ++i)
    if (state_->products[i].key == key) return static_cast<int>(i);
  const auto type = [](Dtype dtype) { return dtype == Dtype::bf16 ? Type::bf16 : Type::f32; };
  const ThreadCount threads(state_->n_threads);
  try {
    const auto wanted = description(op, type(input), type(output), state_->engine);
    if (static_cast<std::int64_t>(wanted.scratchpad_desc().get_size()) > workspace_bytes)
      return own_product;
    state_->add(op, key, wanted);
  } catch (const dnnl::error&) {  // no implementation on this machine
    return own_product;
  }
  return static_cast<int>(state_->products.size()) - 1;
}

void OnednnProducts::run(int index, const KernelArgs& args) {
  Product& product = state_->products[index];
  const auto [trans_a, trans_b, has_bias, accumulate] = product.key.flags;
  void* c = args.writes[0];
  if (const void* before = accumulate ? args.reads[has_bias ? 3 : 2] : c; before != c)
    std::memcpy(c, before, product.c.get_desc().get_size());
  product.a.set_data_handle(args.reads[0]);
  product.b.set_data_handle(args.reads[1]);
  product.c.set_data_handle(c);
  product.scratchpad.set_data_handle(args.workspace);
  if (has_bias) product.bias.set_data_handle(args.reads[2]);
  const ThreadCount threads(state_->n_threads);
  product.primitive.execute(state_->stream, product.arguments);
  state_->stream.wait();
}

}  // namespace aforo::cpu

#else

namespace aforo::cpu {

struct OnednnProducts::State {};

std::string onednn_version() { return {}; }

OnednnProducts::OnednnProducts(int) {}
OnednnProducts::~OnednnProducts() = default;
int OnednnProducts::prepare(const Gemm&, Dtype, Dtype, std::int64_t) { return own_product; }
void OnednnProducts::run(int, const KernelArgs&) {}

}  // namespace aforo::cpu

#endif
