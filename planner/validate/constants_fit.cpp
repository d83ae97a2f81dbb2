#include "planner/validate/constants_fit.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace aforo::validate {
namespace {

constexpr double scale = 0.05;    // log error that a good prediction has
constexpr double cauchy = 2.0;    // in units of scale: beyond it a row counts less and less
constexpr double step = 0.02;     // of numeric derivatives, in log
constexpr double longest = 0.25;  // change of a constant in one round, in log

/// Solves the symmetric positive definite system a x = b by Cholesky, in place.
std::vector<double> solve(std::vector<double> a, std::vector<double> b) {
  const std::size_t n = b.size();
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = j; i < n; ++i) {
      double sum = a[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= a[i * n + k] * a[j * n + k];
      a[i * n + j] = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / a[j * n + j];
    }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

double residual(const TimedCase& timed, const fast::Constants& constants) {
  return std::log(predict(timed, constants).step / timed.measured);
}

/// The constants that a case depends on.
std::vector<int> used_by(const TimedCase& timed) {
  std::vector<int> used;
  for (const auto& factors : timed.recipe.factors)
    for (std::int16_t index : factors)
      if (index >= 0) used.push_back(index);
  return used;
}

/// Normal equations of one round.
struct Normal {
  explicit Normal(std::size_t n) : matrix(n * n, 0.0), vector(n, 0.0) {}
  std::vector<double> matrix, vector;
};

void add_case(const TimedCase& timed, fast::Constants& constants, Normal& normal) {
  const std::size_t n = normal.vector.size();
  const double r = residual(timed, constants);
  if (!std::isfinite(r)) return;
  const double far = r / (cauchy * scale);
  const double weight = timed.weight / (scale * scale) / (1 + far * far);
  const std::vector<int> used = used_by(timed);
  std::vector<double> slope(used.size());
  for (std::size_t j = 0; j < used.size(); ++j) {
    const double value = constants.all()[used[j]].value;
    constants.set(used[j], value * std::exp(step));
    slope[j] = (residual(timed, constants) - r) / step;
    constants.set(used[j], value);
  }
  for (std::size_t i = 0; i < used.size(); ++i) {
    normal.vector[used[i]] -= weight * slope[i] * r;
    for (std::size_t j = 0; j < used.size(); ++j)
      normal.matrix[used[i] * n + used[j]] += weight * slope[i] * slope[j];
  }
}

}  // namespace

std::vector<TimedCase> timed_cases(const std::deque<Case>& cases,
                                   const fast::Constants& constants) {
  std::vector<TimedCase> timed;
  std::map<std::string, int> rows_of;
  for (const Case& c : cases) {
    const auto measured = c.run->step_time();
    if (!c.problem.empty() || !measured) continue;
    ++rows_of[c.run->family];
    TimedCase one{&c, *measured, 1, {}, fast::rate_recipe(constants, c.cluster, *c.engine)};
    one.blocks = fast::block_costs(c.setup, c.cluster, one.recipe.rates(constants));
    timed.push_back(std::move(one));
  }
  for (TimedCase& one : timed) one.weight = 1 / std::sqrt(rows_of[one.source->run->family]);
  return timed;
}

fast::TimeParts predict(const TimedCase& timed, const fast::Constants& constants) {
  const fast::Rates rates = timed.recipe.rates(constants);
  fast::Blocks blocks = timed.blocks;
  const Case& c = *timed.source;
  fast::time_blocks(c.setup, c.cluster, rates, blocks);
  return fast::time_parts(c.setup, c.cluster, rates, blocks);
}

fast::Constants fit_constants(const std::vector<TimedCase>& cases, fast::Constants constants,
                              int n_rounds) {
  const std::size_t n = constants.all().size();
  for (std::size_t j = 0; j < n; ++j) constants.set(j, constants.all()[j].prior);
  for (int round = 0; round < n_rounds; ++round) {
    Normal normal(n);
    for (const TimedCase& timed : cases) add_case(timed, constants, normal);
    for (std::size_t j = 0; j < n; ++j) {
      const fast::Constant& c = constants.all()[j];
      const double stiff = 1 / (c.spread * c.spread);
      normal.matrix[j * n + j] += stiff;
      normal.vector[j] -= stiff * std::log(c.value / c.prior);
    }
    const std::vector<double> change = solve(normal.matrix, normal.vector);
    for (std::size_t j = 0; j < n; ++j)
      constants.set(j,
                    constants.all()[j].value * std::exp(std::clamp(change[j], -longest, longest)));
  }
  return constants;
}

}  // namespace aforo::validate
