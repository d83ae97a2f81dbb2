#include <fmt/format.h>

#include "planner/base/format.h"
#include "planner/money/bill.h"

namespace aforo::money {
namespace {

std::string dollars(double usd) { return format_dollars(Dollars(usd)); }

std::string with_sum(const std::string& formula, const BillLine& line) {
  return fmt::format("{} = {}", formula, dollars(line.usd.mid));
}

std::string held(const BillLine& line, double rate) {
  return fmt::format("{:.2f} h x ${:.3f}", line.hours.mid, rate);
}

std::string why_interrupted(const Bill& bill) {
  const Interruptions& in = bill.interruptions;
  return fmt::format(
      "one in {:.4g} h, restart {:.2f} h, checkpoint {} every {:.2f} h (Young-Daly): {:.2f} "
      "expected",
      in.mean_hours_between, in.restart_hours, format_time(Seconds(3600 * in.checkpoint_hours)),
      bill.checkpoint_every_hours, bill.n_interruptions);
}

std::string monthly(double gb, double usd, double hours) {
  return fmt::format("{:.4g} GB x ${:g} / 730 h x {:.2f} h", gb, usd, hours);
}

}  // namespace

std::string formula(Line which, const Bill& bill, const RunNeeds& needs, const Supply& supply) {
  const BillLine& line = bill[which];
  const double rate = supply.usd_per_hour;
  const double outages = bill.wall_hours.mid - bill.held_hours.mid;
  switch (which) {
    case Line::setup:
    case Line::training:
      return with_sum(held(line, rate), line);
    case Line::download:
      return with_sum(fmt::format("{:.4g} GB / ({:g} GB/h x {}) x ${:.3f} + {:.4g} GB x ${:g}",
                                  needs.download_gb, needs.download_gb_per_hour, needs.n_machines,
                                  rate, needs.download_gb, supply.tariff.download),
                      line);
    case Line::evaluation:
      return with_sum(fmt::format("{:g} x {:.2f} h x ${:.3f}", needs.evaluation_share,
                                  needs.training_hours.mid, rate),
                      line);
    case Line::interruptions:
      return with_sum(held(line, rate), line) + "; " + why_interrupted(bill);
    case Line::repeated:
      return with_sum(fmt::format("{:g} x {:.2f} h x ${:.3f}", needs.repeated_share.mid,
                                  needs.training_hours.mid * (1 + needs.evaluation_share), rate),
                      line);
    case Line::disk:
      return with_sum(monthly(needs.disk_gb, supply.tariff.disk, bill.held_hours.mid), line);
    case Line::disk_stopped:
      return with_sum(
          monthly(needs.disk_gb, supply.tariff.disk_stopped, outages + needs.stopped_hours), line);
    case Line::checkpoints:
      return with_sum(fmt::format("{} x {}", needs.checkpoints_kept,
                                  monthly(needs.checkpoint_gb, supply.tariff.storage,
                                          bill.wall_hours.mid + needs.stopped_hours)),
                      line);
    case Line::upload:
      return with_sum(fmt::format("{:.4g} GB, by tier", needs.upload_gb), line);
    case Line::electricity:
      return with_sum(fmt::format("{:.3f} kW x {:.2f} h x ${:g} a kWh", supply.kilowatts,
                                  bill.held_hours.mid, supply.usd_per_kwh),
                      line);
    case Line::wear:
      return with_sum(
          fmt::format("{:.2f} h x ${:.4f}", bill.held_hours.mid, supply.wear_usd_per_hour), line);
    case Line::count:
      break;
  }
  return "";
}

}  // namespace aforo::money
