#pragma once
// Families with experts or latent attention, as Hugging Face's config.json files write them.

#include "planner/spec/huggingface_config.h"
#include "planner/spec/model.h"

namespace aforo {

/// Each as read_family: unchecked and without a name; throws InputError on a key that a ModelSpec
/// cannot follow. Not read: what only routing does (groups, scaling, balancing losses), layers that
/// predict further tokens.
ModelSpec deepseek(const HuggingFaceConfig& config);
ModelSpec deepseek_v2(const HuggingFaceConfig& config);
ModelSpec deepseek_v3(const HuggingFaceConfig& config);
ModelSpec gpt_oss(const HuggingFaceConfig& config);
ModelSpec llama4_text(const HuggingFaceConfig& config);
ModelSpec mixtral(const HuggingFaceConfig& config);
ModelSpec olmoe(const HuggingFaceConfig& config);
ModelSpec qwen2_moe(const HuggingFaceConfig& config);
ModelSpec qwen3_moe(const HuggingFaceConfig& config);

}  // namespace aforo
