#include "planner/money/date.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "planner/base/error.h"
#include "planner/base/numbers.h"

namespace aforo::money {
namespace {

using std::chrono::sys_days;
using std::chrono::year_month_day;

std::string text_of(sys_days day) {
  const year_month_day date(day);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

}  // namespace

std::optional<int> day_number(std::string_view date) {
  if (!is_date(date)) return std::nullopt;
  const auto part = [&](int at, int n) {
    return static_cast<unsigned>(*parse_natural(date.substr(at, n)));
  };
  const year_month_day day(std::chrono::year(static_cast<int>(part(0, 4))),
                           std::chrono::month(part(5, 2)), std::chrono::day(part(8, 2)));
  if (!day.ok()) return std::nullopt;
  return static_cast<int>(sys_days(day).time_since_epoch().count());
}

std::string file_date(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0)
    throw InputError(fmt::format("{}: cannot read: {}", path, std::strerror(errno)));
  return text_of(std::chrono::floor<std::chrono::days>(
      std::chrono::system_clock::from_time_t(status.st_mtime)));
}

std::optional<int> age_days(std::string_view date, std::string_view now) {
  const auto then = day_number(date), here = day_number(now);
  if (!then || !here) return std::nullopt;
  return *here - *then;
}

std::string age_text(std::string_view date, std::string_view now) {
  const auto days = age_days(date, now);
  if (!days) return "of unknown age";
  if (*days == 0) return "from today";
  if (*days < 0) return fmt::format("from {} days ahead", -*days);
  return fmt::format("{} day{} old", *days, *days == 1 ? "" : "s");
}

std::string dated(std::string_view as_of, std::string_view now) {
  return fmt::format("as of {}, {}", as_of, age_text(as_of, now));
}

}  // namespace aforo::money
