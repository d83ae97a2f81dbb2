#pragma once
// The control buffer: fp32 scalars that live on the device, so that no step waits for the host.

namespace aforo::control {

enum Index : int {
  loss_scale = 0,       ///< the loss gradient is multiplied by it (1 without loss scaling)
  gradient_multiplier,  ///< clip / loss_scale: the optimizer multiplies gradients by it
  skip,                 ///< 1: gradients overflowed, the optimizer leaves everything as it is
  good_steps,           ///< steps since the loss scale last changed
  gradient_norm,        ///< of the true gradient, before clipping
  n_skipped,            ///< skipped steps so far
  optimizer_steps,  ///< steps that were not skipped, this one included: the t of bias correction
  size = 8,
};

}  // namespace aforo::control

namespace aforo::schedule {

/// The schedule buffer: fp32 scalars that the training loop writes before each step.
enum Index : int { learning_rate = 0, size = 4 };

}  // namespace aforo::schedule
