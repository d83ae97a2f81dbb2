#include "planner/money/card_names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>

#include "planner/base/numbers.h"
#include "planner/base/text.h"

namespace aforo::money {
namespace {

constexpr std::string_view makers[] = {"amd",    "aws",      "geforce", "google", "gpu",
                                       "habana", "instinct", "intel",   "nvidia", "tesla"};

/// Sizes that stand in names without a unit ("a100-80").
constexpr int sizes[] = {16, 24, 32, 40, 48, 64, 80, 94, 96, 128, 141, 180, 192, 256, 288};

constexpr double memory_tolerance = 0.15;

template <typename List, typename T>
bool among(const List& list, const T& value) {
  return std::find(std::begin(list), std::end(list), value) != std::end(list);
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words(1);
  for (char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0)
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    else if (!words.back().empty())
      words.emplace_back();
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

std::string form_of(const std::string& word) {
  if (word == "sxm" || (word.starts_with("sxm") && word.size() == 4) || word == "hbm3")
    return "sxm";
  if (word == "pcie" || word == "pcle" || word == "pci") return "pcie";
  return word == "nvl" ? "nvl" : "";
}

/// "80gb", "80gib", "80g" -> 80; a bare number only if it is a usual size.
int memory_of(const std::string& word) {
  const std::size_t n = word.find_first_not_of("0123456789");
  const auto number = parse_natural(std::string_view(word).substr(0, n));
  if (!number || *number == 0 || *number > 4096) return 0;
  const int value = static_cast<int>(*number);
  if (n == std::string::npos) return among(sizes, value) ? value : 0;
  const std::string unit = word.substr(n);
  return unit == "gb" || unit == "gib" || unit == "g" ? value : 0;
}

double in_gb(Bytes bytes) { return as_gb(bytes); }

/// Data sheets say "80 GB" where drivers see 80 GiB, so either may be meant.
bool same_memory(double row, double card) {
  const auto near = [&](double value) { return std::abs(value / card - 1) <= memory_tolerance; };
  return near(row) || near(row * 1.073741824);
}

}  // namespace

CardName parse_card_name(std::string_view text) {
  CardName name;
  for (const std::string& word : words_of(text)) {
    if (among(makers, word)) continue;
    if (const std::string form = form_of(word); !form.empty()) {
      name.form = form;
    } else if (const int memory = memory_of(word); memory > 0 && !name.family.empty()) {
      name.memory_gb = memory;
    } else {
      name.family += word;
    }
  }
  return name;
}

CardNames::CardNames(const std::vector<AcceleratorSpec>& cards) {
  for (const AcceleratorSpec& card : cards) {
    const int index = static_cast<int>(cards_.size());
    const CardName own = parse_card_name(card.name);
    cards_.push_back({card.name, own.form, in_gb(card.memory)});
    std::vector<std::string> families{own.family};
    for (const std::string& alias : card.aliases) families.push_back(parse_card_name(alias).family);
    for (const std::string& family : families) {
      std::vector<int>& of = of_family_[family];
      if (!family.empty() && !among(of, index)) of.push_back(index);
    }
  }
}

CardMatch CardNames::find(std::string_view text, double memory_gb) const {
  for (const Card& card : cards_)
    if (card.name == text && (memory_gb <= 0 || same_memory(memory_gb, card.memory_gb)))
      return {card.name, false, ""};
  const CardName name = parse_card_name(text);
  const auto found = of_family_.find(name.family);
  if (name.family.empty() || found == of_family_.end())
    return {"", false, fmt::format("no profile for accelerator {}", shown(text))};
  const double memory = memory_gb > 0 ? memory_gb : name.memory_gb;
  std::vector<std::string> right, others;
  for (int index : found->second) {
    const Card& card = cards_[index];
    if (!name.form.empty() && !card.form.empty() && card.form != name.form) continue;
    const bool fits = memory <= 0 || same_memory(memory, card.memory_gb);
    (fits ? right : others).push_back(card.name);
  }
  if (right.size() == 1) return {right.front(), false, ""};
  if (right.size() > 1)
    return {"", true, fmt::format("{} may be {}", shown(text), fmt::join(right, " or "))};
  if (!others.empty())
    return {
        "", false,
        fmt::format("{} with {:g} GB is no {}", shown(text), memory, fmt::join(others, " or "))};
  return {"", false, fmt::format("no profile for accelerator {} as {}", shown(text), name.form)};
}

}  // namespace aforo::money
