// Setups and clusters from what a user names.

#include "planner/fast/setup_of_job.h"

#include <doctest/doctest.h>

#include "planner/base/error.h"
#include "planner/lower/lower.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

using namespace aforo;
using namespace aforo::fast;

namespace {

TrainingJob small_job() {
  TrainingJob job;
  job.model = find_model("gpt2");
  job.seq_len = 1024;
  job.global_batch_size = 32;
  return job;
}

const EngineSpec& engine(const char* name) {
  static const std::vector<EngineSpec> engines = all_engines();
  return find_engine(engines, name);
}

}  // namespace

TEST_CASE("setup_of: a plan's batches, ranks and recomputation arrive in the setup") {
  const TrainingJob job = small_job();
  const AcceleratorSpec card = find_accelerator("a100-80");
  Plan plan;
  plan.micro_batch_size = 4;
  plan.parallel.dp = 2;
  plan.recompute.assign(12, Recompute::selective);
  plan.recompute[0] = Recompute::full;
  const Setup setup = setup_of(job, plan, engine("torch"), card);
  CHECK(setup.grad_accum() == 4);
  CHECK(setup.recompute.full_layers == 1);
  CHECK(setup.recompute.norm);
  CHECK(setup.device.gemm_workspace < 32 * (1 << 20));  // Ampere
  CHECK(setup.states.total() == 16);
}

TEST_CASE("set_matrix: fp32 and mixed precision keep equally many bytes of states in PyTorch") {
  const TrainingJob job = small_job();
  const AcceleratorSpec card = find_accelerator("h100");
  Setup setup = setup_of(job, Plan{}, engine("torch"), card);
  const double mixed = setup.states.total();
  set_matrix(setup, engine("torch"), MatrixType::fp32);
  CHECK(setup.states.total() == mixed);
  set_engine(setup, engine("native"));
  set_matrix(setup, engine("native"), MatrixType::bf16);
  CHECK(setup.states.total() == 18);
}

TEST_CASE("set_method: QLoRA freezes weights at 4.5 bits") {
  TrainingJob job = small_job();
  job.method = Method::qlora;
  const AcceleratorSpec card = find_accelerator("h100");
  Setup setup = setup_of(job, Plan{}, engine("torch"), card);
  CHECK(8 * setup.frozen_bytes == 4.5);
  set_method(setup, engine("torch"), Method::full);
  CHECK(setup.states.total() == 16);
}

TEST_CASE("cluster_of: machines have the network of their card's generation, and it is said") {
  const double gbit = 1e9 / 8;
  CHECK(cluster_of(find_accelerator("v100"), 16).inter_bandwidth == 100 * gbit / 8);
  CHECK(cluster_of(find_accelerator("a100-80"), 16).inter_bandwidth == 200 * gbit);
  CHECK(cluster_of(find_accelerator("h100"), 16).inter_bandwidth == 400 * gbit);
  CHECK(cluster_of(find_accelerator("gb300"), 144).inter_bandwidth == 800 * gbit);
  const AcceleratorSpec card = find_accelerator("rtx-4090");
  CHECK(network_note(cluster_of(card, 8)).empty());
  CHECK(network_note(cluster_of(card, 16)).find("25 Gb/s a machine") != std::string::npos);
  CHECK_THROWS_AS(cluster_of(card, 0), InputError);
}

TEST_CASE("cluster_of: a machine's own count and network take the place of the usual ones") {
  const AcceleratorSpec card = find_accelerator("h100");
  const Cluster cluster = cluster_of(card, find_machine("aws/p5.48xlarge"), 4);
  CHECK(cluster.n_devices == 32);
  CHECK(cluster.per_node == 8);
  CHECK(cluster.inter_bandwidth == 50e9);
  MachineSpec slow;
  slow.count = 8;
  slow.link = BytesPerSecond(card.link.bandwidth.value / 2);
  CHECK(cluster_of(card, slow, 1).intra_bandwidth == cluster_of(card, 8).intra_bandwidth / 2);
}

TEST_CASE("setup_of: optimizers keep what their moments take, and native refuses what it lacks") {
  TrainingJob job = small_job();
  const AcceleratorSpec card = find_accelerator("h100");
  const auto states = [&](OptimizerKind kind) {
    job.optimizer.kind = kind;
    return setup_of(job, Plan{}, engine("megatron"), card).states.states;
  };
  CHECK(states(OptimizerKind::adamw) == 8);
  CHECK(states(OptimizerKind::sgd) == 4);
  CHECK(states(OptimizerKind::lion) == 4);
  CHECK(states(OptimizerKind::adamw_8bit) == doctest::Approx(2.03125));
  CHECK(states(OptimizerKind::adafactor) < 0.05);
  CHECK(states(OptimizerKind::muon) > 4);
  CHECK(states(OptimizerKind::muon) < 8);
  Plan plan;
  plan.recompute.assign(job.model.n_layers, Recompute::none);
  job.optimizer.kind = OptimizerKind::lion;
  CHECK_THROWS_WITH_AS(lower(job, plan, cuda_target()),
                       "native cannot execute optimizer lion yet; estimate, plan and explain work "
                       "for other engines",
                       InputError);
}
