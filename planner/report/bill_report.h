#pragma once
// What `aforo bill` says: every line of a bill, with its interval and, on request, its formula.

#include <optional>
#include <string>

#include "planner/base/json.h"
#include "planner/money/risk.h"

namespace aforo {

/// A bill with what it was made from.
struct BillSheet {
  std::string job;    ///< one line; "" for bare hours
  std::string plan;   ///< in words; "" for bare hours
  std::string offer;  ///< "8 x h100-sxm, lambda on_demand, $19.92 an hour, as of ..."
  money::RunNeeds needs;
  money::Supply supply;
  money::Bill bill;
  std::optional<double> budget_usd, deadline_hours;
  double in_time = -1;  ///< closed form
  money::DrawnBills drawn;
  std::string rent_or_buy;  ///< a sentence; "" if no purchase price is known
  bool energy = false;      ///< kWh and CO2 are wanted
};

/// With `why` each line's formula.
std::string bill_text(const BillSheet& sheet, bool why);
std::string bill_json(const BillSheet& sheet);

}  // namespace aforo
