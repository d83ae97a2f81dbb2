#pragma once
// What a step waits for where tensors live on the host or on its drives.

#include "planner/fast/exchange.h"

namespace aforo::fast {

/// Exposed seconds of activations that leave during forward and return during backward:
///
///   m * max(0, moved / host_link - compute)
///
/// `moved` bytes of one micro-step on one device, out and back; `compute` its forward and backward
/// seconds.
double activation_offload(const Setup& setup, const Rates& rates, double moved, double compute);

/// Exposed seconds a step of optimizer states that wait elsewhere, for `trained` parameters of one
/// device's share. Where the device updates (Setup::host_optimizer false) states come and go:
///
///   2 * states / host_link            and from NVMe through the host's memory, the slower of both
///
/// Where the host does (ZeRO-Offload, ZeRO-Infinity), gradients go down behind the backward pass,
/// the host reads and writes states at the speed of its memory, drives read and write them
/// meanwhile, and weights come back:
///
///   max(update, states / read + states / write) + 2 trained / host_link
///
/// Sources: Ren et al. 2021 (ZeRO-Offload), Rajbhandari et al. 2021 (ZeRO-Infinity).
double state_offload(const Setup& setup, const Cluster& cluster, const Rates& rates, double trained,
                     double backward);

}  // namespace aforo::fast
