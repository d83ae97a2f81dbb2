#include "cli/bill_options.h"

#include <fmt/format.h>

#include "cli/inputs.h"
#include "planner/base/error.h"
#include "planner/base/quantity.h"

namespace aforo::cli {
namespace {

std::optional<double> hours(const Arguments& args, const char* option) {
  const auto time = quantity<Seconds>(args, option, parse_seconds, expected_seconds);
  return time ? std::optional<double>(time->value / 3600) : std::nullopt;
}

std::optional<double> gigabytes(const Arguments& args, const char* option) {
  const auto size = quantity<Bytes>(args, option, parse_bytes, expected_bytes);
  return size ? std::optional<double>(as_gb(*size)) : std::nullopt;
}

std::optional<double> not_negative(const Arguments& args, const char* option) {
  const auto value = args.find<double>(option);
  if (value && !(*value >= 0 && *value < 1e12))
    throw InputError(fmt::format("--{} is {}; expected 0 or more", option, *value));
  return value;
}

}  // namespace

void add_bill_options(po::options_description& options) {
  options.add_options()("setup", po::value<std::string>(),
                        "time to boot and install, paid; default 15 min (6 to 45)")(
      "repeated-share", po::value<double>(),
      "work of failed and repeated runs over that of training; default 0.2 (0 to 0.3)")(
      "evaluation-share", po::value<double>(), "time of validation over training; default 0.02")(
      "download", po::value<std::string>(),
      "data and weights to the machine; default: the tokens, with adapters the weights too")(
      "upload", po::value<std::string>(), "what is taken home; default: 16-bit trained weights")(
      "disk", po::value<std::string>(),
      "default: 50 GB a machine, download and the checkpoints kept")(
      "stopped", po::value<std::string>(), "time in which the machine is stopped but kept")(
      "checkpoints-kept", po::value<int>(), "default 2")("usd-per-kwh", po::value<double>(),
                                                         "of own machines; default: US households")(
      "power-per-device", po::value<std::string>(),
      "measured, of own machines, such as \"300 W\"; default: 0.9 of the TDP")(
      "purchase-usd", po::value<double>(),
      "of own machines in all: counts their wear; default: none");
}

scenarios::BillWishes read_bill_wishes(const Arguments& args) {
  scenarios::BillWishes wishes;
  if (const auto setup = hours(args, "setup")) wishes.setup_hours = exactly(*setup);
  if (const auto share = not_negative(args, "repeated-share"))
    wishes.repeated_share = exactly(*share);
  wishes.evaluation_share = not_negative(args, "evaluation-share");
  wishes.download_gb = gigabytes(args, "download");
  wishes.upload_gb = gigabytes(args, "upload");
  wishes.disk_gb = gigabytes(args, "disk");
  wishes.stopped_hours = hours(args, "stopped");
  if (const auto kept = args.find<int>("checkpoints-kept")) {
    if (*kept < 0)
      throw InputError(fmt::format("--checkpoints-kept is {}; expected 0 or more", *kept));
    wishes.checkpoints_kept = *kept;
  }
  wishes.usd_per_kwh = not_negative(args, "usd-per-kwh");
  if (const auto power = quantity<Watts>(args, "power-per-device", parse_watts, expected_watts))
    wishes.watts_per_device = power->value;
  wishes.purchase_usd = not_negative(args, "purchase-usd");
  return wishes;
}

std::optional<double> read_budget(const Arguments& args) {
  const auto budget = args.find<double>("budget-usd");
  if (budget && !(*budget > 0))
    throw InputError(fmt::format("--budget-usd is {}; expected more than 0", *budget));
  return budget;
}

std::optional<double> read_deadline_hours(const Arguments& args) {
  const auto deadline = hours(args, "deadline");
  if (deadline && !(*deadline > 0)) throw InputError("--deadline is 0; expected more than 0");
  return deadline;
}

}  // namespace aforo::cli
