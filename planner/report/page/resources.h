#pragma once
// What a page carries: its style, its script, and the chart library. Embedded when aforo is built.

#include <string_view>

namespace aforo {

std::string_view page_style();   ///< page.css
std::string_view page_script();  ///< page.js
/// Chart.js 3 or 4, minified, as the distribution's package has it (MIT licence, notice inside);
/// empty if it was not found when aforo was built.
std::string_view chart_library();

}  // namespace aforo
