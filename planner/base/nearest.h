#pragma once
// "did you mean ...?": the nearest of some names by edit distance.

#include <string>
#include <string_view>
#include <vector>

namespace aforo {

/// Insertions, deletions and substitutions that turn `a` into `b`.
int edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `name`, if at most a third of its letters differ; else "", and for
/// names longer than 64, which are no slip of the keyboard.
std::string nearest(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace aforo
