#pragma once
// Threads for kernels: OpenMP where the compiler has it, one thread otherwise.
//
// A region always asks for all `n_threads`, also when there is little to do: libgomp ends and
// restarts its threads when the size of a team changes. Work that is too small for a team runs on
// the calling thread alone. Functions passed in must not throw. No result may depend on n_threads:
// split by output element, never inside a sum.

#include <cstdint>

#ifdef _OPENMP
#include <omp.h>
#endif

#ifndef AFORO_ISA
#define AFORO_ISA baseline
#endif

namespace aforo::cpu::AFORO_ISA {

struct Range {
  std::int64_t begin, end;
};

/// Part number `part` of [0, n) cut into `n_parts` contiguous parts whose sizes differ by at most
/// one.
inline Range part_of(std::int64_t n, std::int64_t n_parts, std::int64_t part) {
  const std::int64_t size = n / n_parts, rest = n % n_parts;
  const std::int64_t begin = part * size + (part < rest ? part : rest);
  return {begin, begin + size + (part < rest ? 1 : 0)};
}

/// Calls f(thread) once on each of n_threads threads, thread = 0 .. n_threads - 1 (for slices of
/// the workspace). f must not wait for another thread: without OpenMP the calls run one after the
/// other.
template <typename F>
void on_each_thread(int n_threads, F f) {
#ifdef _OPENMP
  if (n_threads > 1) {
#pragma omp parallel num_threads(n_threads)
    // A team may be smaller than asked for (a thread limit): then some thread does several shares.
    for (int thread = omp_get_thread_num(); thread < n_threads; thread += omp_get_num_threads())
      f(thread);
    return;
  }
#endif
  for (int thread = 0; thread < n_threads; ++thread) f(thread);
}

/// Calls f(begin, end) on contiguous parts of [0, n), one per thread, none smaller than `min_part`
/// (unless n is). Choose min_part so that a part takes some 10 us: a team costs about 2 us.
template <typename F>
void parallel_for(std::int64_t n, int n_threads, F f, std::int64_t min_part = 1) {
  if (n <= 0) return;
  const std::int64_t most = n / (min_part > 0 ? min_part : 1);
  const int n_parts = static_cast<int>(most < 1 ? 1 : most < n_threads ? most : n_threads);
  if (n_parts == 1) return f(std::int64_t{0}, n);
  on_each_thread(n_threads, [&](int thread) {
    if (thread >= n_parts) return;
    const Range part = part_of(n, n_parts, thread);
    f(part.begin, part.end);
  });
}

/// Calls f(item, thread) for every item of [0, n), each on whichever thread is free, in ascending
/// order of start: for items of unequal cost, the most expensive first. Items must be independent
/// of one another.
template <typename F>
void parallel_items(std::int64_t n, [[maybe_unused]] int n_threads, F f) {
#ifdef _OPENMP
  if (n_threads > 1 && n > 1) {
#pragma omp parallel for schedule(dynamic) num_threads(n_threads)
    for (std::int64_t item = 0; item < n; ++item) f(item, omp_get_thread_num());
    return;
  }
#endif
  for (std::int64_t item = 0; item < n; ++item) f(item, 0);
}

}  // namespace aforo::cpu::AFORO_ISA
