#include "planner/money/bill.h"

#include <algorithm>
#include <cmath>

namespace aforo::money {
namespace {

Interruptions interruptions_at(const FailureRate& rate, const RunNeeds& needs,
                               double checkpoint_hours) {
  return {rate.device_hours / needs.n_devices, rate.restart_hours, 0, checkpoint_hours};
}

double checkpoint_hours(const RunNeeds& needs, const Assumptions& all) {
  return needs.checkpoint_gb / (all.checkpoint_gb_per_s * needs.n_machines) / 3600;
}

/// What interruptions make of the work, at one end or the middle.
struct Held {
  double held = 0, wall = 0, n = 0;
};

Held held_hours(double work, double every, const Interruptions& in) {
  const InterruptedRun run(work, every, in);
  return {run.held_hours(), run.wall().mean, run.n_interruptions()};
}

struct HeldRange {
  Held low, mid, high;
  Interruptions typical;
  double every = 0;
};

/// Machines that fail now and then: each end has its own published rate.
HeldRange with_failures(const Interval& work, const RunNeeds& needs, const FailureRates& rates,
                        double checkpoint) {
  HeldRange range;
  const auto at = [&](double hours, const FailureRate& rate) {
    const Interruptions in = interruptions_at(rate, needs, checkpoint);
    Held run = held_hours(hours, range.every, in);
    const double standstill = std::min(rate.standstill_hours, in.mean_hours_between / 2);
    run.held += run.n * standstill;
    run.wall += run.n * standstill;
    return run;
  };
  range.typical = interruptions_at(rates.mid, needs, checkpoint);
  range.every = young_daly_hours(checkpoint, range.typical.mean_hours_between);
  range.low = at(work.low, rates.low);
  range.mid = at(work.mid, rates.mid);
  range.high = at(work.high, rates.high);
  return range;
}

/// The one that lies at `share` of the sorted list.
Held at_share(std::vector<Held> runs, double share) {
  std::sort(runs.begin(), runs.end(), [](const Held& a, const Held& b) { return a.wall < b.wall; });
  return runs[static_cast<std::size_t>(std::lround(share * static_cast<double>(runs.size() - 1)))];
}

HeldRange with_preemptions(const Interval& work, const std::vector<Interruptions>& traces) {
  HeldRange range;
  std::vector<Interruptions> sorted = traces;
  std::sort(sorted.begin(), sorted.end(), [](const Interruptions& a, const Interruptions& b) {
    return a.mean_hours_between < b.mean_hours_between;
  });
  range.typical = sorted[sorted.size() / 2];
  range.every = young_daly_hours(range.typical.checkpoint_hours, range.typical.mean_hours_between);
  const auto all = [&](double hours) {
    std::vector<Held> runs;
    for (const Interruptions& trace : traces) runs.push_back(held_hours(hours, range.every, trace));
    return runs;
  };
  range.low = at_share(all(work.low), 0.1);
  range.high = at_share(all(work.high), 0.9);
  const std::vector<Held> mid = all(work.mid);
  const double share = 1.0 / static_cast<double>(mid.size());
  for (const Held& run : mid) {
    range.mid.held += share * run.held;
    range.mid.wall += share * run.wall;
    range.mid.n += share * run.n;
  }
  // The mean of a skewed few may lie outside of their middle 80 %.
  if (range.mid.wall > range.high.wall) range.high = range.mid;
  if (range.mid.wall < range.low.wall) range.low = range.mid;
  return range;
}

Interval less(const Interval& a, const Interval& b) {
  const auto part = [](double x, double y) { return std::max(0.0, x - y); };
  return {part(a.low, b.low), part(a.mid, b.mid), part(a.high, b.high)};
}

/// Fills a bill line by line.
class Cashier {
 public:
  Cashier(const RunNeeds& needs, const Supply& supply, const Assumptions& all)
      : needs_(needs), supply_(supply), all_(all) {}

  Bill bill() {
    const Interval work = needs_.training_hours * (1 + needs_.evaluation_share);
    const HeldRange range = held_range(work);
    const Interval held{range.low.held, range.mid.held, range.high.held};
    const Interval wall{range.low.wall, range.mid.wall, range.high.wall};
    bill_.interruptions = range.typical;
    bill_.checkpoint_every_hours = range.every;
    bill_.n_interruptions = range.mid.n;
    hours(work, held);
    bill_.wall_hours = bill_.held_hours + less(wall, held);
    bill_.device_hours = bill_.held_hours * needs_.n_devices;
    storage(less(wall, held));
    owned();
    for (const BillLine& line : bill_.lines) bill_.usd = bill_.usd + line.usd;
    bill_.kwh = supply_.kilowatts * bill_.held_hours.mid;
    bill_.kg_co2 = bill_.kwh * all_.kg_co2_per_kwh;
    return bill_;
  }

 private:
  BillLine& line(Line which) { return bill_.lines[static_cast<int>(which)]; }

  HeldRange held_range(const Interval& work) const {
    const double checkpoint = checkpoint_hours(needs_, all_);
    if (supply_.terms == Terms::spot)
      return with_preemptions(work, interruption_models(needs_, supply_, all_));
    return with_failures(work, needs_,
                         supply_.terms == Terms::marketplace ? all_.marketplace : all_.failures,
                         checkpoint);
  }

  /// Lines that hold devices for a time.
  void hours(const Interval& work, const Interval& held) {
    const auto timed = [&](Line which, const Interval& time) {
      line(which) = {time, time * supply_.usd_per_hour};
      bill_.held_hours = bill_.held_hours + time;
    };
    timed(Line::setup, needs_.setup_hours);
    timed(Line::download, exactly(download_hours(needs_)));
    line(Line::download).usd =
        line(Line::download).usd + exactly(needs_.download_gb * supply_.tariff.download);
    timed(Line::training, needs_.training_hours);
    timed(Line::evaluation, needs_.training_hours * needs_.evaluation_share);
    timed(Line::interruptions, less(held, work));
    timed(Line::repeated, work * needs_.repeated_share);
  }

  void storage(const Interval& outages) {
    const Tariff& tariff = supply_.tariff;
    const double disk = needs_.disk_gb / hours_per_month;
    line(Line::disk).usd = bill_.held_hours * (disk * tariff.disk);
    line(Line::disk_stopped).usd =
        (outages + exactly(needs_.stopped_hours)) * (disk * tariff.disk_stopped);
    line(Line::checkpoints).usd =
        (bill_.wall_hours + exactly(needs_.stopped_hours)) *
        (needs_.checkpoint_gb * needs_.checkpoints_kept * tariff.storage / hours_per_month);
    line(Line::upload).usd = exactly(tiered_usd(tariff.upload, needs_.upload_gb));
  }

  void owned() {
    line(Line::electricity).usd = bill_.held_hours * (supply_.kilowatts * supply_.usd_per_kwh);
    line(Line::wear).usd = bill_.held_hours * supply_.wear_usd_per_hour;
  }

  const RunNeeds& needs_;
  const Supply& supply_;
  const Assumptions& all_;
  Bill bill_;
};

}  // namespace

std::string_view name_of(Line line) {
  constexpr std::string_view names[] = {"set-up",     "download",      "training",
                                        "evaluation", "interruptions", "failed and repeated runs",
                                        "disk",       "disk, stopped", "checkpoint storage",
                                        "upload",     "electricity",   "wear"};
  return names[static_cast<int>(line)];
}

std::vector<Interruptions> interruption_models(const RunNeeds& needs, const Supply& supply,
                                               const Assumptions& assumptions) {
  const double checkpoint = checkpoint_hours(needs, assumptions);
  if (supply.terms != Terms::spot) {
    const FailureRates& rates =
        supply.terms == Terms::marketplace ? assumptions.marketplace : assumptions.failures;
    return {interruptions_at(rates.mid, needs, checkpoint)};
  }
  std::vector<Interruptions> models;
  for (const SpotTrace& trace : assumptions.traces_for(needs.n_machines))
    models.push_back(
        {trace.between_hours, needs.setup_hours.mid + checkpoint, trace.outage_hours, checkpoint});
  return models;
}

Bill bill_of(const RunNeeds& needs, const Supply& supply, const Assumptions& assumptions) {
  return Cashier(needs, supply, assumptions).bill();
}

}  // namespace aforo::money
