#include "planner/money/ownership.h"

#include <limits>

namespace aforo::money {

double kilowatts(Watts tdp, int n_devices, int n_machines, bool at_home, const Assumptions& all,
                 double measured_watts_per_device) {
  const double device = measured_watts_per_device > 0 ? measured_watts_per_device
                                                      : all.utilisation_of_tdp * tdp.value;
  if (device <= 0) return 0;
  const double host =
      at_home ? all.host_watts * n_machines : all.host_share_of_tdp * tdp.value * n_devices;
  const double pue = at_home ? all.home.pue : all.data_center.pue;
  return (device * n_devices + host) * pue / 1000;
}

double wear_usd_per_hour(double purchase_usd, double resale_usd, double hours_of_use) {
  return (purchase_usd - resale_usd) / hours_of_use;
}

double break_even_hours(double purchase_usd, double resale_usd, double rent_usd_per_hour,
                        double power_usd_per_hour) {
  const double saved = rent_usd_per_hour - power_usd_per_hour;
  if (saved <= 0) return std::numeric_limits<double>::infinity();
  return (purchase_usd - resale_usd) / saved;
}

}  // namespace aforo::money
