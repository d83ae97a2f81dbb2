#pragma once
// Runs a tiny program for some steps on made-up tokens, and reads and writes buffers by name.

#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "runtime/core/backend.h"
#include "tests/support/tiny.h"

namespace aforo::tiny {

/// Token t of sequence b in a step, by the formula of tests/golden/torch.
inline int formula_token(int step, int b, int t, int vocab) {
  return (7 * step + 13 * b + 5 * t + ((t * t) % 11) + 3 * ((b * t) % 7)) % vocab;
}

class Runner {
 public:
  Runner(const TrainingJob& job, const Plan& plan, Backend& backend, std::uint64_t seed = 1)
      : job_(job), program_(lower(job, plan, cpu_target())), executor_(backend.load(program_)) {
    executor_->initialize(seed);
    std::vector<float> control(control::size, 0.0f);
    control[control::loss_scale] = program_.initial_loss_scale;
    write(program_.ports.control, control);
  }

  StepProgram& program() { return program_; }
  Executor& executor() { return *executor_; }

  BufferId find(const std::string& name) const {
    for (std::size_t id = 0; id < program_.buffers.size(); ++id)
      if (program_.buffers[id].name == name) return static_cast<BufferId>(id);
    throw InternalError("no buffer " + name);
  }

  template <typename T>
  void write(BufferId id, const std::vector<T>& values) {
    executor_->write(id, std::as_bytes(std::span(values)));
  }
  template <typename T>
  std::vector<T> read(BufferId id) const {
    std::vector<T> values(program_.buffers[id].bytes().value / sizeof(T));
    executor_->read(id, std::as_writable_bytes(std::span(values)));
    return values;
  }

  /// One optimizer step at `learning_rate`; returns the mean loss.
  double step(int index, float learning_rate) {
    write(program_.ports.schedule, std::vector<float>{learning_rate, 0, 0, 0});
    executor_->run(SectionKind::begin);
    for (int micro = 0; micro < program_.grad_accum(); ++micro) {
      write_tokens(index, micro);
      executor_->run(SectionKind::micro_step);
    }
    executor_->run(SectionKind::optimizer);
    return read<double>(program_.ports.loss_sum)[0] / static_cast<double>(job_.tokens_per_step());
  }

  /// Mean loss of one micro-batch without training on it.
  double evaluate(int index) {
    write(program_.ports.loss_sum, std::vector<double>{0});
    write_tokens(index, 0);
    executor_->run(SectionKind::evaluate);
    return read<double>(program_.ports.loss_sum)[0] / static_cast<double>(program_.rows);
  }

  void write_tokens(int index, int micro) {
    const int seq_len = job_.seq_len, n = static_cast<int>(program_.rows) / seq_len;
    std::vector<std::int32_t> tokens, targets;
    for (int i = 0; i < n; ++i)
      for (int t = 0; t < seq_len; ++t) {
        tokens.push_back(formula_token(index, micro * n + i, t, job_.model.vocab_size));
        targets.push_back(formula_token(index, micro * n + i, t + 1, job_.model.vocab_size));
      }
    write(program_.ports.tokens, tokens);
    write(program_.ports.targets, targets);
  }

  double gradient_norm() const {
    return read<float>(program_.ports.control)[control::gradient_norm];
  }

 private:
  TrainingJob job_;
  StepProgram program_;
  std::unique_ptr<Executor> executor_;
};

inline std::vector<double> train(const TrainingJob& job, const Plan& plan, Backend& backend,
                                 int steps, float learning_rate = 1e-2f) {
  Runner runner(job, plan, backend);
  std::vector<double> losses;
  for (int i = 0; i < steps; ++i) losses.push_back(runner.step(i, learning_rate));
  return losses;
}

}  // namespace aforo::tiny
