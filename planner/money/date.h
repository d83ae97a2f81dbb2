#pragma once
// Days: how old a price is.

#include <optional>
#include <string>
#include <string_view>

namespace aforo::money {

/// Days from 1970-01-01 to "2026-08-23"; nothing if that is no day of the calendar.
std::optional<int> day_number(std::string_view date);

/// The day on which a file was last written, in UTC. Throws InputError if it cannot be read.
std::string file_date(const std::string& path);

/// Days from `date` to `now`; nothing if one of them is no day. Below 0: from the future.
std::optional<int> age_days(std::string_view date, std::string_view now);

/// "96 days old", "from today", "from 3 days ahead"; "of unknown age" without a date.
std::string age_text(std::string_view date, std::string_view now);

/// "as of 2026-08-23, 96 days old".
std::string dated(std::string_view as_of, std::string_view now);

}  // namespace aforo::money
