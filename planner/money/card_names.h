#pragma once
// Which accelerator a price list means: catalogues write "H100", "A100-80GB-SXM4", "RTX6000-Ada" or
// "NVIDIA GeForce RTX 4090" for what profiles call h100-sxm, a100-sxm-80, rtx-6000-ada, rtx-4090.

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "planner/spec/hardware.h"

namespace aforo::money {

/// A name taken apart: family "a100", form "sxm", memory 80.
struct CardName {
  std::string family;  ///< lower case, without separators and makers' names
  std::string form;    ///< sxm, pcie, nvl; "" if the name does not say
  int memory_gb = 0;   ///< 0 if the name does not say
};
CardName parse_card_name(std::string_view text);

/// What a name stands for: one card, or why not.
struct CardMatch {
  std::string accelerator;  ///< name of a profile; "" if there is no single one
  bool merged = false;      ///< several cards bear this name
  std::string problem;      ///< for a report; "" if accelerator is set
};

/// Built once, asked for every row.
class CardNames {
 public:
  explicit CardNames(const std::vector<AcceleratorSpec>& cards);

  /// `memory_gb` is what the row says of one card, 0 if nothing. A name that several cards share
  /// (A100 of 40 and 80 GB, H100 as SXM and PCIe) is no match unless form or memory tell them
  /// apart: a wrong card would be off by a factor in price and speed. Memory that is further than
  /// 15 % from the profile's is a changed card: no match either.
  CardMatch find(std::string_view name, double memory_gb = 0) const;

 private:
  struct Card {
    std::string name, form;
    double memory_gb = 0;
  };
  std::vector<Card> cards_;
  std::unordered_map<std::string, std::vector<int>> of_family_;
};

}  // namespace aforo::money
