#pragma once
// A number with the ends between which it should lie.

namespace aforo {

/// `mid` is the best guess; 80 % of outcomes are meant to lie from `low` to `high`.
struct Interval {
  double low = 0, mid = 0, high = 0;
};

constexpr Interval exactly(double value) { return {value, value, value}; }

/// End by end, as if both were low together and high together: wider than for independent parts.
constexpr Interval operator+(const Interval& a, const Interval& b) {
  return {a.low + b.low, a.mid + b.mid, a.high + b.high};
}

/// `factor` must not be negative.
constexpr Interval operator*(const Interval& a, double factor) {
  return {a.low * factor, a.mid * factor, a.high * factor};
}

/// End by end; neither may reach below 0.
constexpr Interval operator*(const Interval& a, const Interval& b) {
  return {a.low * b.low, a.mid * b.mid, a.high * b.high};
}

}  // namespace aforo
