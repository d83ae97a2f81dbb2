#include "planner/validate/setup_of_run.h"

#include <doctest/doctest.h>

#include "planner/validate/cluster_of_run.h"
#include "planner/validate/validation.h"

using namespace aforo;
using namespace aforo::validate;

namespace {

const Catalogue& catalogue() {
  static const Catalogue all = Catalogue::load();
  return all;
}

Run llama_run() {
  Run run;
  run.id = "r1";
  run.gpu_class = "H100-80GB";
  run.framework = "torchtitan FSDP2";
  run.model_name = "Llama-3-8B";
  run.n_layers = 32, run.d_model = 4096, run.n_heads = 32, run.n_kv_heads = 8;
  run.d_ff = 14336, run.vocab = 128256, run.n_params = 8030261248;
  run.gpu_count = 16, run.nodes = 2;
  run.seq_len = 8192, run.global_batch_seqs = 32, run.micro_batch_seqs = 2;
  run.precision = "bf16", run.sharding = "fsdp", run.act_ckpt = "full";
  return run;
}

Case case_of(const Run& run) {
  static std::deque<Case> kept;
  kept = cases_of({run}, catalogue());
  kept.front().setup.model = &kept.front().model;
  return kept.front();
}

}  // namespace

TEST_CASE("setup of a run: what the columns say arrives") {
  const Run run = llama_run();
  const std::deque<Case> cases = cases_of({run}, catalogue());
  const Case& c = cases.front();
  REQUIRE(c.problem == "");
  CHECK(c.engine->name == "torch");
  CHECK(count_parameters(c.model).total() == 8030261248);
  CHECK(c.setup.parallel.dp == 16);
  CHECK(c.setup.parallel.sharding == Sharding::fsdp);
  CHECK(c.setup.grad_accum() == 1);
  CHECK(c.setup.recompute.full_layers == 32);
  CHECK(c.cluster.per_node == 8);
}

TEST_CASE("setup of a run: measured columns never change a prediction") {
  Run run = llama_run();
  ValidationRequest request;
  const std::deque<Case> without = cases_of({run}, catalogue());
  Run measured = run;
  measured.measured = {123456, 7, 55, "reserved", true};
  const std::deque<Case> with = cases_of({measured}, catalogue());
  const Prediction a = predict_all(without, request).front();
  const Prediction b = predict_all(with, request).front();
  CHECK(a.time.step == b.time.step);
  CHECK(a.memory.device() == b.memory.device());
}

TEST_CASE("setup of a run: what is missing is assumed and said, or the reason given") {
  Run run = llama_run();
  run.micro_batch_seqs = 0;
  run.act_ckpt.clear();
  const std::deque<Case> cases = cases_of({run}, catalogue());
  CHECK(cases.front().assumptions.size() >= 2);
  run.gpu_class = "Abacus-1";
  CHECK(cases_of({run}, catalogue()).front().problem ==
        "no profile of ours is called \"Abacus-1\"");
  run = llama_run();
  run.seq_len = 0;
  CHECK(cases_of({run}, catalogue()).front().problem == "seq_len is not stated");
}

TEST_CASE("cluster of a run: network cards in the words of the sources") {
  const Case c = case_of(llama_run());
  const AcceleratorSpec& card = *c.cluster.accelerator;
  constexpr double gbit = 1e9 / 8;
  Run run = llama_run();
  const auto inter = [&](const char* text) {
    run.interconnect = text;
    return cluster_of(run, card).inter_bandwidth / gbit;
  };
  CHECK(inter("DGX H100, 400 Gb/s InfiniBand per GPU") == 400);
  CHECK(inter("1600 Gbps node-to-node RoCE") == 200);
  CHECK(inter("8-GPU NVLink nodes, InfiniBand 100 Gb/s") == 12.5);
  CHECK(inter("NVLink | Storage: 2x ConnectX-7 IB NDR 400Gb/s, Compute: 4x ConnectX-7 IB NDR "
              "400Gb/s") == 200);
  run.interconnect = "";
  CHECK(!cluster_of(run, card).inter_stated);
}

TEST_CASE("model of a run: ours by name, a cut one by its layers, an unknown one by its count") {
  Run run = llama_run();
  run.model_name = "Qwen2.5-7B";
  run.d_model = 3584, run.n_heads = 28, run.d_ff = 18944, run.n_layers = 28;
  CHECK(!model_of(run, catalogue()).is_moe());  // and not Qwen2-57B-A14B
  run = Run{};
  run.model_name = "Grok-1-314B cut to 4 layers";
  run.d_model = 6144, run.n_heads = 48, run.n_layers = 4;
  CHECK(model_of(run, catalogue()).n_layers == 4);
  CHECK(model_of(run, catalogue()).is_moe());
  run = Run{};
  run.model_name = "our own";
  run.n_layers = 24, run.d_model = 2048, run.n_heads = 16, run.d_ff = 5504, run.vocab = 32000;
  run.n_params = 1345423360;  // gated and untied
  CHECK(is_gated(model_of(run, catalogue()).mlp.activation));
}
