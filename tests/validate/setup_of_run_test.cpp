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

/// A run with its case.
struct Made {
  explicit Made(const Run& run) : runs{run}, cases(cases_of(runs, catalogue())) {}
  const Case& operator*() const { return cases.front(); }
  const Case* operator->() const { return &cases.front(); }
  std::vector<Run> runs;
  std::deque<Case> cases;
};

}  // namespace

TEST_CASE("setup of a run: what the columns say arrives") {
  const Made made(llama_run());
  const Case& c = *made;
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
  const Made without(run);
  Run measured = run;
  measured.measured = {123456, 7, 55, "reserved", true};
  const Made with(measured);
  const Prediction a = predict_all(without.cases, request).front();
  const Prediction b = predict_all(with.cases, request).front();
  CHECK(a.time.step == b.time.step);
  CHECK(a.memory.device() == b.memory.device());
}

TEST_CASE("setup of a run: what is missing is assumed and said, or the reason given") {
  Run run = llama_run();
  run.micro_batch_seqs = 0;
  run.act_ckpt.clear();
  CHECK(Made(run)->assumptions.size() >= 2);
  run.gpu_class = "Abacus-1";
  CHECK(Made(run)->problem == "no profile of ours is called \"Abacus-1\"");
  run = llama_run();
  run.seq_len = 0;
  CHECK(Made(run)->problem == "seq_len is not stated");
}

TEST_CASE("cluster of a run: network cards in the words of the sources") {
  const Made made(llama_run());
  const AcceleratorSpec& card = *made->cluster.accelerator;
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
