#pragma once
// Models from files: our YAML (models/README.md has the keys) or a Hugging Face config.json.

#include <string>
#include <vector>

#include "planner/base/yaml_reader.h"
#include "planner/spec/model.h"

namespace aforo {

/// Reads a model map, fills in defaults and checks it. Throws InputError with place and both
/// values.
ModelSpec read_model(const YamlNode& node);

/// A path to a YAML file, to a config.json or to a folder that holds one; else a name in models/.
/// Throws InputError naming the nearest model.
ModelSpec find_model(const std::string& name_or_path);

/// Every name in models/, sorted.
std::vector<std::string> model_names();

/// Canonical YAML with every key, indented by `indent`; read_model(write_model(m)) gives m back.
std::string write_model(const ModelSpec& model, int indent = 0);

/// Checks shapes: positive sizes, n_kv_heads dividing n_heads, an even rotated part, sizes whose
/// products fit 63 bits. Returns the first problem as "key is value, which ...", or "".
std::string model_problem(const ModelSpec& model);

/// Translates a Hugging Face config.json. Throws InputError naming model_type and what is
/// supported.
ModelSpec read_huggingface_config(const std::string& text, const std::string& file);

}  // namespace aforo
