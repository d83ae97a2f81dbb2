#include "planner/spec/model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "planner/spec/model_file.h"
#include "tests/spec/samples.h"

namespace aforo {
namespace {

/// Small enough to count by hand: D=8, H=4, K=2, E=2, F=16, V=10, 3 layers, RMS norms, nothing
/// biased.
ModelSpec small() {
  ModelSpec m;
  m.name = "small";
  m.n_layers = 3;
  m.d_model = 8;
  m.vocab_size = 10;
  m.max_seq_len = 32;
  m.attention.n_heads = 4;
  m.attention.n_kv_heads = 2;
  m.attention.head_dim = 2;
  m.mlp.d_ff = 16;
  m.mlp.activation = ActivationKind::swiglu;
  return m;
}

/// As small, with experts in all layers but the first: 5 of width 4, two for a token, and a shared
/// one of width 6.
ModelSpec small_moe() {
  ModelSpec m = small();
  m.moe = {5, 2, 4, 6, false, 1, 1, false, false};
  return m;
}

/// As small, with latent attention.
ModelSpec small_mla() {
  ModelSpec m = small();
  m.attention.mla = {5, 6, 2, 2, 3};
  m.attention.n_kv_heads = 4;
  m.attention.head_dim = 4;
  return m;
}

}  // namespace

TEST_CASE("model: parameters by part, counted by hand") {
  const ParameterCount count = count_parameters(small());
  CHECK(count.embedding == 10 * 8);
  CHECK(count.positions == 0);
  CHECK(count.attention == 3 * (8 * (8 + 4 + 4) + 8 * 8));
  CHECK(count.mlp == 3 * (8 * 32 + 16 * 8));
  CHECK(count.norms == (3 * 2 + 1) * 8);
  CHECK(count.lm_head == 10 * 8);
  CHECK(count.total() == 80 + 576 + 1152 + 56 + 80);
}

TEST_CASE("model: each option adds exactly its own parameters") {
  const ModelSpec base = small();
  const auto added = [&](auto change) {
    ModelSpec m = base;
    change(m);
    return count_parameters(m).total() - count_parameters(base).total();
  };
  CHECK(added([](ModelSpec& m) { m.tie_embeddings = true; }) == -80);
  CHECK(added([](ModelSpec& m) { m.lm_head_bias = true; }) == 10);
  CHECK(added([](ModelSpec& m) { m.embedding_norm = true; }) == 8);
  CHECK(added([](ModelSpec& m) { m.position.kind = PositionKind::learned; }) == 32 * 8);
  CHECK(added([](ModelSpec& m) { m.position = {PositionKind::learned, 1e4, 1, 34}; }) == 34 * 8);
  CHECK(added([](ModelSpec& m) { m.attention.qkv_bias = true; }) == 3 * 16);
  CHECK(added([](ModelSpec& m) { m.attention.out_bias = true; }) == 3 * 8);
  CHECK(added([](ModelSpec& m) { m.attention.qk_norm = QkNormKind::per_head; }) == 3 * 2 * 2);
  CHECK(added([](ModelSpec& m) { m.attention.qk_norm = QkNormKind::full; }) == 3 * (8 + 4));
  CHECK(added([](ModelSpec& m) { m.mlp.bias = true; }) == 3 * (32 + 8));
  CHECK(added([](ModelSpec& m) { m.mlp.activation = ActivationKind::relu; }) == -3 * 8 * 16);
  CHECK(added([](ModelSpec& m) { m.norm.bias = true; }) == 7 * 8);
  CHECK(added([](ModelSpec& m) { m.norm.weight = false; }) == -7 * 8);
  CHECK(added([](ModelSpec& m) { m.block = BlockKind::parallel_one_norm; }) == -3 * 8);
  CHECK(added([](ModelSpec& m) { m.block = BlockKind::sandwich; }) == 3 * 2 * 8);
  CHECK(added([](ModelSpec& m) { m.block = BlockKind::parallel; }) == 0);
  CHECK(added([](ModelSpec& m) { m.block = BlockKind::post_norm; }) == 0);
}

TEST_CASE(
    "model: six_n counts all parameters, the others only matrices that multiply activations") {
  const FlopsPerToken flops = flops_per_token(small(), 32);
  CHECK(flops.six_n == 6.0 * 1944);
  const double matrices = 576 + 1152 + 80;  // no embedding, no norms
  CHECK(flops.full_square == 6 * matrices + 12.0 * 3 * 8 * 32);
  CHECK(flops.causal == 6 * matrices + 6.0 * 3 * 8 * 32);
}

TEST_CASE("model: experts, routers and shared experts by part, counted by hand") {
  const ParameterCount count = count_parameters(small_moe());
  const std::int64_t dense = 3 * 8 * 16, expert = 3 * 8 * 4, shared = 3 * 8 * 6, router = 8 * 5;
  CHECK(count.mlp == dense + 2 * (5 * expert + shared + router));
  CHECK(count.total() - count.mlp == count_parameters(small()).total() - 1152);
  const ActiveParameters active = count_active_parameters(small_moe());
  CHECK(active.with_embedding == count.total() - 2 * (5 - 2) * expert);
  CHECK(active.without_input_embedding == active.with_embedding - 80);
}

TEST_CASE("model: of a dense model all parameters are active, and a tied table is the head") {
  ModelSpec m = small();
  CHECK(count_active_parameters(m).with_embedding == 1944);
  CHECK(count_active_parameters(m).without_input_embedding == 1944 - 80);
  m.tie_embeddings = true;
  CHECK(count_active_parameters(m).with_embedding == 1944 - 80);
  CHECK(count_active_parameters(m).without_input_embedding == 1944 - 80);
}

TEST_CASE("model: each option of experts adds exactly its own parameters") {
  const ModelSpec base = small_moe();
  const auto added = [&](auto change) {
    ModelSpec m = base;
    change(m);
    return std::pair(
        count_parameters(m).total() - count_parameters(base).total(),
        count_active_parameters(m).with_embedding - count_active_parameters(base).with_embedding);
  };
  using Added = std::pair<std::int64_t, std::int64_t>;  // all, active
  CHECK(added([](ModelSpec& m) { m.moe.router_bias = true; }) == Added(2 * 5, 2 * 5));
  CHECK(added([](ModelSpec& m) { m.moe.shared_gate = true; }) == Added(2 * 8, 2 * 8));
  // Two halves of the first matrix, and the second.
  CHECK(added([](ModelSpec& m) { m.moe.expert_bias = true; }) ==
        Added(2 * 5 * (8 + 8), 2 * 2 * (8 + 8)));
  CHECK(added([](ModelSpec& m) { m.moe.top_k = 3; }) == Added(0, 2 * 96));
  CHECK(added([](ModelSpec& m) { m.moe.n_experts = 6; }) == Added(2 * (96 + 8), 2 * 8));
  CHECK(added([](ModelSpec& m) { m.moe.d_ff_shared = 7; }) == Added(2 * 24, 2 * 24));
  CHECK(added([](ModelSpec& m) { m.mlp.bias = true; }) == Added(32 + 8, 32 + 8));
  CHECK(added([](ModelSpec& m) { m.attention.sinks = true; }) == Added(3 * 4, 3 * 4));
  const std::int64_t swap = 5 * 96 + 144 + 40 - 384;  // experts for a dense MLP
  const std::int64_t active = swap - 3 * 96;
  CHECK(added([](ModelSpec& m) { m.moe.first_dense_layers = 0; }) == Added(swap, active));
  CHECK(added([](ModelSpec& m) { m.moe.every = 2; }) == Added(-swap, -active));
}

TEST_CASE("model: which layers have experts") {
  ModelSpec m = small_moe();
  const auto layers = [&] {
    std::string text;
    for (int layer = 0; layer < m.n_layers; ++layer) text += m.is_moe_layer(layer) ? 'e' : 'd';
    CHECK(std::count(text.begin(), text.end(), 'e') == m.n_moe_layers());
    CHECK(std::count(text.begin(), text.end(), 'd') == m.n_dense_layers());
    return text;
  };
  m.n_layers = 7;
  CHECK(layers() == "deeeeee");
  m.moe.every = 2;
  CHECK(layers() == "ddedede");
  m.moe.first_dense_layers = 0;
  CHECK(layers() == "dededed");
  m.moe = {};
  CHECK(layers() == "ddddddd");
}

TEST_CASE("model: latent attention, counted by hand") {
  // D=8, H=4, ranks 5 and 6, heads of 2 + 2, values of 3.
  ModelSpec m = small_mla();
  const std::int64_t queries = 8 * 5 + 5 + 5 * 4 * (2 + 2);
  const std::int64_t latent = 8 * (6 + 2) + 6, up = 6 * 4 * (2 + 3), out = 4 * 3 * 8;
  CHECK(count_parameters(m).attention == 3 * (queries + latent + up + out));
  m.attention.mla.q_lora_rank = 0;
  CHECK(count_parameters(m).attention == 3 * (8 * 4 * (2 + 2) + latent + up + out));
}

TEST_CASE("model: FLOPs go by rank, by the two widths of a head, and by active experts only") {
  const ModelSpec mla = small_mla();
  const double by_rank = 3 * (8 * 5 + 5 * 16 + 8 * 8 + 6 * 4 * 5 + 12 * 8), rest = 1152 + 80;
  CHECK(flops_per_token(mla, 32).full_square ==
        6 * (by_rank + rest) + 6.0 * (4 * 4 + 4 * 3) * 3 * 32);
  ModelSpec moe = small_moe();
  const FlopsPerToken flops = flops_per_token(moe, 32);
  const double matrices = 576 + 384 + 2 * (2 * 96 + 144 + 40) + 80;
  CHECK(flops.causal == 6 * matrices + 6.0 * 3 * 8 * 32);
  CHECK(flops.six_n == 6.0 * static_cast<double>(count_active_parameters(moe).with_embedding));
  moe.moe.n_experts = 105;  // 100 experts more cost nothing but their column in the router
  CHECK(flops_per_token(moe, 32).causal == flops.causal + 6.0 * 2 * 8 * 100);
}

TEST_CASE("model: a tied head multiplies activations all the same") {
  ModelSpec tied = small();
  tied.tie_embeddings = true;
  CHECK(flops_per_token(tied, 32).causal == flops_per_token(small(), 32).causal);
  CHECK(flops_per_token(tied, 32).six_n == flops_per_token(small(), 32).six_n - 6 * 80);
}

TEST_CASE("model: a window bounds the tokens that a layer sees, and full layers see all") {
  ModelSpec m = small();
  m.attention.sliding_window = 4;
  const double all = flops_per_token(small(), 32).full_square;
  const double of_one_key = 12.0 * 8;
  CHECK(flops_per_token(m, 32).full_square == all - of_one_key * 3 * (32 - 4));
  m.attention.full_attention_every = 2;  // layers 0 and 2 slide, layer 1 sees all
  CHECK(flops_per_token(m, 32).full_square == all - of_one_key * 2 * (32 - 4));
  CHECK(flops_per_token(m, 3).full_square == flops_per_token(small(), 3).full_square);
}

TEST_CASE("model: window_of gives every k-th layer the whole sequence") {
  ModelSpec m = small();
  m.n_layers = 6;
  m.attention.sliding_window = 7;
  m.attention.full_attention_every = 3;
  for (int layer = 0; layer < 6; ++layer)
    CHECK(m.window_of(layer) == (layer == 2 || layer == 5 ? 0 : 7));
}

TEST_CASE("model: rotary_dim is the rotated share of a head, and zero without rope") {
  ModelSpec m = small();
  m.attention.head_dim = 80;
  m.position.fraction = 0.4;
  CHECK(m.rotary_dim() == 32);
  m.position.kind = PositionKind::alibi;
  CHECK(m.rotary_dim() == 0);
  CHECK(small_mla().rotary_dim() == 2);
}

TEST_CASE("model: model_problem finds nothing wrong with legal models") {
  CHECK(model_problem(small()).empty());
  test::Samples samples(21);
  for (int i = 0; i < 500; ++i) REQUIRE(model_problem(samples.model()) == "");
}

TEST_CASE("model: model_problem gives the value and what it conflicts with") {
  const auto problem = [](auto change) {
    ModelSpec m = small();
    change(m);
    return model_problem(m);
  };
  CHECK(problem([](ModelSpec& m) { m.attention.n_kv_heads = 3; }) ==
        "n_kv_heads is 3, which does not divide n_heads (4)");
  CHECK(problem([](ModelSpec& m) { m.n_layers = 0; }) == "n_layers is 0; expected 1 to 10000");
  CHECK(problem([](ModelSpec& m) { m.vocab_size = 1 << 25; }) ==
        "vocab_size is 33554432; expected 1 to 16777216");
  CHECK(problem([](ModelSpec& m) { m.attention.sliding_window = -1; }) ==
        "sliding_window is -1; expected 0 to 134217728");
  CHECK(problem([](ModelSpec& m) { m.attention.head_dim = 3; }) ==
        "head_dim is 3; rope rotates pairs, so it must be even");
  CHECK(problem([](ModelSpec& m) { m.position.fraction = 0.3; }) ==
        "fraction is 0.3, which is 0.6 of the head_dim 2 dimensions; rope rotates pairs, so it "
        "must be an even whole number");
  CHECK(problem([](ModelSpec& m) { m.norm.bias = true; }) ==
        "bias is true, but rms_norm has none; did you mean layer_norm?");
  CHECK(problem([](ModelSpec& m) { m.attention.full_attention_every = 2; }) ==
        "full_attention_every is 2, but sliding_window is 0, so every layer sees all tokens "
        "anyway; remove one of them");
  CHECK(problem([](ModelSpec& m) { m.norm.epsilon = 0; }) == "epsilon is 0; expected 1e-12 to 0.1");
  CHECK(problem([](ModelSpec& m) {
          m.embedding_scale = std::numeric_limits<double>::quiet_NaN();
        }) == "embedding_scale is nan; expected 1e-06 to 1000000");
  CHECK(problem([](ModelSpec& m) { m.name.clear(); }) == "name is empty; give the model one");
}

TEST_CASE("model: model_problem of experts") {
  CHECK(model_problem(small_moe()).empty());
  const auto problem = [](auto change) {
    ModelSpec m = small_moe();
    change(m);
    return model_problem(m);
  };
  CHECK(problem([](ModelSpec& m) { m.moe.top_k = 6; }) ==
        "top_k is 6, which is more than n_experts (5)");
  CHECK(problem([](ModelSpec& m) { m.moe.top_k = 0; }) == "top_k is 0; expected 1 to 65536");
  CHECK(problem([](ModelSpec& m) { m.moe.n_experts = 0; }) ==
        "n_experts is 0; expected 1 to 65536");
  CHECK(problem([](ModelSpec& m) { m.moe.every = 0; }) == "every is 0; expected 1 to 10000");
  CHECK(problem([](ModelSpec& m) { m.moe.every = 3; }) ==
        "every is 3, but 2 layers come after the first 1, so no layer has experts");
  CHECK(problem([](ModelSpec& m) { m.moe.first_dense_layers = 3; }) ==
        "first_dense_layers is 3, but n_layers is 3, so no layer has experts");
  CHECK(problem([](ModelSpec& m) {
          m.moe.d_ff_shared = 0;
          m.moe.shared_gate = true;
        }) == "shared_gate is true, but d_ff_shared is 0, so there is nothing to gate");
  CHECK(problem([](ModelSpec& m) {
          m.moe.n_experts = 1 << 16;
          m.moe.d_ff = 65;
        }) == "d_ff is 65; with n_experts 65536 the experts together are wider than 4194304");
  CHECK(problem([](ModelSpec& m) { m.mlp.d_ff = 0; }) ==
        "d_ff is missing, but 1 of 3 layers are dense; give the width of their mlp");
  CHECK(problem([](ModelSpec& m) { m.moe.first_dense_layers = 0; }) ==
        "d_ff is 16, but every layer has experts, whose width is moe.d_ff; leave it out");
  CHECK(problem([](ModelSpec& m) {
          m.moe.first_dense_layers = m.mlp.d_ff = 0;
          m.mlp.bias = true;
        }) == "bias is true, but every layer has experts; did you mean moe.expert_bias?");
}

TEST_CASE("model: model_problem of latent attention") {
  CHECK(model_problem(small_mla()).empty());
  const auto problem = [](auto change) {
    ModelSpec m = small_mla();
    change(m);
    return model_problem(m);
  };
  CHECK(problem([](ModelSpec& m) { m.attention.mla.v_head_dim = 0; }) ==
        "v_head_dim is 0; expected 1 to 1048576");
  CHECK(problem([](ModelSpec& m) { m.attention.mla.kv_lora_rank = 0; }) ==
        "kv_lora_rank is 0; expected 1 to 1048576");
  CHECK(problem([](ModelSpec& m) { m.attention.mla.v_head_dim = 1 << 19; }) ==
        "v_head_dim is 524288; with n_heads 4 the values are wider than 1048576");
  CHECK(problem([](ModelSpec& m) { m.attention.head_dim = 2; }) ==
        "head_dim is 2, but with mla it is qk_nope_head_dim + qk_rope_head_dim = 4; leave it out");
  CHECK(problem([](ModelSpec& m) { m.attention.n_kv_heads = 1; }) ==
        "n_kv_heads is 1, but with mla every one of the 4 heads has its own keys; leave it out");
  CHECK(problem([](ModelSpec& m) { m.attention.qkv_bias = true; }) ==
        "qkv_bias is true, but mla has no such biases");
  CHECK(problem([](ModelSpec& m) { m.attention.qk_norm = QkNormKind::full; }) ==
        "qk_norm is set, but mla norms its latents instead; leave it out");
  CHECK(problem([](ModelSpec& m) { m.position.kind = PositionKind::alibi; }) ==
        "qk_rope_head_dim is 2; expected 0 without rope");
  CHECK(problem([](ModelSpec& m) {
          m.attention.mla.qk_nope_head_dim = 1;
          m.attention.mla.qk_rope_head_dim = 3;
        }) == "qk_rope_head_dim is 3; expected an even number above 0, since rope rotates pairs");
  CHECK(problem([](ModelSpec& m) { m.position.fraction = 0.5; }) ==
        "fraction is 0.5, but with mla qk_rope_head_dim says what is rotated; leave it out");
}

TEST_CASE("model: the largest experts that pass are counted without overflow") {
  ModelSpec m = small_moe();
  m.n_layers = 10000;
  m.d_model = m.moe.d_ff_shared = 1 << 20;
  m.moe.first_dense_layers = m.mlp.d_ff = 0;
  m.moe.n_experts = m.moe.top_k = 1 << 16;
  m.moe.d_ff = 1 << 6;
  REQUIRE(model_problem(m).empty());
  // Three matrices of 2^42 for the routed experts and of 2^40 for the shared ones, and the router.
  CHECK(static_cast<double>(count_parameters(m).mlp) ==
        doctest::Approx(1e4 * (3 * (0x1p42 + 0x1p40) + 0x1p36)).epsilon(1e-12));
  CHECK(count_parameters(m).total() < std::int64_t{1} << 58);
}

TEST_CASE("model: heads of an odd size are fine without rope") {
  ModelSpec m = small();
  m.attention.head_dim = 3;
  m.position.kind = PositionKind::learned;
  CHECK(model_problem(m).empty());
}

TEST_CASE("model: the largest model that passes is counted without overflow") {
  ModelSpec m = small();
  m.n_layers = 10000;
  m.d_model = m.mlp.d_ff = 1 << 20;
  m.vocab_size = 1 << 24;
  m.max_seq_len = 1 << 27;
  m.position.kind = PositionKind::learned;
  m.attention.n_heads = m.attention.n_kv_heads = 1 << 10;
  m.attention.head_dim = 1 << 10;
  REQUIRE(model_problem(m).empty());
  // Four attention matrices and three of the MLP, 2^40 elements each, in 10,000 layers.
  CHECK(static_cast<double>(count_parameters(m).total()) ==
        doctest::Approx(7e4 * 0x1p40).epsilon(0.01));
  m.attention.head_dim *= 2;
  CHECK(model_problem(m) == "head_dim is 2048; with n_heads 1024 the heads are wider than 1048576");
}

}  // namespace aforo
