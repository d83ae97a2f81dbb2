#include <filesystem>

#include "planner/spec/huggingface_families.h"
#include "planner/spec/model_file.h"

namespace fs = std::filesystem;

namespace aforo {
namespace {

/// "meta-llama/Llama-2-7b-hf" -> "Llama-2-7b-hf"; else the folder of the file; else the model type.
std::string model_name(const HuggingFaceConfig& config, const std::string& file) {
  const std::string given = config.string({"_name_or_path"}, "");
  if (const std::string name = fs::path(given).filename().string(); !name.empty() && name != ".")
    return name;
  if (const std::string name = fs::path(file).parent_path().filename().string();
      !name.empty() && name != "." && name != "..")
    return name;
  return config.string({"model_type"}, "");
}

}  // namespace

ModelSpec read_huggingface_config(const std::string& text, const std::string& file) {
  const JsonNode root = JsonNode::parse(text, file);
  if (!root.is_object()) root.fail("expected a JSON object, as in a Hugging Face config.json");
  const HuggingFaceConfig config(root);
  ModelSpec model = read_family(config);
  model.name = model_name(config, file);
  if (const std::string problem = model_problem(model); !problem.empty()) config.fail(problem);
  return model;
}

}  // namespace aforo
