// Ops without a row structure, and ColumnSum. Flat over elements, each thread owns a contiguous
// part; all of them move their operands once and are bound by memory. ColumnSum: a thread owns
// columns, so each column is summed by one thread from the first row to the last, in fp32, whatever
// the number of threads.
#include <cstring>

#include "runtime/cpu/ops/loops.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

template <typename T>
void fill(T* out, T value, const KernelArgs& args, std::int64_t numel) {
  parallel_elements(numel, sizeof(T), args.n_threads, [&](auto begin, auto end) {
    for (auto i = begin; i < end; ++i) out[i] = value;
  });
}

/// s[begin, end) += rows r .. r + n_rows - 1, in this order; or = if `fresh`. n_rows is a constant
/// so that s is loaded and stored once for all of them.
template <int n_rows, typename T>
AFORO_INLINE void add_rows(const T* x, float* s, std::int64_t cols, std::int64_t begin,
                           std::int64_t end, bool fresh) {
  for_vectors(end - begin, [&](std::int64_t i, auto part) {
    Vec total = fresh ? splat(0.0f) : part.load(s + begin + i);
    for (int r = 0; r < n_rows; ++r) total += part.load(x + r * cols + begin + i);
    part.store(s + begin + i, total);
  });
}

template <typename T>
void sum_columns(const ColumnSum& op, const T* x, float* s, std::int64_t begin, std::int64_t end) {
  bool fresh = !op.accumulate;
  std::int64_t r = 0;
  for (; r + 4 <= op.rows; r += 4) {
    add_rows<4>(x + r * op.cols, s, op.cols, begin, end, fresh);
    fresh = false;
  }
  for (; r < op.rows; ++r) {
    add_rows<1>(x + r * op.cols, s, op.cols, begin, end, fresh);
    fresh = false;
  }
  if (fresh) std::memset(s + begin, 0, (end - begin) * sizeof(float));
}

}  // namespace

void run(const Add& op, const KernelArgs& args) {
  with_type(args.read_types[0], op.name, [&]<typename T>(T) {
    const T *a = args.in<T>(0), *b = args.in<T>(1);
    T* c = args.out<T>(0);
    parallel_elements(op.numel, 3 * sizeof(T), args.n_threads, [&](auto begin, auto end) {
      for_vectors(end - begin, [&](std::int64_t i, auto part) {
        part.store(c + begin + i, part.load(a + begin + i) + part.load(b + begin + i));
      });
    });
  });
}

void run(const Cast& op, const KernelArgs& args) {
  with_type(args.read_types[0], op.name, [&]<typename From>(From) {
    with_type(args.write_types[0], op.name, [&]<typename To>(To) {
      const From* source = args.in<From>(0);
      To* target = args.out<To>(0);
      parallel_elements(op.numel, sizeof(From) + sizeof(To), args.n_threads,
                        [&](auto begin, auto end) {
                          for_vectors(end - begin, [&](std::int64_t i, auto part) {
                            part.store(target + begin + i, part.load(source + begin + i));
                          });
                        });
    });
  });
}

void run(const ColumnSum& op, const KernelArgs& args) {
  // Parts of 32 columns: two threads share no line of s or of an aligned row.
  constexpr std::int64_t unit = 32;
  with_type(args.read_types[0], op.name, [&]<typename T>(T) {
    const T* x = args.in<T>(0);
    float* s = args.out<float>(0);
    parallel_rows((op.cols + unit - 1) / unit, op.rows * unit * sizeof(T), args.n_threads,
                  [&](auto begin, auto end) {
                    sum_columns(op, x, s, begin * unit,
                                end * unit < op.cols ? end * unit : op.cols);
                  });
  });
}

void run(const Fill& op, const KernelArgs& args) {
  const Dtype dtype = args.write_types[0];
  if (op.value == 0)
    return clear(args.out<std::byte>(0), op.numel * size_of(dtype), args.n_threads);
  if (dtype == Dtype::fp64) return fill(args.out<double>(0), double{op.value}, args, op.numel);
  with_type(dtype, op.name,
            [&]<typename T>(T) { fill(args.out<T>(0), from_float<T>(op.value), args, op.numel); });
}

}  // namespace aforo::cpu::AFORO_ISA
