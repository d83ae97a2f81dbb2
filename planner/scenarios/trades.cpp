#include "planner/scenarios/trades.h"

#include <fmt/format.h>

#include <functional>

#include "planner/base/format.h"

namespace aforo::scenarios {
namespace {

constexpr double more = 1.1;
constexpr double worth_saying = 0.01;

double usd(const Row& row) { return row.bill.usd.mid; }
double hours(const Row& row) { return row.bill.wall_hours.mid; }

std::string time_text(const Row& row) { return format_time(Seconds(3600 * hours(row))); }
std::string money_text(double amount) { return format_dollars(Dollars(amount)); }

std::string where(const Row& row) {
  return fmt::format("{} x {}, {}", row.option.site.n_devices, row.option.site.card->name,
                     name_of(row.option));
}

/// The row with the least `value` among those that `may` be taken; null if there is none.
const Row* least(const Answer& answer, const std::function<bool(const Row&)>& may,
                 double (*value)(const Row&)) {
  const Row* best = nullptr;
  for (const Row& row : answer.rows)
    if (may(row) && (best == nullptr || value(row) < value(*best))) best = &row;
  return best;
}

std::string more_money(const Answer& answer, const Row& chosen) {
  const Row* faster = least(
      answer, [&](const Row& row) { return usd(row) <= more * usd(chosen); }, hours);
  if (faster != nullptr && hours(*faster) < (1 - worth_saying) * hours(chosen))
    return fmt::format("10 % more money ({}) buys {} instead of {}: {} for {}",
                       money_text(more * usd(chosen)), time_text(*faster), time_text(chosen),
                       where(*faster), money_text(usd(*faster)));
  const Row* next = least(
      answer, [&](const Row& row) { return hours(row) < (1 - worth_saying) * hours(chosen); }, usd);
  if (next == nullptr) return "10 % more money buys nothing: no offer is faster";
  return fmt::format(
      "10 % more money buys nothing: the next faster is {} for {} ({:+.0f} %), in {}", where(*next),
      money_text(usd(*next)), 100 * (usd(*next) / usd(chosen) - 1), time_text(*next));
}

std::string more_time(const Answer& answer, const Row& chosen) {
  const Row* cheaper = least(
      answer, [&](const Row& row) { return hours(row) <= more * hours(chosen); }, usd);
  if (cheaper != nullptr && usd(*cheaper) < (1 - worth_saying) * usd(chosen))
    return fmt::format("10 % more time ({}) buys {} instead of {}: {} in {}",
                       format_time(Seconds(3600 * more * hours(chosen))), money_text(usd(*cheaper)),
                       money_text(usd(chosen)), where(*cheaper), time_text(*cheaper));
  const Row* next = least(
      answer, [&](const Row& row) { return usd(row) < (1 - worth_saying) * usd(chosen); }, hours);
  if (next == nullptr) return "10 % more time buys nothing: no offer is cheaper";
  return fmt::format(
      "10 % more time buys nothing: the next cheaper is {} in {} ({:+.0f} %), for {}", where(*next),
      time_text(*next), 100 * (hours(*next) / hours(chosen) - 1), money_text(usd(*next)));
}

std::string over(const Row& row, const Scenario& scenario) {
  std::string text;
  if (!row.within_budget)
    text +=
        fmt::format(", {:.0f} % over the budget of {}", 100 * (usd(row) / *scenario.budget_usd - 1),
                    money_text(*scenario.budget_usd));
  if (!row.within_deadline)
    text += fmt::format(", {:.0f} % over the deadline of {}",
                        100 * (hours(row) / *scenario.deadline_hours - 1),
                        format_time(Seconds(3600 * *scenario.deadline_hours)));
  return text;
}

}  // namespace

std::vector<std::string> trades_of(const Answer& answer) {
  const Row& chosen = answer.rows[answer.chosen];
  return {more_money(answer, chosen), more_time(answer, chosen)};
}

std::vector<std::string> limits_of(const Answer& answer) {
  const Scenario& scenario = *answer.scenario;
  std::vector<std::string> lines;
  const auto add = [&](const char* what, const Row* row) {
    if (row != nullptr)
      lines.push_back(fmt::format("{}: {} and {} on {}{}", what, money_text(usd(*row)),
                                  time_text(*row), where(*row), over(*row, scenario)));
  };
  if (scenario.deadline_hours)
    add("the cheapest that is done in time",
        least(
            answer, [](const Row& row) { return row.within_deadline; }, usd));
  if (scenario.budget_usd)
    add("the fastest within the budget",
        least(
            answer, [](const Row& row) { return row.within_budget; }, hours));
  add("the cheapest of all", least(
                                 answer, [](const Row&) { return true; }, usd));
  add("the fastest of all", least(
                                answer, [](const Row&) { return true; }, hours));
  return lines;
}

}  // namespace aforo::scenarios
