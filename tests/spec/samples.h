#pragma once
// Random but legal models, jobs and plans, for tests that something holds for all of them.

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>

#include "planner/spec/plan_file.h"

namespace aforo::test {

/// Draws legal values; the same for the same seed.
class Samples {
 public:
  explicit Samples(std::uint64_t seed) : random_(seed) {}

  int between(int low, int high) {
    return low + static_cast<int>(random_() % static_cast<std::uint64_t>(high - low + 1));
  }
  bool flip() { return random_() % 2 == 0; }
  /// A double with all of its digits, between low and high.
  double real(double low, double high) {
    return low + (high - low) * (static_cast<double>(random_() >> 11) * 0x1p-53);
  }
  template <typename E>
  E one_of(std::initializer_list<E> values) {
    return values.begin()[random_() % values.size()];
  }

  std::string text();
  ModelSpec model();
  TrainingJob job();
  Plan plan(int n_layers);
  void layout(Plan& plan);
  PlanFile plan_file();

 private:
  void set_mla(ModelSpec& model);
  void set_moe(ModelSpec& model);
  std::mt19937_64 random_;
};

}  // namespace aforo::test
