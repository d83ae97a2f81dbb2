#pragma once
// Owning instead of renting: power, electricity, wear, and when a purchase pays.

#include "planner/money/assumptions.h"
#include "planner/spec/hardware.h"

namespace aforo::money {

/// Power of `n_devices` cards in `n_machines` that train, at the plug of the building, in kW:
///
///   (utilisation x TDP x devices + host) x PUE / 1000
///
/// host: host_watts a machine at home, host_share_of_tdp x TDP a device in a data center. A
/// measured power of a device takes the place of utilisation x TDP. Zero if neither is known.
double kilowatts(Watts tdp, int n_devices, int n_machines, bool at_home, const Assumptions& all,
                 double measured_watts_per_device = 0);

/// Dollars that a machine loses in value for an hour of use: (purchase - resale) / hours of use.
double wear_usd_per_hour(double purchase_usd, double resale_usd, double hours_of_use);

/// Hours after which a purchase has paid: (purchase - resale) / (rent - power), both an hour.
/// Infinite if renting costs no more than power.
double break_even_hours(double purchase_usd, double resale_usd, double rent_usd_per_hour,
                        double power_usd_per_hour);

}  // namespace aforo::money
