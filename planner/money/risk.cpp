#include "planner/money/risk.h"

#include <algorithm>
#include <boost/math/special_functions/erf.hpp>
#include <cmath>
#include <numbers>

namespace aforo::money {
namespace {

/// Standard normal deviate that 90 % of outcomes lie below: the ends of an 80 % interval.
constexpr double z_of_90 = 1.2815515655446004;

/// The value of an interval at a standard normal deviate.
double at_deviate(const Interval& value, double z) {
  if (!(value.low > 0) || !(value.mid > 0)) return value.mid;
  const double end = z < 0 ? value.mid / value.low : value.high / value.mid;
  return value.mid * std::exp(z / z_of_90 * std::log(end));
}

/// Middles of equal slices of the standard normal distribution.
std::vector<double> slice_middles(int n) {
  std::vector<double> deviates;
  for (int i = 0; i < n; ++i)
    deviates.push_back(std::numbers::sqrt2 * boost::math::erf_inv((2.0 * i + 1) / n - 1));
  return deviates;
}

/// What lies beside the interrupted work, at the middle.
struct Rest {
  double hours = 0;          ///< held: set-up, download
  double per_work_hour = 0;  ///< held: repeated runs
  double work_per_training_hour = 1;
};

Rest rest_of(const Bill& bill, const RunNeeds& needs) {
  return {bill[Line::setup].hours.mid + bill[Line::download].hours.mid, needs.repeated_share.mid,
          1 + needs.evaluation_share};
}

Interval percentiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double share) {
    return values[static_cast<std::size_t>(share * static_cast<double>(values.size() - 1))];
  };
  return {at(0.1), at(0.5), at(0.9)};
}

/// Dollars that grow with hours held, with all other hours, and those that do neither.
struct Rates {
  double per_held_hour = 0, per_outage_hour = 0, per_wall_hour = 0, fixed = 0;
};

Rates rates_of(const RunNeeds& needs, const Supply& supply) {
  const Tariff& tariff = supply.tariff;
  const double disk = needs.disk_gb / hours_per_month;
  Rates rates;
  rates.per_held_hour = supply.usd_per_hour + disk * tariff.disk +
                        supply.kilowatts * supply.usd_per_kwh + supply.wear_usd_per_hour;
  rates.per_outage_hour = disk * tariff.disk_stopped;
  rates.per_wall_hour =
      needs.checkpoint_gb * needs.checkpoints_kept * tariff.storage / hours_per_month;
  rates.fixed = needs.download_gb * tariff.download + tiered_usd(tariff.upload, needs.upload_gb) +
                needs.stopped_hours * (rates.per_outage_hour + rates.per_wall_hour);
  return rates;
}

/// Of hundreds of interruptions only their sum counts, and that is as good as normal.
constexpr double many_interruptions = 300;

DrawnRun drawn_run(double work, double every, const Interruptions& model, HourSource& source) {
  const InterruptedRun expected(work, every, model);
  if (!(expected.n_interruptions() > many_interruptions))
    return draw_run(work, every, model, source);
  const Moments wall = expected.wall();
  const double drawn = std::max(expected.least_hours(),
                                wall.mean + std::sqrt(wall.variance) * source.standard_normal());
  return {drawn * expected.held_hours() / wall.mean, drawn,
          static_cast<int>(std::min(1e9, expected.n_interruptions()))};
}

}  // namespace

DrawnBills draw_bills(const Bill& bill, const RunNeeds& needs, const Supply& supply,
                      const Assumptions& assumptions, const Limits& limits, int n_runs,
                      std::uint64_t seed) {
  const std::vector<Interruptions> models = interruption_models(needs, supply, assumptions);
  const Rest rest = rest_of(bill, needs);
  const Rates rates = rates_of(needs, supply);
  HourSource source(seed);
  std::vector<double> walls, bills;
  int in_time = 0, in_budget = 0;
  for (int i = 0; i < n_runs; ++i) {
    const double work =
        at_deviate(needs.training_hours, source.standard_normal()) * rest.work_per_training_hour;
    const DrawnRun run =
        drawn_run(work, bill.checkpoint_every_hours, models[source.below(models.size())], source);
    const double held = rest.hours + rest.per_work_hour * work + run.held_hours;
    const double outages = run.wall_hours - run.held_hours;
    walls.push_back(held + outages);
    bills.push_back(held * rates.per_held_hour + outages * rates.per_outage_hour +
                    walls.back() * rates.per_wall_hour + rates.fixed);
    in_time += limits.hours <= 0 || walls.back() <= limits.hours ? 1 : 0;
    in_budget += limits.usd <= 0 || bills.back() <= limits.usd ? 1 : 0;
  }
  return {percentiles(walls), percentiles(bills), in_time / static_cast<double>(n_runs),
          in_budget / static_cast<double>(n_runs), n_runs};
}

double probability_in_time(const Bill& bill, const RunNeeds& needs, const Supply& supply,
                           const Assumptions& assumptions, double hours) {
  const std::vector<Interruptions> models = interruption_models(needs, supply, assumptions);
  const Rest rest = rest_of(bill, needs);
  static const std::vector<double> deviates = slice_middles(41);
  double sum = 0;
  for (double z : deviates) {
    const double work = at_deviate(needs.training_hours, z) * rest.work_per_training_hour;
    const double left = hours - rest.hours - rest.per_work_hour * work;
    for (const Interruptions& model : models)
      sum += InterruptedRun(work, bill.checkpoint_every_hours, model).probability_within(left);
  }
  return sum / static_cast<double>(deviates.size() * models.size());
}

}  // namespace aforo::money
