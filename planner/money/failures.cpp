#include "planner/money/failures.h"

#include <algorithm>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>

namespace aforo::money {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double least_interval_hours = 0.01;
/// Beyond e^300 nothing ends in the lifetime of anything; doubles would overflow soon after.
constexpr double longest_exponent = 300;

/// First and second moment.
struct Raw {
  double first = 0, second = 0;
  Moments moments() const { return {first, std::max(0.0, second - first * first)}; }
};

/// Time of attempts of `length` until one is not interrupted, where all after the first are
/// `length` + R long and an outage lies before each: held time with D = 0, wall time with D.
class Piece {
 public:
  Piece(double length, const Interruptions& in, double outage)
      : mean_between_(in.mean_hours_between), outage_(outage) {
    if ((length + in.restart_hours) / mean_between_ > longest_exponent) {
      time_ = {infinity, infinity};
      return;
    }
    const Attempt later = attempt(length + in.restart_hours);
    // later = min(X, L) + [failed] (outage + later'): solved for its own two moments.
    Raw rest;
    rest.first = (later.time.first + later.p_failed * outage_) / (1 - later.p_failed);
    rest.second = (later.time.second + 2 * later.failed_time * (outage_ + rest.first) +
                   later.p_failed * (2 * outage_ * outage_ + 2 * outage_ * rest.first)) /
                  (1 - later.p_failed);
    const Attempt first = attempt(length);
    time_.first = first.time.first + first.p_failed * (outage_ + rest.first);
    time_.second =
        first.time.second + 2 * first.failed_time * (outage_ + rest.first) +
        first.p_failed * (2 * outage_ * outage_ + 2 * outage_ * rest.first + rest.second);
  }
  Raw time() const { return time_; }

 private:
  struct Attempt {
    Raw time;                ///< of min(X, length)
    double failed_time = 0;  ///< E[X; X < length]
    double p_failed = 0;
  };
  Attempt attempt(double length) const {
    const double m = mean_between_, ends = std::exp(-length / m);
    Attempt a;
    a.p_failed = -std::expm1(-length / m);
    a.failed_time = m * a.p_failed - length * ends;
    a.time.first = m * a.p_failed;
    a.time.second = 2 * m * a.failed_time;  // integral of 2 t e^(-t/m) from 0 to length
    return a;
  }

  double mean_between_, outage_;
  Raw time_;
};

Moments sum_of(const Moments& piece, double n, const Moments& last) {
  return {n * piece.mean + last.mean, n * piece.variance + last.variance};
}

}  // namespace

double young_daly_hours(double checkpoint_hours, double mean_hours_between) {
  const double c = checkpoint_hours, m = mean_hours_between;
  double best = m;
  if (c < m / 2) {
    const double share = c / (2 * m);
    best = std::sqrt(2 * c * m) * (1 + std::sqrt(share) / 3 + share / 9) - c;
  }
  return std::max({best, c, least_interval_hours});
}

InterruptedRun::InterruptedRun(double work_hours, double every_hours,
                               const Interruptions& interruptions) {
  const double every = std::min(std::max(every_hours, least_interval_hours), work_hours);
  const double n = every > 0 ? std::floor(work_hours / every) : 0;
  const double rest = std::max(0.0, work_hours - n * every);
  const double c = interruptions.checkpoint_hours;
  const bool has_rest = rest > 1e-9 * work_hours;
  least_ = work_hours + (n + (has_rest ? 1 : 0)) * c;
  held_ = wall_.mean = least_;
  if (interruptions.never()) return;
  none_ = std::exp(-least_ / interruptions.mean_hours_between);
  const auto total = [&](double outage) {
    const Moments whole = Piece(every + c, interruptions, outage).time().moments();
    const Moments last =
        has_rest ? Piece(rest + c, interruptions, outage).time().moments() : Moments{};
    return sum_of(n > 0 ? whole : Moments{}, n, last);
  };
  held_ = total(0).mean;
  n_failures_ = held_ / interruptions.mean_hours_between;
  wall_ = total(interruptions.outage_hours);
}

double InterruptedRun::probability_within(double hours) const {
  if (hours < least_) return 0;
  if (none_ >= 1 || !std::isfinite(wall_.mean)) return none_ >= 1 ? 1 : 0;
  const double failed = 1 - none_;
  // Moments of the excess over least_, given that there is one.
  const double mean = (wall_.mean - least_) / failed;
  const double second = (wall_.variance + (wall_.mean - least_) * (wall_.mean - least_)) / failed;
  const double variance = second - mean * mean;
  if (!(mean > 0) || !(variance > 0)) return 1;
  const double shape = mean * mean / variance, scale = variance / mean;
  return none_ + failed * boost::math::gamma_p(shape, (hours - least_) / scale);
}

double HourSource::uniform() {
  // splitmix64: passes the usual tests, and one line a number.
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  z ^= z >> 31;
  return (static_cast<double>(z >> 11) + 0.5) * 0x1.0p-53;
}

double HourSource::exponential(double mean) { return -mean * std::log(uniform()); }

double HourSource::standard_normal() {
  const double radius = std::sqrt(-2 * std::log(uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

std::size_t HourSource::below(std::size_t n) {
  return std::min(n - 1, static_cast<std::size_t>(uniform() * static_cast<double>(n)));
}

DrawnRun draw_run(double work_hours, double every_hours, const Interruptions& interruptions,
                  HourSource& source) {
  constexpr int most_interruptions = 1'000'000;
  const double every = std::min(std::max(every_hours, least_interval_hours), work_hours);
  DrawnRun run;
  double left = work_hours;
  double until_failure =
      interruptions.never() ? infinity : source.exponential(interruptions.mean_hours_between);
  double overhead = 0;  // restart in front of the piece
  while (left > 1e-9 * work_hours) {
    const double piece = std::min(every, left) + interruptions.checkpoint_hours + overhead;
    if (piece <= until_failure) {
      until_failure -= piece;
      run.held_hours += piece;
      left -= std::min(every, left);
      overhead = 0;
      // All whole pieces up to the next interruption at once.
      const double whole = every + interruptions.checkpoint_hours;
      const double n = std::floor(std::min(left / every, until_failure / whole));
      if (n < 1) continue;
      until_failure -= n * whole;
      run.held_hours += n * whole;
      left -= n * every;
      continue;
    }
    run.held_hours += until_failure;
    run.wall_hours += source.exponential(interruptions.outage_hours);
    overhead = interruptions.restart_hours;
    until_failure = source.exponential(interruptions.mean_hours_between);
    if (++run.n_interruptions >= most_interruptions)
      return {infinity, infinity, most_interruptions};
  }
  run.wall_hours += run.held_hours;
  return run;
}

}  // namespace aforo::money
