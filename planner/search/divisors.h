#pragma once
#include <algorithm>
#include <vector>

namespace aforo {

/// All divisors of n, rising.
inline std::vector<int> divisors(int n) {
  std::vector<int> low, high;
  for (int d = 1; static_cast<long long>(d) * d <= n; ++d)
    if (n % d == 0) {
      low.push_back(d);
      if (d != n / d) high.push_back(n / d);
    }
  low.insert(low.end(), high.rbegin(), high.rend());
  return low;
}

/// Those of `wanted` that are legal, in the order wanted; all legal ones if nothing is wanted.
inline std::vector<int> allowed(const std::vector<int>& wanted, const std::vector<int>& legal) {
  if (wanted.empty()) return legal;
  std::vector<int> both;
  for (int value : wanted)
    if (std::find(legal.begin(), legal.end(), value) != legal.end()) both.push_back(value);
  return both;
}

}  // namespace aforo
