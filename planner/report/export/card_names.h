#pragma once
// Our accelerators as marketplaces spell them.

#include <string>

#include "planner/report/export/export.h"

namespace aforo {

enum class CardNaming { skypilot, vast };

/// --card-name, else from our table. Throws InputError naming the option where the table has none.
std::string card_name(const ExportRequest& request, CardNaming naming);

}  // namespace aforo
