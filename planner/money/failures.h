#pragma once
// Work that is interrupted: failures of big runs, preemption of spot machines, and what checkpoints
// make of them. Times are hours.

#include <cstdint>
#include <vector>

namespace aforo::money {

/// How a run is interrupted. Failures come as a Poisson process while the machine is held.
struct Interruptions {
  double mean_hours_between = 0;  ///< M, of the whole job; 0 or infinite: never
  double restart_hours = 0;       ///< R, machine held: boot, environment, load the checkpoint
  double outage_hours = 0;        ///< D, mean, no machine held: until another one is found
  double checkpoint_hours = 0;    ///< C, during which training stands still
  bool never() const { return !(mean_hours_between > 0) || mean_hours_between > 1e15; }
};

/// Hours of training between checkpoints that lose least, with C <= M/2:
///
///   T = sqrt(2 C M) (1 + 1/3 sqrt(C / 2M) + C / 18M) - C,   else  T = M
///
/// Young's sqrt(2 C M) with Daly's correction for C that is not small beside M. Never below C nor
/// below 36 s. Source: Daly, A higher order estimate of the optimum checkpoint interval, 2006.
double young_daly_hours(double checkpoint_hours, double mean_hours_between);

/// Mean and variance of a number of hours.
struct Moments {
  double mean = 0, variance = 0;
};

/// A run of `work_hours` of training in pieces of `every_hours`, each followed by a checkpoint.
/// What lies behind the last checkpoint is lost at an interruption; then comes an outage
/// (exponential, mean D), a restart R, and the piece again.
///
/// Held (billed) time of a piece of length T + C has the mean
///
///   E = M e^(R/M) (e^((T+C)/M) - 1)
///
/// and every interruption, E / M of them, adds an outage. Infinite where a piece is so long that it
/// never ends.
class InterruptedRun {
 public:
  InterruptedRun(double work_hours, double every_hours, const Interruptions& interruptions);

  double held_hours() const { return held_; }             ///< expected; machine held and paid
  double n_interruptions() const { return n_failures_; }  ///< expected
  Moments wall() const { return wall_; }                  ///< outages included
  /// Hours without any interruption: training and checkpoints.
  double least_hours() const { return least_; }
  /// Probability that the run ends within `hours` of wall time. The chance of no interruption at
  /// all, e^(-least/M), is exact; the rest, given one or more, is taken as a gamma distribution
  /// with the exact mean and variance.
  double probability_within(double hours) const;

 private:
  double held_ = 0, n_failures_ = 0, least_ = 0, none_ = 1;
  Moments wall_;
};

/// The same run drawn at random, piece by piece.
struct DrawnRun {
  double held_hours = 0, wall_hours = 0;
  int n_interruptions = 0;
};

/// A generator that gives the same numbers on every machine: the standard leaves distributions
/// open.
class HourSource {
 public:
  explicit HourSource(std::uint64_t seed) : state_(seed) {}
  double uniform();                  ///< in (0, 1)
  double exponential(double mean);   ///< -mean ln u
  double standard_normal();          ///< by Box and Muller
  std::size_t below(std::size_t n);  ///< 0 to n - 1

 private:
  std::uint64_t state_;
};

/// Gives up (infinite hours) after a million interruptions.
DrawnRun draw_run(double work_hours, double every_hours, const Interruptions& interruptions,
                  HourSource& source);

}  // namespace aforo::money
