#pragma once
// Scores against published runs, for people, programs and docs/validation.md.

#include <string>

#include "planner/validate/validation.h"

namespace aforo {

/// A table of groups, then the totals beside the rivals'.
std::string validation_text(const validate::Validation& validation);

/// schema_version 1; keys as the fields of validate::GroupScore. docs/formats.md lists them.
std::string validation_json(const validate::Validation& validation);

/// Markdown tables of the same.
std::string validation_markdown(const validate::Validation& validation);

}  // namespace aforo
