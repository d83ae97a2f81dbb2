#pragma once
#include "planner/program/ops/cost.h"

namespace aforo {

/// Token (and position) lookup.  x[r, :] = scale * wte[token[r], :] + wpe[r % seq_len, :]
///   reads   tokens [rows] int32, wte [vocab, d_model], wpe [positions, d_model] if has_positions
///   writes  x [rows, d_model]
struct Embedding {
  static constexpr const char* name = "embedding";
  std::int64_t rows, seq_len, d_model, vocab;
  bool has_positions;
  float scale;
};

/// Gradients of the tables.  dwte[v, :] (+)= scale * sum of dx[r, :] with token[r] = v;  dwpe[t, :]
/// (+)= sum over sequences. Sums run over rows in ascending order, so two runs agree bit for bit.
/// Without `accumulate` the whole table is written.
///   reads   tokens, dx [rows, d_model], [dwte if accumulate_tokens], [dwpe if
///   accumulate_positions] writes  dwte fp32 [vocab, d_model], dwpe fp32 [positions, d_model] if
///   has_positions
struct EmbeddingBackward {
  static constexpr const char* name = "embedding_backward";
  std::int64_t rows, seq_len, d_model, vocab;
  bool has_positions;
  float scale;
  bool accumulate_tokens, accumulate_positions;
};

/// Only looked-up rows are read; the position table is counted once.
inline Cost cost(const Embedding& op, const OperandBytes& size) {
  const double positions = op.has_positions ? static_cast<double>(size.reads[2]) : 0;
  return {static_cast<double>(op.rows) * op.d_model * (op.has_positions ? 2 : 1),
          static_cast<double>(size.reads[0]) + 2.0 * size.writes[0] + positions};
}

/// Each row of dx is read once, the row of dwte it belongs to is read and written; a table that is
/// not accumulated into is cleared first.
inline Cost cost(const EmbeddingBackward& op, const OperandBytes& size) {
  double bytes = static_cast<double>(size.reads[0] + size.reads[1]) + 8.0 * op.rows * op.d_model;
  if (!op.accumulate_tokens) bytes += static_cast<double>(size.writes[0]);
  if (op.has_positions) bytes += static_cast<double>(size.reads[1]) + 2.0 * size.writes[1];
  return {static_cast<double>(op.rows) * op.d_model * (op.has_positions ? 2 : 1), bytes};
}

}  // namespace aforo
