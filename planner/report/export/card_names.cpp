#include "planner/report/export/card_names.h"

#include <fmt/format.h>

#include "planner/base/error.h"

namespace aforo {
namespace {

struct CardNames {
  std::string_view ours, skypilot, vast;  ///< "": not to be had there, as far as we know
};

/// SkyPilot: names in its 0.14.1 sources and catalogs v9. Vast: gpu_name of its offers, with "_"
/// for spaces (vastai 1.9.1); cards that come in two sizes are told apart by gpu_ram.
constexpr CardNames card_names[] = {
    {"a10", "A10", "A10"},
    {"a100-pcie-40", "A100", "A100_PCIE"},
    {"a100-pcie-80", "A100-80GB", "A100_PCIE"},
    {"a100-sxm-40", "A100", "A100_SXM4"},
    {"a100-sxm-80", "A100-80GB", "A100_SXM4"},
    {"a10g", "A10G", ""},
    {"a40", "A40", "A40"},
    {"b200-sxm", "B200", "B200"},
    {"b300-sxm", "B300", "B300"},
    {"gh200", "GH200", "GH200_SXM"},
    {"h100-nvl", "H100-NVL", "H100_NVL"},
    {"h100-pcie", "H100", "H100_PCIE"},
    {"h100-sxm", "H100", "H100_SXM"},
    {"h200-nvl", "H200", "H200_NVL"},
    {"h200-sxm", "H200", "H200"},
    {"l4", "L4", "L4"},
    {"l40", "L40", "L40"},
    {"l40s", "L40S", "L40S"},
    {"mi300x", "MI300X", ""},
    {"rtx-3080", "RTX3080", "RTX_3080"},
    {"rtx-3090", "RTX3090", "RTX_3090"},
    {"rtx-3090-ti", "RTX3090Ti", "RTX_3090_Ti"},
    {"rtx-4070-ti-super", "", "RTX_4070S_Ti"},
    {"rtx-4080", "RTX4080", "RTX_4080"},
    {"rtx-4090", "RTX4090", "RTX_4090"},
    {"rtx-5060-ti", "", "RTX_5060_Ti"},
    {"rtx-5070-ti", "", "RTX_5070_Ti"},
    {"rtx-5080", "RTX5080", "RTX_5080"},
    {"rtx-5090", "RTX5090", "RTX_5090"},
    {"rtx-6000-ada", "RTX6000-Ada", "RTX_6000Ada"},
    {"rtx-a4000", "RTXA4000", "RTX_A4000"},
    {"rtx-a5000", "RTXA5000", "RTX_A5000"},
    {"rtx-a6000", "RTXA6000", "RTX_A6000"},
    {"rtx-pro-6000", "RTXPRO6000", "RTX_PRO_6000_WS"},
    {"t4", "T4", "Tesla_T4"},
    {"v100-sxm-16", "V100", "Tesla_V100"},
    {"v100-sxm-32", "V100-32GB", "Tesla_V100"},
};

}  // namespace

std::string card_name(const ExportRequest& request, CardNaming naming) {
  if (!request.card_name.empty()) return request.card_name;
  const std::string ours = request.card ? request.card->name : request.plan->hardware;
  for (const CardNames& names : card_names) {
    const std::string_view theirs = naming == CardNaming::skypilot ? names.skypilot : names.vast;
    if (names.ours == ours && !theirs.empty()) return std::string(theirs);
  }
  throw InputError(fmt::format("no name of {} is known at {}; give --card-name", ours,
                               naming == CardNaming::skypilot ? "SkyPilot" : "Vast"));
}

}  // namespace aforo
