#include "planner/scenarios/scenario.h"

#include <fmt/format.h>

#include <algorithm>

#include "planner/base/error.h"
#include "planner/base/numbers.h"
#include "planner/base/text.h"
#include "planner/spec/hardware_file.h"

namespace aforo::scenarios {
namespace {


struct Cards {
  std::string name;
  int count = 0;
};

/// "4x3090", "4 x 3090", "3090:4" or "3090"; count 0 if there is none.
Cards parse_cards(std::string_view text, std::string_view whole) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  std::string_view rest = text.substr(digits);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  Cards cards{std::string(text), 0};
  if (digits > 0 && rest.size() > 1 && rest.front() == 'x') {
    const auto count = parse_natural(text.substr(0, digits));
    if (!count || *count < 1 || *count > most_devices)
      throw InputError(fmt::format("{}: the number of devices is {}; expected 1 to {}",
                                   shown(whole), shown(text.substr(0, digits)), most_devices));
    rest.remove_prefix(1);
    while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
    return {std::string(rest), static_cast<int>(*count)};
  }
  if (text.rfind(':') == std::string_view::npos) return cards;
  const GpuRequest request = parse_gpu_request(std::string(text));
  return {request.name, request.count};
}

}  // namespace

Hardware parse_hardware(std::string_view text, const std::vector<AcceleratorSpec>& cards) {
  Hardware hardware;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string_view part = text.substr(at, end - at);
    at = end + 1;
    while (!part.empty() && part.front() == ' ') part.remove_prefix(1);
    if (part.empty()) continue;
    const bool owned = part.starts_with("owned:"), rent = part.starts_with("rent:");
    if (!owned && !rent)
      throw InputError(fmt::format(
          "{}: expected owned:[Nx]CARD or rent:any or rent:[Nx]CARD, as in owned:4x3090,rent:any",
          shown(part)));
    const Cards wanted = parse_cards(part.substr(owned ? 6 : 5), part);
    if (rent && wanted.name == "any") {
      hardware.rented.push_back({"", wanted.count});
      continue;
    }
    std::string name = match_accelerator(wanted.name, cards);
    if (name.empty()) name = find_accelerator(wanted.name).name;  // throws, and names the nearest
    if (owned)
      hardware.owned.push_back({name, std::max(1, wanted.count)});
    else
      hardware.rented.push_back({name, wanted.count});
  }
  if (hardware.owned.empty() && hardware.rented.empty())
    throw InputError("no hardware is named; expected such as owned:4x3090,rent:any");
  return hardware;
}

int default_batch(Method method, int seq_len) {
  if (method != Method::full) return 16;
  int batch = 1;
  while (2 * batch * static_cast<std::int64_t>(seq_len) <= (1 << 19)) batch *= 2;
  return batch;
}

}  // namespace aforo::scenarios
