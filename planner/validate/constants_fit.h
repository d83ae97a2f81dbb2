#pragma once
// Finds the constants of the time model that explain published runs best without leaving what was
// believed of them before.

#include <vector>

#include "planner/fast/time.h"
#include "planner/validate/setup_of_run.h"

namespace aforo::validate {

/// A case with what repeated evaluation needs: shapes that no constant changes.
struct TimedCase {
  const Case* source = nullptr;
  double measured = 0;  ///< seconds of a step
  double weight = 1;    ///< one over the root of the rows of its family
  fast::Blocks blocks;  ///< shapes; times are filled for every set of constants
  fast::RateRecipe recipe;
};

/// Cases that can be predicted and whose step time was measured.
std::vector<TimedCase> timed_cases(const std::deque<Case>& cases, const fast::Constants& constants);

fast::TimeParts predict(const TimedCase& timed, const fast::Constants& constants);

/// Minimises  sum_i w_i rho(r_i / scale) + sum_j ((log c_j - log prior_j) / spread_j)^2  over the
/// constants, r_i = log(predicted / measured), rho Cauchy's loss (outliers count little), by
/// Gauss-Newton with numeric derivatives. Starts at the priors; `n_rounds` steps.
fast::Constants fit_constants(const std::vector<TimedCase>& cases, fast::Constants constants,
                              int n_rounds = 12);

}  // namespace aforo::validate
