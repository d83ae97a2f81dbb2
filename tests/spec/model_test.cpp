#include "planner/spec/model.h"

#include <doctest/doctest.h>

#include <limits>

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
