// Embedding: x[r, :] = scale * wte[token[r], :] + wpe[r % seq_len, :], and the gradients of both
// tables. Forward: a thread owns rows. Backward: a thread owns columns of dwte (many rows may add
// to one token) and rows of dwpe, so every element is summed by one thread over rows in ascending
// order. Arithmetic in fp32; bound by memory.
//
// A token outside the vocabulary reads and writes nothing outside the tables: its row of x is NaN,
// its gradient is dropped. Splitting dwte by vocabulary instead lost: common tokens are few, so one
// thread gets most of the rows.
#include <cstring>

#include "runtime/cpu/ops/loops.h"

namespace aforo::cpu::AFORO_ISA {
namespace {

bool is_in(std::int32_t token, std::int64_t vocab) { return token >= 0 && token < vocab; }

template <typename T>
void look_up(const Embedding& op, std::int64_t r, const T* token_row, const T* position_row, T* x) {
  T* out = x + r * op.d_model;
  for_vectors(op.d_model, [&](std::int64_t i, auto part) {
    Vec value = token_row ? splat(op.scale) * part.load(token_row + i) : splat(__builtin_nanf(""));
    if (position_row) value += part.load(position_row + i);
    part.store(out + i, value);
  });
}

template <typename T>
void add_tokens(const EmbeddingBackward& op, const KernelArgs& args) {
  const std::int32_t* tokens = args.in<std::int32_t>(0);
  const T* dx = args.in<T>(1);
  float* dwte = args.out<float>(0);
  if (!op.accumulate_tokens) clear(dwte, op.vocab * op.d_model * sizeof(float), args.n_threads);
  // Parts of 32 columns: two threads share no line of a table whose rows are aligned.
  constexpr std::int64_t unit = 32;
  const std::int64_t unit_bytes = op.rows * unit * (8 + sizeof(T));
  parallel_rows(
      (op.d_model + unit - 1) / unit, unit_bytes, args.n_threads, [&](auto begin, auto end) {
        const std::int64_t first = begin * unit;
        const std::int64_t n = (end * unit < op.d_model ? end * unit : op.d_model) - first;
        for (std::int64_t r = 0; r < op.rows; ++r) {
          if (!is_in(tokens[r], op.vocab)) continue;
          const T* from = dx + r * op.d_model + first;
          float* to = dwte + tokens[r] * op.d_model + first;
          for_vectors(n, [&](std::int64_t i, auto part) {
            part.store(to + i, part.load(to + i) + splat(op.scale) * part.load(from + i));
          });
        }
      });
}

/// dwpe[t, :] (+)= dx of position t of every sequence, in order.
template <typename T>
void add_position(const EmbeddingBackward& op, const T* dx, float* dwpe, std::int64_t t) {
  float* to = dwpe + t * op.d_model;
  bool fresh = !op.accumulate_positions;
  for (std::int64_t r = t; r < op.rows && t < op.seq_len; r += op.seq_len) {
    const T* from = dx + r * op.d_model;
    for_vectors(op.d_model, [&](std::int64_t i, auto part) {
      const Vec sum = fresh ? splat(0.0f) : part.load(to + i);
      part.store(to + i, sum + part.load(from + i));
    });
    fresh = false;
  }
  if (fresh) std::memset(to, 0, op.d_model * sizeof(float));
}

template <typename T>
void add_positions(const EmbeddingBackward& op, const KernelArgs& args) {
  const T* dx = args.in<T>(1);
  float* dwpe = args.out<float>(1);
  const std::int64_t positions = args.write_numels[1] / op.d_model;
  const std::int64_t sequences = op.seq_len > 0 ? (op.rows + op.seq_len - 1) / op.seq_len : 0;
  parallel_rows(positions, op.d_model * (4 + sequences * sizeof(T)), args.n_threads,
                [&](auto begin, auto end) {
                  for (auto t = begin; t < end; ++t) add_position(op, dx, dwpe, t);
                });
}

}  // namespace

void run(const Embedding& op, const KernelArgs& args) {
  with_type(args.write_types[0], op.name, [&]<typename T>(T) {
    const std::int32_t* tokens = args.in<std::int32_t>(0);
    const T* wte = args.in<T>(1);
    const T* wpe = op.has_positions ? args.in<T>(2) : nullptr;
    T* x = args.out<T>(0);
    parallel_rows(op.rows, 3 * op.d_model * sizeof(T), args.n_threads, [&](auto begin, auto end) {
      for (auto r = begin; r < end; ++r)
        look_up(op, r, is_in(tokens[r], op.vocab) ? wte + tokens[r] * op.d_model : nullptr,
                wpe ? wpe + r % op.seq_len * op.d_model : nullptr, x);
    });
  });
}

void run(const EmbeddingBackward& op, const KernelArgs& args) {
  if (op.has_positions && !args.write_numels)
    kernel_error("embedding_backward: write_numels is missing, so the rows of dwpe are unknown");
  with_type(args.read_types[1], op.name, [&]<typename T>(T) {
    add_tokens<T>(op, args);
    if (op.has_positions) add_positions<T>(op, args);
  });
}

}  // namespace aforo::cpu::AFORO_ISA
