#include "cli/budget_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "planner/base/error.h"
#include "planner/base/files.h"
#include "planner/base/format.h"
#include "planner/base/json.h"
#include "planner/base/json_reader.h"

namespace aforo::cli {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double price_of(const Arguments& args, const PlanFile& file) {
  if (const auto price = args.find<double>("usd-per-hour")) {
    if (!(*price > 0 && *price < 1e12))
      throw InputError(fmt::format("--usd-per-hour is {}; expected more than 0", *price));
    return *price;
  }
  const PlanFile::Prediction& p = file.prediction;
  if (p.dollars > 0 && p.hours > 0) return p.dollars / p.hours;
  throw InputError("--budget-usd needs a price: the plan has none, so give --usd-per-hour");
}

double spent_before(const std::string& path) {
  if (!std::filesystem::exists(path)) return 0;
  const JsonNode node = JsonNode::parse(read_file(path), path);
  const double spent = node.at("spent_usd").number();
  node.at("usd_per_hour").number();
  node.finish();
  if (!(spent >= 0)) throw InputError(fmt::format("{}: spent_usd is {}", path, spent));
  return spent;
}

}  // namespace

BudgetGuard::BudgetGuard(const Arguments& args, const PlanFile& file) {
  const auto budget = args.find<double>("budget-usd");
  if (!budget) {
    if (args.has("usd-per-hour"))
      throw InputError("--usd-per-hour is the price for --budget-usd, which is not given");
    return;
  }
  if (!(*budget > 0))
    throw InputError(fmt::format("--budget-usd is {}; expected more than 0", *budget));
  if (!args.has("checkpoint"))
    throw InputError(
        "--budget-usd needs --checkpoint FOLDER, so that nothing is lost at the limit");
  budget_usd_ = *budget;
  usd_per_hour_ = price_of(args, file);
  n_validation_batches_ = args.get<int>("evaluate-batches");
  // Until one is measured: what training holds of each parameter, at the rate of a slow disk.
  constexpr double checkpoint_bytes = 12, slow_disk = 1e8;
  longest_checkpoint_s_ =
      checkpoint_bytes * static_cast<double>(count_parameters(file.job.model).total()) / slow_disk;
  path_ = args.get<std::string>("checkpoint") + "/budget.json";
  if (args.has("resume")) before_usd_ = spent_before(path_);
  if (before_usd_ >= budget_usd_)
    throw Error(
        ExitCode::over_budget,
        fmt::format("nothing is left of the budget: {}; give a larger --budget-usd", text()));
}

void BudgetGuard::check_before_training() const {
  if (!on() || spent_usd() < budget_usd_) return;
  throw Error(
      ExitCode::over_budget,
      fmt::format("set-up alone is over the budget: {}; give a larger --budget-usd", text()));
}

bool BudgetGuard::step_done(Seconds time) {
  if (!on()) return false;
  longest_step_s_ = std::max(longest_step_s_, time.value);
  const double ahead = longest_step_s_ * (1 + n_validation_batches_) + 2 * longest_checkpoint_s_;
  stopped_ = spent_usd() + cost(ahead) > budget_usd_;
  return stopped_;
}

void BudgetGuard::checkpoint_done(Seconds time) {
  longest_checkpoint_s_ = std::max(longest_checkpoint_s_, time.value);
  if (on()) keep();
}

void BudgetGuard::keep() const {
  JsonWriter json;
  json.begin_object().field("spent_usd", spent_usd()).field("usd_per_hour", usd_per_hour_);
  json.end_object();
  write_file(path_, json.text() + "\n");
}

double BudgetGuard::spent_usd() const { return before_usd_ + cost(seconds_since(start_)); }

std::string BudgetGuard::text() const {
  return fmt::format("{} of {} at {} an hour", format_dollars(Dollars(spent_usd())),
                     format_dollars(Dollars(budget_usd_)), format_dollars(Dollars(usd_per_hour_)));
}

}  // namespace aforo::cli
