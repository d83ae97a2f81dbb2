#include "runtime/core/probe_grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace aforo {
namespace {

/// A linear layer y [rows, out] = x [rows, in] W^T, W [out, in].
struct Linear {
  std::int64_t rows, out, in;
};

// Rates level off towards large sizes, so a grid in powers of two interpolates well; products above
// this many multiplications say nothing new and take long.
constexpr std::int64_t most_multiplications = std::int64_t{1} << 30;
constexpr std::array<std::int64_t, 3> rows_axis = {256, 1024, 4096};
constexpr std::array<std::int64_t, 6> width_axis = {64, 128, 256, 512, 1024, 4096};
constexpr std::array<std::int64_t, 3> coarse_axis = {64, 512, 4096};
constexpr std::array<std::int64_t, 2> vocabulary_axis = {8192, 16384};
constexpr std::int64_t most_vocabulary_multiplications = std::int64_t{1} << 32;

template <typename Axis>
std::vector<Linear> linears(const Axis& widths) {
  std::vector<Linear> all;
  for (std::int64_t rows : rows_axis)
    for (std::int64_t out : widths)
      for (std::int64_t in : widths)
        if (rows * out * in <= most_multiplications) all.push_back({rows, out, in});
  return all;
}

/// Output layers: far wider than any other.
std::vector<Linear> vocabulary_linears() {
  std::vector<Linear> all;
  for (std::int64_t rows : rows_axis)
    for (std::int64_t out : vocabulary_axis)
      for (std::int64_t in : {256, 1024})
        if (rows * out * in <= most_vocabulary_multiplications) all.push_back({rows, out, in});
  return all;
}

enum class Product { forward, input_gradient, weight_gradient, added_weight_gradient };

Probe product(const Linear& layer, Product kind, Dtype dtype) {
  const auto [rows, out, in] = layer;
  switch (kind) {
    case Product::forward:
      return {Gemm{rows, out, in, false, true, false, false}, dtype, dtype};
    case Product::input_gradient:
      return {Gemm{rows, in, out, false, false, false, false}, dtype, dtype};
    case Product::weight_gradient:
      return {Gemm{out, in, rows, true, false, false, false}, dtype, Dtype::fp32};
    case Product::added_weight_gradient:
      return {Gemm{out, in, rows, true, false, false, true}, dtype, Dtype::fp32};
  }
  return {};
}

ProbeGroup product_group(const char* name, Product kind, Dtype dtype, double share,
                         const std::vector<Linear>& layers) {
  ProbeGroup group{fmt::format("products {} {}", name_of(dtype), name), share, true, {}};
  for (const Linear& layer : layers) group.probes.push_back(product(layer, kind, dtype));
  return group;
}

std::vector<ProbeGroup> product_groups() {
  std::vector<Linear> fine = linears(width_axis);
  for (const Linear& layer : vocabulary_linears()) fine.push_back(layer);
  std::vector<ProbeGroup> groups;
  for (Dtype dtype : {Dtype::fp32, Dtype::bf16}) {
    groups.push_back(product_group("nt", Product::forward, dtype, 0.09, fine));
    groups.push_back(product_group("nn", Product::input_gradient, dtype, 0.09, fine));
    groups.push_back(product_group("tn", Product::weight_gradient, dtype, 0.08, fine));
    groups.push_back(product_group("tn +=", Product::added_weight_gradient, dtype, 0.08, fine));
  }
  const std::vector<Linear> coarse = linears(coarse_axis);
  groups.push_back(product_group("nt", Product::forward, Dtype::fp16, 0.02, coarse));
  groups.push_back(product_group("nn", Product::input_gradient, Dtype::fp16, 0.02, coarse));
  groups.push_back(product_group("tn", Product::added_weight_gradient, Dtype::fp16, 0.02, coarse));
  return groups;
}

// Elements of an activation: a small micro-batch, a usual one, a large one. Below the first, times
// go with size; above the last, they go with memory.
constexpr std::array<std::int64_t, 3> activation_sizes = {1 << 15, 1 << 18, 1 << 21};
constexpr std::array<Dtype, 3> activation_types = {Dtype::fp32, Dtype::bf16, Dtype::fp16};

/// Adds a probe made by make(rows, width) for every size, width and type.
template <typename Make>
void add_rows(std::vector<Probe>& probes, std::initializer_list<std::int64_t> widths, Make make) {
  for (Dtype dtype : activation_types)
    for (std::int64_t size : activation_sizes)
      for (std::int64_t width : widths)
        probes.push_back(
            {make(std::max<std::int64_t>(size / width, 1), width), dtype, dtype, width});
}

std::vector<Probe> norm_probes() {
  std::vector<Probe> probes;
  const auto add = [&](auto make) { add_rows(probes, {128, 1024, 4096}, make); };
  add([](auto rows, auto cols) { return LayerNorm{rows, cols, 1e-5f, true, true}; });
  add([](auto rows, auto cols) { return LayerNormBackward{rows, cols, true, true, true, true}; });
  add([](auto rows, auto cols) { return RmsNorm{rows, cols, 1e-5f, true}; });
  add([](auto rows, auto cols) { return RmsNormBackward{rows, cols, true, true, true}; });
  return probes;
}

std::vector<Probe> activation_probes() {
  std::vector<Probe> probes;
  add_rows(probes, {256, 4096}, [](auto rows, auto cols) {
    return Activation{rows, cols, ActivationKind::gelu_tanh};
  });
  add_rows(probes, {256, 4096}, [](auto rows, auto cols) {
    return ActivationBackward{rows, cols, ActivationKind::gelu_tanh};
  });
  add_rows(probes, {256, 4096}, [](auto rows, auto cols) { return ColumnSum{rows, cols, true}; });
  add_rows(probes, {1}, [](auto numel, auto) { return Add{numel}; });
  return probes;
}

/// Heads of one query, key and value vector each: widths are head sizes.
std::vector<Probe> head_probes() {
  constexpr std::int64_t n_heads = 8;
  std::vector<Probe> probes;
  const auto rows_of = [](std::int64_t head_rows) {
    return std::max<std::int64_t>(head_rows / (3 * n_heads), 1);
  };
  add_rows(probes, {64, 128}, [&](auto rows, auto dim) {
    return Rope{rows_of(rows), rows_of(rows), n_heads, n_heads, dim, dim, 10000.0, false};
  });
  add_rows(probes, {64, 128}, [&](auto rows, auto dim) {
    return QkNorm{rows_of(rows), n_heads, n_heads, dim, 1e-5f, true};
  });
  add_rows(probes, {64, 128}, [&](auto rows, auto dim) {
    return QkNormBackward{rows_of(rows), n_heads, n_heads, dim, true, true};
  });
  return probes;
}

std::vector<Probe> attention_probes() {
  constexpr std::int64_t head_dim = 64;
  const float scale = 1.0f / std::sqrt(static_cast<float>(head_dim));
  std::vector<Probe> probes;
  for (Dtype dtype : activation_types) {
    for (std::int64_t seq_len : {128, 512, 2048}) {
      for (std::int64_t n_heads : {2, 16}) {
        const std::int64_t batch = seq_len < 512 ? 4 : 1;
        probes.push_back({Attention{batch, seq_len, n_heads, n_heads, head_dim, 0, scale, false},
                          dtype, dtype, seq_len});
        probes.push_back(
            {AttentionBackward{batch, seq_len, n_heads, n_heads, head_dim, 0, scale, false}, dtype,
             dtype, seq_len});
      }
    }
  }
  return probes;
}

std::vector<Probe> vocabulary_probes() {
  std::vector<Probe> probes;
  add_rows(probes, {256, 4096, 32768}, [](auto rows, auto vocab) {
    return CrossEntropy{rows, vocab, true, 256.0f};  // large: no denormals in fp16
  });
  add_rows(probes, {128, 1024}, [](auto rows, auto d_model) {
    return Embedding{rows, std::min<std::int64_t>(rows, 512), d_model, 16384, false, 1.0f};
  });
  add_rows(probes, {128, 1024}, [](auto rows, auto d_model) {
    return EmbeddingBackward{
        rows, std::min<std::int64_t>(rows, 512), d_model, 16384, false, 1.0f, true, false};
  });
  return probes;
}

std::vector<Probe> state_probes() {
  std::vector<Probe> probes;
  for (std::int64_t numel : {std::int64_t{1} << 10, std::int64_t{1} << 14, std::int64_t{1} << 18,
                             std::int64_t{1} << 21}) {
    probes.push_back({AdamW{numel, 0.9f, 0.95f, 1e-8f, 0.1f, false}});
    probes.push_back({Sgd{numel, 0.9f, 0.1f, true, false}});
    probes.push_back({GradientNorm{numel}});
    probes.push_back({Fill{numel, 0.0f}});
    probes.push_back({Cast{numel}, Dtype::fp32, Dtype::bf16});
    probes.push_back({Cast{numel}, Dtype::bf16, Dtype::fp32});
    probes.push_back({Cast{numel}, Dtype::fp16, Dtype::fp32});
  }
  for (std::int64_t rows : {256, 4096}) probes.push_back({SumLoss{rows, 256}});
  probes.push_back({Fill{1, 0.0f}, Dtype::fp64, Dtype::fp64});
  probes.push_back({StepControl{1.0f, false, 2000}});
  return probes;
}

}  // namespace

std::vector<ProbeGroup> probe_groups() {
  std::vector<ProbeGroup> groups = product_groups();
  groups.push_back({"attention", 0.08, false, attention_probes()});
  groups.push_back({"norms", 0.04, false, norm_probes()});
  groups.push_back({"activations", 0.04, false, activation_probes()});
  groups.push_back({"rotations and q/k norms", 0.03, false, head_probes()});
  groups.push_back({"loss and embeddings", 0.04, false, vocabulary_probes()});
  groups.push_back({"optimizers", 0.03, false, state_probes()});
  return groups;
}

std::vector<Probe> one_of_each() {
  std::vector<Probe> probes;
  for (const ProbeGroup& group : probe_groups()) {
    std::vector<std::pair<std::size_t, Dtype>> seen;
    for (const Probe& probe : group.probes) {
      const std::pair key{probe.attrs.index(), probe.dtype};
      if (std::find(seen.begin(), seen.end(), key) != seen.end()) continue;
      seen.push_back(key);
      probes.push_back(probe);
    }
  }
  return probes;
}

}  // namespace aforo
