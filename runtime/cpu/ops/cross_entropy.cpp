// CrossEntropy: softmax cross entropy of rows of logits [rows, vocab], with the gradient, and
// SumLoss. A thread owns rows. A row is read once for maximum and sum of exponentials, block by
// block: the block's maximum is found while it enters the level 1 cache, the sum so far is rescaled
// once per block instead of once per element. The gradient pass finds the row in the level 2 or 3
// cache. Arithmetic in fp32 (log in fp64); one exp per element and pass. A row's result depends on
// nothing but the row.
//
// A target outside the vocabulary makes the row's loss and gradient NaN, so that the step is
// skipped, not learnt from.
#include "planner/program/control.h"
#include "runtime/cpu/ops/fp32_block.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

/// sum_v exp(logits[v]) = sum * exp(max).
struct Softmax {
  float max, sum;
};

constexpr float lowest = -3.40282347e38f;

float max_of(const float* x, std::int64_t n) {
  Vec chains[4] = {splat(lowest), splat(lowest), splat(lowest), splat(lowest)};
  std::int64_t i = 0;
  for (; i + 4 * width <= n; i += 4 * width)
    for (int k = 0; k < 4; ++k) chains[k] = max(load(x + i + k * width), chains[k]);
  for_vectors(n - i, [&](std::int64_t j, auto part) {
    chains[0] = max(part.keep(part.load(x + i + j), splat(lowest)), chains[0]);
  });
  return max(max(max(chains[0], chains[1]), max(chains[2], chains[3])));
}

template <typename T>
Softmax softmax_of(const T* logits, std::int64_t vocab) {
  // The start is finite: exp(-infinity - -infinity) would be NaN.
  Softmax result{lowest, 0};
  Block block;
  for_blocks(vocab, [&](std::int64_t begin, std::int64_t n) {
    const float* x = in_fp32(logits + begin, n, block);
    const float block_max = max_of(x, n);
    if (block_max > result.max) {
      result.sum *= exp(splat(result.max - block_max))[0];
      result.max = block_max;
    }
    const Vec shift = splat(result.max);
    result.sum += sum_vectors<1>(n, [&](auto& sums, std::int64_t i, auto part) {
                    sums.lanes[0] += part.keep(exp(part.load(x + i) - shift), splat(0.0f));
                  }).total(0);
  });
  return result;
}

template <typename T>
void write_gradient(const T* logits, std::int64_t vocab, std::int32_t target, Softmax softmax,
                    float scale, T* dlogits) {
  const Vec shift = splat(softmax.max), factor = splat(scale / softmax.sum);
  // Taken before the loop, which may overwrite the logits. p - 1 and the scale apart, so that p
  // near 1 keeps its digits.
  const float p = (exp(splat(to_float(logits[target])) - shift))[0] / softmax.sum;
  Block x_block, d_block;
  for_blocks(vocab, [&](std::int64_t begin, std::int64_t n) {
    const float* x = in_fp32(logits + begin, n, x_block);
    float* d = place_for(dlogits + begin, d_block);
    for_vectors(n, [&](std::int64_t i, auto part) {
      part.store(d + i, exp(part.load(x + i) - shift) * factor);
    });
    put(d, dlogits + begin, n);
  });
  dlogits[target] = from_float<T>((p - 1) * scale);
}

/// Returns the loss; writes the gradient if `dlogits`.
template <typename T>
float one_row(const T* logits, std::int64_t vocab, std::int32_t target, float scale, T* dlogits) {
  if (target < 0 || target >= vocab) {
    const Vec nan = splat(__builtin_nanf(""));
    if (dlogits)
      for_vectors(vocab, [&](std::int64_t i, auto part) { part.store(dlogits + i, nan); });
    return nan[0];
  }
  const Softmax softmax = softmax_of(logits, vocab);
  const double shifted = static_cast<double>(to_float(logits[target])) - softmax.max;
  if (dlogits) write_gradient(logits, vocab, target, softmax, scale, dlogits);
  return static_cast<float>(__builtin_log(static_cast<double>(softmax.sum)) - shifted);
}

}  // namespace

void run(const CrossEntropy& op, const KernelArgs& args) {
  with_type(args.read_types[0], op.name, [&]<typename T>(T) {
    const T* logits = args.in<T>(0);
    const std::int32_t* targets = args.in<std::int32_t>(1);
    float* losses = args.out<float>(0);
    T* dlogits = op.has_gradient ? args.out<T>(1) : nullptr;
    const float scale =
        op.has_gradient ? op.gradient_scale * args.in<float>(2)[control::loss_scale] : 0;
    parallel_rows(op.rows, 2 * op.vocab * sizeof(T), args.n_threads, [&](auto begin, auto end) {
      for (auto r = begin; r < end; ++r)
        losses[r] = one_row(logits + r * op.vocab, op.vocab, targets[r], scale,
                            dlogits ? dlogits + r * op.vocab : nullptr);
    });
  });
}

void run(const SumLoss& op, const KernelArgs& args) {
  const float* losses = args.in<float>(0);
  double total = *args.in<double>(1);
  for (std::int64_t begin = 0; begin < op.rows; begin += op.seq_len) {
    double sequence = 0;
    for (std::int64_t r = begin; r < begin + op.seq_len && r < op.rows; ++r) sequence += losses[r];
    total += sequence;
  }
  *args.out<double>(0) = total;
}

}  // namespace aforo::cpu::AFORO_ISA
