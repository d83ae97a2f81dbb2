#include "planner/spec/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "planner/base/error.h"
#include "planner/base/numbers.h"
#include "planner/base/text.h"
#include "planner/spec/enum_tables.h"

namespace aforo {

PrecisionRecipe recipe_of(Precision precision) {
  switch (precision) {
    case Precision::fp32:
    case Precision::tf32:
      return {Dtype::fp32, false, false};
    case Precision::bf16:
    case Precision::fp8:
    case Precision::fp4:
      return {Dtype::bf16, true, false};
    case Precision::fp16:
      return {Dtype::fp16, true, true};
  }
  return {Dtype::fp32, false, false};
}

std::string describe_recompute(const std::vector<Recompute>& recompute) {
  std::string out;
  for (std::size_t i = 0; i < recompute.size();) {
    std::size_t end = i;
    while (end < recompute.size() && recompute[end] == recompute[i]) ++end;
    const std::string_view name = enum_name(recompute[i]);
    if (i == 0 && end == recompute.size()) return std::string(name);
    out += fmt::format("{}{} x{}", out.empty() ? "" : ", ", name, end - i);
    i = end;
  }
  return out;
}

namespace {

/// A run such as "full x12"; nothing if it is none.
std::optional<std::pair<Recompute, std::int64_t>> parse_run(std::string_view run) {
  while (run.starts_with(' ')) run.remove_prefix(1);
  const std::size_t cross = run.find(" x");
  if (cross == std::string_view::npos) return std::nullopt;
  const Recompute* kind = find_enum<Recompute>(run.substr(0, cross));
  const auto count = parse_integer(run.substr(cross + 2));
  if (kind == nullptr || !count || *count < 1) return std::nullopt;
  return std::pair(*kind, *count);
}

/// Layers named by the runs of a list; nothing if one is none or they name more than `n_layers`.
std::optional<std::vector<Recompute>> parse_runs(std::string_view text, std::size_t n_layers) {
  std::vector<Recompute> layers;
  while (true) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const auto run = parse_run(text.substr(0, comma));
    if (!run || static_cast<std::size_t>(run->second) > n_layers - layers.size())
      return std::nullopt;
    layers.insert(layers.end(), static_cast<std::size_t>(run->second), run->first);
    if (comma == text.size()) return layers;
    text.remove_prefix(comma + 1);
  }
}

std::vector<Recompute> full_on_every(std::int64_t every, std::size_t n_layers) {
  std::vector<Recompute> layers(n_layers, Recompute::none);
  for (std::size_t i = 0; i < n_layers; i += static_cast<std::size_t>(every))
    layers[i] = Recompute::full;
  return layers;
}

}  // namespace

std::vector<Recompute> parse_recompute(const std::string& text, int n_layers) {
  const std::size_t n = static_cast<std::size_t>(n_layers);
  if (const Recompute* kind = find_enum<Recompute>(text)) return std::vector<Recompute>(n, *kind);
  if (text.starts_with("every ")) {
    const auto every = parse_integer(std::string_view(text).substr(6));
    if (every && *every >= 1) return full_on_every(*every, n);
  } else if (const auto layers = parse_runs(text, n); layers && layers->size() == n) {
    return *layers;
  }
  throw InputError(fmt::format(
      "recompute is {}; expected none, selective, full, \"every K\" (full on every K-th layer) or "
      "runs such as \"full x12, none x20\" that name all {} layers",
      shown(text), n_layers));
}

std::string stage_problem(const Parallelism& p, int n_layers) {
  const int first = p.first_stage_layers, last = p.last_stage_layers;
  if (!p.uneven_stages()) return "";
  if (p.pp < 2)
    return fmt::format("first_stage_layers {} and last_stage_layers {} need pp above 1", first,
                       last);
  if (first < 1 || last < 1)
    return fmt::format(
        "first_stage_layers is {} and last_stage_layers {}; give both, of at least one layer",
        first, last);
  const int rest = n_layers - first - last, between = p.pp - 2;
  const bool even = between > 0 ? rest >= between && rest % between == 0 : rest == 0;
  if (even) return "";
  return fmt::format(
      "first_stage_layers {} and last_stage_layers {} leave {} of {} layers for the {} stages "
      "between them, which does not divide evenly",
      first, last, rest, n_layers, between);
}

std::string describe(const ZeroPlusPlus& parts) {
  std::string out;
  const std::pair<const char*, bool> names[] = {
      {"qwz", parts.qwz}, {"hpz", parts.hpz}, {"qgz", parts.qgz}};
  for (const auto& [name, on] : names)
    if (on) out += fmt::format("{}{}", out.empty() ? "" : ", ", name);
  return out.empty() ? "none" : out;
}

ZeroPlusPlus parse_zeropp(const std::string& text) {
  ZeroPlusPlus parts{false, false, false};
  if (text == "none") return parts;
  std::string_view rest = text;
  while (true) {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    std::string_view name = rest.substr(0, comma);
    while (name.starts_with(' ')) name.remove_prefix(1);
    if (name == "qwz")
      parts.qwz = true;
    else if (name == "hpz")
      parts.hpz = true;
    else if (name == "qgz")
      parts.qgz = true;
    else
      throw InputError(fmt::format(
          "zeropp is {}; expected a list of qwz (quantized weights), hpz (secondary partition) and "
          "qgz (quantized gradients), or none",
          shown(text)));
    if (comma == rest.size()) return parts;
    rest.remove_prefix(comma + 1);
  }
}

}  // namespace aforo
