#pragma once
// One function per family: what its code fixes, and which keys of its config.json say the rest.

#include <string>
#include <vector>

#include "planner/spec/huggingface_config.h"
#include "planner/spec/model.h"

namespace aforo {

/// The model without its name; unchecked. Throws InputError if model_type is not supported or a key
/// asks for something that a ModelSpec cannot say.
ModelSpec read_family(const HuggingFaceConfig& config);

}  // namespace aforo
