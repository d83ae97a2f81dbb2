#pragma once
// Jobs on cards as baselines, for tests of single strategies.

#include <string>

#include "planner/explain/explain.h"

namespace aforo::test {

/// Owns what a baseline and its rows point at: setups of a row live as long as their question.
struct Question {
  Question(const std::string& model, const std::string& card, int n_devices, int seq_len,
           int micro_batch_size = 1, const std::string& engine = "torch");
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  explain::Row row(const std::string& strategy) const;

  TrainingJob job;
  AcceleratorSpec card;
  explain::Variant baseline;
  explain::World world;
};

}  // namespace aforo::test
