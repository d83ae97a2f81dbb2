// GradientNorm, NormPartials, NormTotal, StepControl, AdamW, Sgd. Flat over elements, a thread owns a contiguous part; bound
// by memory. The 16-bit copy of a weight is rounded in the pass that updates the weight. AdamW and
// Sgd in fp32.
//
// GradientNorm cuts every tensor into blocks of 16384 elements (64 KiB: enough work for a thread's
// turn, few enough partial sums), sums each in fp64 and adds the sums in order: the result does not
// depend on the number of threads.
#include <cstring>
#include <type_traits>

#include "planner/program/control.h"
#include "planner/program/flat.h"
#include "runtime/cpu/ops/loops.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

constexpr std::int64_t norm_block = 16384;

constexpr std::int64_t n_blocks(std::int64_t numel) {
  return (numel + norm_block - 1) / norm_block;
}

double sum_of_squares(const float* x, std::int64_t n) {
  // Half a vector of fp32 fills a vector of fp64.
  constexpr int lanes = width / 2;
  typedef float Floats __attribute__((vector_size(4 * lanes)));
  typedef double Doubles __attribute__((vector_size(8 * lanes)));
  Doubles chains[4] = {};
  std::int64_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes)
    for (int k = 0; k < 4; ++k) {
      Floats part;
      std::memcpy(&part, x + i + k * lanes, sizeof(part));
      const Doubles value = __builtin_convertvector(part, Doubles);
      chains[k] += value * value;
    }
  const Doubles all = (chains[0] + chains[1]) + (chains[2] + chains[3]);
  double total = 0;
  for (int k = 0; k < lanes; ++k) total += all[k];
  for (; i < n; ++i) total += static_cast<double>(x[i]) * x[i];
  return total;
}

/// Sums blocks first + [begin, end) of all tensors, counted through; sums[b] is the sum of block
/// first + b.
void sum_blocks(const KernelArgs& args, std::int64_t first, Range part, double* sums) {
  std::int64_t before = 0;
  for (int i = 0; i < args.n_reads; ++i) {
    const std::int64_t numel = args.read_numels[i], count = n_blocks(numel);
    const std::int64_t begin = part.begin > before - first ? part.begin : before - first;
    const std::int64_t end = part.end < before + count - first ? part.end : before + count - first;
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t at = (first + b - before) * norm_block;
      const std::int64_t n = at + norm_block < numel ? norm_block : numel - at;
      sums[b] = sum_of_squares(args.in<float>(i) + at, n);
    }
    before += count;
  }
}

/// What AdamW and Sgd read from the control and schedule buffers.
struct StepScalars {
  float multiplier, learning_rate;
};

StepScalars step_scalars(const float* control, const float* schedule) {
  return {control[control::gradient_multiplier], schedule[schedule::learning_rate]};
}

AFORO_INLINE Vec square_root(Vec x) {
  float lanes[width];
  store(lanes, x);
  for (int i = 0; i < width; ++i) lanes[i] = __builtin_sqrtf(lanes[i]);
  return load(lanes);
}

/// Stands for the 16-bit copy where there is none.
struct NoCopy {};

template <typename Copy, typename Part>
AFORO_INLINE void store_copy(Copy* copy, std::int64_t i, Vec w, Part part) {
  if constexpr (!std::is_same_v<Copy, NoCopy>) part.store(copy + i, w);
}

/// Calls f(Copy{}) with the type of write number `write`, or NoCopy.
template <typename F>
void with_copy(bool has_copy, const KernelArgs& args, int write, const char* op, F f) {
  if (!has_copy) return f(NoCopy{});
  with_type(args.write_types[write], op, f);
}

}  // namespace

void run(const GradientNorm&, const KernelArgs& args) {
  if (!args.read_numels) kernel_error("gradient_norm: read_numels is missing");
  double* sums = reinterpret_cast<double*>(args.workspace);
  const std::int64_t fitting = args.workspace_bytes / static_cast<std::int64_t>(sizeof(double));
  if (fitting < 1) kernel_error("gradient_norm: the workspace does not hold one sum");
  std::int64_t blocks = 0;
  for (int i = 0; i < args.n_reads; ++i) blocks += n_blocks(args.read_numels[i]);
  double total = 0;
  for (std::int64_t first = 0; first < blocks; first += fitting) {
    const std::int64_t n = first + fitting < blocks ? fitting : blocks - first;
    parallel_for(n, args.n_threads, [&](auto begin, auto end) {
      sum_blocks(args, first, {begin, end}, sums);
    });
    for (std::int64_t b = 0; b < n; ++b) total += sums[b];
  }
  *args.out<double>(0) = total;
}

void run(const NormPartials&, const KernelArgs& args) {
  if (!args.read_numels) kernel_error("norm_partials: read_numels is missing");
  double* sums = args.out<double>(0);
  for (int i = 0; i < args.n_reads; ++i) {
    const std::int64_t numel = args.read_numels[i], n = (numel + norm_chunk - 1) / norm_chunk;
    const float* x = args.in<float>(i);
    parallel_rows(n, norm_chunk * sizeof(float), args.n_threads, [&](auto begin, auto end) {
      for (auto c = begin; c < end; ++c) {
        const std::int64_t at = c * norm_chunk;
        sums[c] = sum_of_squares(x + at, at + norm_chunk < numel ? norm_chunk : numel - at);
      }
    });
    sums += n;
  }
}

void run(const NormTotal& op, const KernelArgs& args) {
  if (!args.read_numels) kernel_error("norm_total: read_numels is missing");
  const double* sums = args.in<double>(0);
  const std::int64_t per_rank = op.n_sums / op.n_ranks;
  double total = 0;
  std::int64_t first = 0;  // of the unit, among the sums of one rank
  for (int unit = 1; unit < args.n_reads; ++unit) {
    const std::int64_t n = (args.read_numels[unit] + norm_chunk - 1) / norm_chunk;
    for (int rank = 0; rank < op.n_ranks; ++rank)
      for (std::int64_t c = 0; c < n; ++c) total += sums[rank * per_rank + first + c];
    first += n;
  }
  *args.out<double>(0) = total;
}

void run(const StepControl& op, const KernelArgs& args) {
  using namespace control;
  float* c = args.out<float>(0);
  const double scale = c[loss_scale];
  const double norm = __builtin_sqrt(*args.in<double>(0)) / scale;
  const bool good = __builtin_isfinite(norm);
  c[gradient_norm] = static_cast<float>(norm);
  c[skip] = good ? 0 : 1;
  if (!good) {
    c[gradient_multiplier] = 0;
    c[n_skipped] += 1;
  } else {
    const double clip = op.clip_norm > 0 ? op.clip_norm / (norm + 1e-6) : 1;
    c[gradient_multiplier] = static_cast<float>((clip < 1 ? clip : 1) / scale);
    c[optimizer_steps] += 1;
  }
  if (!op.dynamic_loss_scale) return;
  constexpr float highest = 16777216;  // 2^24
  c[good_steps] = good ? c[good_steps] + 1 : 0;
  if (!good) {
    c[loss_scale] = c[loss_scale] > 2 ? c[loss_scale] / 2 : 1;
  } else if (c[good_steps] >= static_cast<float>(op.growth_interval)) {
    c[loss_scale] = c[loss_scale] < highest / 2 ? c[loss_scale] * 2 : highest;
    c[good_steps] = 0;
  }
}

void run(const AdamW& op, const KernelArgs& args) {
  const float* control = args.in<float>(4);
  if (control[control::skip] != 0) return;
  const StepScalars step = step_scalars(control, args.in<float>(5));
  const double t = control[control::optimizer_steps];
  const Vec unbias1 = splat(static_cast<float>(1 / (1 - __builtin_pow(op.beta1, t))));
  const Vec unbias2 = splat(static_cast<float>(1 / (1 - __builtin_pow(op.beta2, t))));
  const Vec beta1 = splat(op.beta1), rest1 = splat(1 - op.beta1);
  const Vec beta2 = splat(op.beta2), rest2 = splat(1 - op.beta2);
  const Vec epsilon = splat(op.epsilon), decay = splat(op.weight_decay);
  const Vec multiplier = splat(step.multiplier), rate = splat(step.learning_rate);
  const float* gradient = args.in<float>(0);
  float *w = args.out<float>(0), *m = args.out<float>(1), *v = args.out<float>(2);
  with_copy(op.has_copy, args, 3, op.name, [&]<typename Copy>(Copy) {
    Copy* copy = op.has_copy ? args.out<Copy>(3) : nullptr;
    parallel_elements(op.numel, 28 + sizeof(Copy), args.n_threads, [&](auto begin, auto end) {
      for_vectors(end - begin, [&](std::int64_t offset, auto part) {
        const std::int64_t i = begin + offset;
        const Vec g = part.load(gradient + i) * multiplier;
        const Vec new_m = beta1 * part.load(m + i) + rest1 * g;
        const Vec new_v = beta2 * part.load(v + i) + rest2 * g * g;
        const Vec old_w = part.load(w + i);
        const Vec direction = new_m * unbias1 / (square_root(new_v * unbias2) + epsilon);
        const Vec new_w = old_w - rate * (direction + decay * old_w);
        part.store(m + i, new_m);
        part.store(v + i, new_v);
        part.store(w + i, new_w);
        store_copy(copy, i, new_w, part);
      });
    });
  });
}

void run(const Sgd& op, const KernelArgs& args) {
  const float* control = args.in<float>(2);
  if (control[control::skip] != 0) return;
  const StepScalars step = step_scalars(control, args.in<float>(3));
  const Vec multiplier = splat(step.multiplier), rate = splat(step.learning_rate);
  const Vec momentum = splat(op.momentum), decay = splat(op.weight_decay);
  const float* gradient = args.in<float>(0);
  float* w = args.out<float>(0);
  float* b = op.has_momentum ? args.out<float>(1) : nullptr;
  const int copy_at = op.has_momentum ? 2 : 1;
  with_copy(op.has_copy, args, copy_at, op.name, [&]<typename Copy>(Copy) {
    Copy* copy = op.has_copy ? args.out<Copy>(copy_at) : nullptr;
    parallel_elements(op.numel, 20 + sizeof(Copy), args.n_threads, [&](auto begin, auto end) {
      for_vectors(end - begin, [&](std::int64_t offset, auto part) {
        const std::int64_t i = begin + offset;
        const Vec old_w = part.load(w + i);
        Vec g = part.load(gradient + i) * multiplier + decay * old_w;
        if (b) {
          g += momentum * part.load(b + i);
          part.store(b + i, g);
        }
        const Vec new_w = old_w - rate * g;
        part.store(w + i, new_w);
        store_copy(copy, i, new_w, part);
      });
    });
  });
}

}  // namespace aforo::cpu::AFORO_ISA
