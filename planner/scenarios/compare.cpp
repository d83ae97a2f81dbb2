#include "planner/scenarios/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "planner/base/error.h"
#include "planner/base/format.h"
#include "planner/scenarios/trades.h"

namespace aforo::scenarios {
namespace {

/// A site with its options and the bound that no plan on it goes below.
struct Lot {
  Site site;
  std::vector<const Option*> options;
  double hours = 0, usd = 0;
  bool owned = false;
};

/// Sites that are searched before bounds are looked at again. The same on every machine, so that
/// the same rows come out however many threads there are.
constexpr std::size_t sites_a_round = 8;

/// What a run on the site takes at least, set-up and download included, if nothing ever fails.
double least_wall_hours(const Scenario& scenario, const World& world, const Site& site) {
  const double training = least_hours(scenario, world, site);
  const money::RunNeeds needs = needs_of(scenario, site, exactly(training));
  return needs.setup_hours.mid + download_hours(needs) +
         training * (1 + needs.evaluation_share) * (1 + needs.repeated_share.mid);
}

std::vector<Lot> lots_of(const Scenario& scenario, const World& world,
                         const std::vector<Option>& options) {
  std::vector<Lot> lots;
  for (const Option& option : options) {
    auto lot = std::find_if(lots.begin(), lots.end(), [&](const Lot& l) {
      return l.site == option.site && l.owned == option.owned;
    });
    if (lot == lots.end()) {
      const double hours = least_wall_hours(scenario, world, option.site);
      lots.push_back(
          {option.site, {}, hours, std::numeric_limits<double>::infinity(), option.owned});
      lot = lots.end() - 1;
    }
    lot->options.push_back(&option);
    lot->usd = std::min(lot->usd, lot->hours * option.usd_per_hour());
  }
  std::stable_sort(lots.begin(), lots.end(), [](const Lot& a, const Lot& b) {
    if (a.owned != b.owned) return a.owned;
    return a.usd * a.hours < b.usd * b.hours;  // near the front's knee first
  });
  return lots;
}

/// Searches rounds of sites until no site is left that could be better than the rows so far.
class Comparer {
 public:
  Comparer(const Scenario& scenario, const World& world) : scenario_(scenario), world_(world) {
    answer_.scenario = &scenario;
  }

  Answer run() {
    const std::vector<Option> options = options_of(scenario_, world_);
    std::vector<Lot> lots = lots_of(scenario_, world_, options);
    answer_.n_offers = static_cast<int>(options.size());
    answer_.n_sites = static_cast<int>(lots.size());
    for (std::size_t at = 0; at < lots.size();) {
      std::vector<const Lot*> round;
      for (; at < lots.size() && round.size() < sites_a_round; ++at)
        if (lots[at].owned || !beaten(lots[at])) round.push_back(&lots[at]);
      search(round);
    }
    std::stable_sort(answer_.rows.begin(), answer_.rows.end(),
                     [](const Row& a, const Row& b) { return a.bill.usd.mid < b.bill.usd.mid; });
    mark_front();
    choose();
    explain();
    return std::move(answer_);
  }

 private:
  bool beaten(const Lot& lot) const {
    return std::any_of(answer_.rows.begin(), answer_.rows.end(), [&](const Row& row) {
      return row.bill.wall_hours.mid <= lot.hours && row.bill.usd.mid <= lot.usd;
    });
  }

  void search(const std::vector<const Lot*>& round) {
    std::vector<SiteAnswer> found(round.size());
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i; (i = next++) < round.size();)
        found[i] = best_layout(scenario_, world_, round[i]->site);
    };
    std::vector<std::thread> threads;
    const unsigned n = std::min<unsigned>(std::max(1u, std::thread::hardware_concurrency()),
                                          static_cast<unsigned>(round.size()));
    for (unsigned t = 1; t < n; ++t) threads.emplace_back(work);
    work();
    for (std::thread& thread : threads) thread.join();
    for (std::size_t i = 0; i < round.size(); ++i) add_rows(*round[i], std::move(found[i]));
  }

  void add_rows(const Lot& lot, SiteAnswer found) {
    ++answer_.n_searched;
    answer_.n_plans += found.n_considered;
    if (!found.best) {
      note_too_small(lot.site, found);
      return;
    }
    answer_.layouts.push_back(std::move(found.best));
    for (const Option* option : lot.options) add_row(*option, *answer_.layouts.back());
  }

  void add_row(const Option& option, const SiteLayout& layout) {
    Row row;
    row.option = option;
    row.layout = &layout;
    row.needs = needs_of(scenario_, option.site, layout.estimate.hours);
    row.supply = supply_of(scenario_, world_, option);
    row.bill = money::bill_of(row.needs, row.supply, world_.assumptions);
    if (!std::isfinite(row.bill.usd.mid)) return;  // never ends: interrupted before each checkpoint
    row.within_budget = !scenario_.budget_usd || row.bill.usd.mid <= *scenario_.budget_usd;
    row.within_deadline =
        !scenario_.deadline_hours || row.bill.wall_hours.mid <= *scenario_.deadline_hours;
    answer_.rows.push_back(std::move(row));
  }

  void note_too_small(const Site& site, const SiteAnswer& found) {
    if (!found.nearest) return;
    const double missing =
        found.nearest->memory / static_cast<double>(site.card->usable_memory.value);
    if (closest_ > 0 && missing >= closest_) return;
    closest_ = missing;
    closest_site_ = site;
    closest_engine_ = found.nearest_engine;
    too_small_ = fmt::format("{} x {} needs {:.1f} GiB at least ({}); {:.1f} GiB are there",
                             site.n_devices, site.card->name, found.nearest->memory / gibi,
                             describe(*found.nearest), as_gib(site.card->usable_memory));
  }

  void mark_front() {
    for (Row& row : answer_.rows)
      row.on_front = std::none_of(answer_.rows.begin(), answer_.rows.end(), [&](const Row& other) {
        const money::Bill &a = other.bill, &b = row.bill;
        const bool no_worse = a.usd.mid <= b.usd.mid && a.wall_hours.mid <= b.wall_hours.mid;
        return no_worse && (a.usd.mid < b.usd.mid || a.wall_hours.mid < b.wall_hours.mid);
      });
  }

  void set_in_time(Row& row) const {
    if (scenario_.deadline_hours && row.in_time < 0)
      row.in_time = money::probability_in_time(row.bill, row.needs, row.supply, world_.assumptions,
                                               *scenario_.deadline_hours);
  }

  /// Rows within the limits, best by the objective first; rows are sorted by money already.
  std::vector<int> within_limits() const {
    std::vector<int> rows;
    for (std::size_t i = 0; i < answer_.rows.size(); ++i)
      if (answer_.rows[i].within_budget && answer_.rows[i].within_deadline)
        rows.push_back(static_cast<int>(i));
    if (scenario_.objective == Objective::time)
      std::stable_sort(rows.begin(), rows.end(), [&](int a, int b) {
        return answer_.rows[a].bill.wall_hours.mid < answer_.rows[b].bill.wall_hours.mid;
      });
    return rows;
  }

  void choose() {
    const std::vector<int> rows = within_limits();
    for (int i : rows) {
      Row& row = answer_.rows[i];
      if (scenario_.budget_usd && row.bill.usd.high > *scenario_.budget_usd) continue;
      set_in_time(row);
      if (scenario_.deadline_hours && row.in_time < safe_probability) continue;
      answer_.chosen = i;
      break;
    }
    if (answer_.chosen < 0 && !rows.empty()) answer_.chosen = rows.front();
    if (answer_.chosen < 0) return;
    Row& row = answer_.rows[answer_.chosen];
    row.chosen = true;
    answer_.outcome = Outcome::chosen;
  }

  void explain() {
    for (Row& row : answer_.rows)
      if (row.on_front || row.chosen || row.option.owned) {
        set_in_time(row);
        if (!scenario_.deadline_hours && !scenario_.budget_usd) continue;
        row.drawn = money::draw_bills(
            row.bill, row.needs, row.supply, world_.assumptions,
            {scenario_.deadline_hours.value_or(0), scenario_.budget_usd.value_or(0)}, 1000);
      }
    if (answer_.outcome == Outcome::chosen) {
      answer_.trades = trades_of(answer_);
      return;
    }
    if (!answer_.rows.empty()) {
      answer_.outcome = Outcome::over_limits;
      answer_.why_not = limits_of(answer_);
    } else if (answer_.n_sites > 0) {
      answer_.outcome = Outcome::does_not_fit;
      answer_.why_not = {too_small_.empty() ? "no engine runs this job on these devices"
                                            : too_small_};
      if (closest_engine_ != nullptr)
        for (std::string& way : ways_out(scenario_, world_, closest_site_, *closest_engine_))
          answer_.why_not.push_back(std::move(way));
    } else {
      answer_.why_not = {"no offer is known for the hardware that the scenario allows"};
    }
  }

  const Scenario& scenario_;
  const World& world_;
  Answer answer_;
  std::string too_small_;
  double closest_ = 0;
  Site closest_site_;
  const fast::EngineSpec* closest_engine_ = nullptr;
};

}  // namespace

Answer answer_of(const Scenario& scenario, const World& world) {
  return Comparer(scenario, world).run();
}

std::vector<const Row*> front_of(const Answer& answer) {
  std::vector<const Row*> front;
  for (const Row& row : answer.rows)
    if (row.on_front) front.push_back(&row);
  std::stable_sort(front.begin(), front.end(), [](const Row* a, const Row* b) {
    return a->bill.wall_hours.mid < b->bill.wall_hours.mid;
  });
  return front;
}

std::string risk_of(const Row& row, const Scenario& scenario) {
  std::string risk;
  const auto add = [&](const std::string& text) { risk += (risk.empty() ? "" : ", ") + text; };
  if (!row.within_budget) add("over budget");
  if (!row.within_deadline) add("too late");
  if (row.within_budget && scenario.budget_usd && row.bill.usd.high > *scenario.budget_usd)
    add(std::isfinite(row.bill.usd.high)
            ? fmt::format("up to {}", format_dollars(Dollars(row.bill.usd.high)))
            : "no upper bound");
  if (row.within_deadline && row.in_time >= 0 && row.in_time < 0.995)
    add(fmt::format("late {:.0f} %", std::max(1.0, 100 * (1 - row.in_time))));
  if (row.layout->estimate.verdict == Verdict::tight) add("memory tight");
  if (row.bill.n_interruptions >= 0.5)
    add(fmt::format("{:.{}f} interruptions", row.bill.n_interruptions,
                    row.bill.n_interruptions < 9.95 ? 1 : 0));
  return risk.empty() ? "-" : risk;
}

}  // namespace aforo::scenarios
