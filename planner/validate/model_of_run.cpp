#include <algorithm>
#include <cmath>
#include <limits>

#include "planner/validate/setup_of_run.h"

namespace aforo::validate {
namespace {

/// Letters, digits and points, in lower case: "Qwen2.5-7B" must not become "Qwen2-57B".
std::string plain(const std::string& text) {
  std::string out;
  for (char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '.')
      out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// "GPT-2 architecture, 52B" is not gpt2; cut-down copies with fewer layers still are.
bool far_apart(const ModelSpec& model, const Run& run) {
  if (run.n_params == 0) return false;
  const double ratio =
      static_cast<double>(run.n_params) / static_cast<double>(count_parameters(model).total());
  return ratio > 4 || (ratio < 0.25 && run.n_layers == 0);
}

bool agrees(const ModelSpec& model, const Run& run) {
  const auto same = [](int stated, int ours) { return stated == 0 || stated == ours; };
  return !far_apart(model, run) && same(run.d_model, model.d_model) &&
         same(run.n_heads, model.attention.n_heads) &&
         (model.is_moe() || same(run.d_ff, model.mlp.d_ff));
}

/// Our model whose name begins the run's name, or the other way round; the longest first.
const ModelSpec* named_model(const Run& run, const Catalogue& catalogue) {
  const std::string name = plain(run.model_name);
  const ModelSpec* best = nullptr;
  std::size_t length = 2;
  for (const ModelSpec& model : catalogue.models) {
    const std::string ours = plain(model.name);
    const std::size_t common = std::min(ours.size(), name.size());
    const bool begins = name.starts_with(ours) || (common > 5 && ours.starts_with(name));
    if (common > length && begins && agrees(model, run)) {
      best = &model;
      length = common;
    }
  }
  return best;
}

/// Sets what the columns state; d_ff is never a column of mixtures.
void apply_columns(const Run& run, ModelSpec& model) {
  if (run.n_layers > 0) model.n_layers = run.n_layers;
  if (run.vocab > 0) model.vocab_size = static_cast<int>(run.vocab);
  model.max_seq_len = std::max(model.max_seq_len, run.seq_len);
}

bool has_plain_mlp(const std::string& name) {
  for (const char* family : {"gpt", "mpt", "bloom", "opt", "falcon", "pythia", "mtnlg", "nemotron",
                             "maxtext", "phi1", "phi2", "starcoder"})
    if (name.find(family) != std::string::npos) return true;
  return false;
}

/// Where heads are not stated: as many as layers, as GPT-2 and Megatron's models have, if that
/// makes heads of 64 to 128; else heads of 64.
int usual_heads(const Run& run) {
  const int d = run.d_model, n = run.n_layers;
  if (n > 0 && d % n == 0 && d / n >= 64 && d / n <= 128) return n;
  return std::max(1, d / 64);
}

/// A decoder of this shape with the family's habits.
ModelSpec shaped(const Run& run, bool gated, bool tied, int head_dim) {
  ModelSpec model;
  model.name = run.model_name;
  model.n_layers = run.n_layers;
  model.d_model = run.d_model;
  model.vocab_size = run.vocab > 0 ? static_cast<int>(run.vocab) : 50304;
  model.max_seq_len = run.seq_len;
  model.tie_embeddings = tied;
  const int heads = run.n_heads > 0 ? run.n_heads : usual_heads(run);
  model.attention.n_heads = heads;
  model.attention.n_kv_heads = run.n_kv_heads > 0 ? run.n_kv_heads : heads;
  model.attention.head_dim = head_dim > 0 ? head_dim : std::max(1, run.d_model / heads);
  model.mlp.d_ff = run.d_ff > 0 ? run.d_ff : 4 * run.d_model;
  model.mlp.activation = gated ? ActivationKind::swiglu : ActivationKind::gelu;
  model.position.kind = gated ? PositionKind::rope : PositionKind::learned;
  model.norm.kind = gated ? NormKind::rms_norm : NormKind::layer_norm;
  if (!gated) {
    model.norm.bias = true;
    model.attention.qkv_bias = model.attention.out_bias = model.mlp.bias = true;
  }
  return model;
}

ModelSpec nearest_shape(const Run& run) {
  const bool usual = !has_plain_mlp(plain(run.model_name));
  if (run.n_params == 0) return shaped(run, usual, !usual, 0);
  ModelSpec best;
  double nearest = std::numeric_limits<double>::max();
  for (bool gated : {usual, !usual})
    for (bool tied : {!usual, usual})
      for (int head_dim : {0, 128, 256}) {
        const ModelSpec model = shaped(run, gated, tied, head_dim);
        const double ratio = static_cast<double>(count_parameters(model).total()) /
                             static_cast<double>(run.n_params);
        const double off = std::abs(std::log(ratio));
        if (off < nearest - 0.01) nearest = off, best = model;
      }
  return best;
}

}  // namespace

ModelSpec model_of(const Run& run, const Catalogue& catalogue) {
  ModelSpec model;
  if (const ModelSpec* named = named_model(run, catalogue))
    model = *named;
  else if (run.n_layers > 0 && run.d_model > 0)
    model = nearest_shape(run);
  apply_columns(run, model);
  return model;
}

}  // namespace aforo::validate
