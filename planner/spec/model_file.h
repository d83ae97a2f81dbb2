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

/// A name in models/; else a path to a YAML file, to a config.json or to a folder that holds one.
/// What has a "/" or ends in .yaml or .json is always a path. Throws InputError naming the nearest
/// model.
ModelSpec find_model(const std::string& name_or_path);

/// Every name in models/, sorted.
std::vector<std::string> model_names();

/// Canonical YAML with every key, indented by `indent`; read_model(write_model(m)) gives m back.
std::string write_model(const ModelSpec& model, int indent = 0);

/// Checks shapes: positive sizes, n_kv_heads dividing n_heads, an even rotated part, experts that
/// some layer has, sizes whose products fit 63 bits. Returns the first problem as "key is value,
/// which ...", or "". read_model and read_huggingface_config have checked what they return.
std::string model_problem(const ModelSpec& model);

/// Translates a Hugging Face config.json of a decoder; absent keys have the defaults of that
/// model's class in transformers. `file` stands for it in messages, and its folder may name the
/// model. What changes neither shape nor cost is passed over: rope scaling, soft caps, dropout,
/// layers without rope, how experts are balanced; so are extra layers that predict further tokens.
/// Throws InputError naming the key, and the model types that are supported.
ModelSpec read_huggingface_config(const std::string& text, const std::string& file);

}  // namespace aforo
