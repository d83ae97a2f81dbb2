// ZeRO++, zero-bubble schedules, uneven stages and states on NVMe against hand-worked cases and the
// figures of their papers.

#include <doctest/doctest.h>

#include "planner/fast/exchange.h"
#include "planner/fast/memory.h"
#include "planner/fast/offload_time.h"
#include "planner/fast/pipeline_stage.h"
#include "planner/fast/time.h"
#include "planner/spec/hardware_file.h"
#include "planner/spec/model_file.h"

namespace aforo::fast {
namespace {

const EngineSpec& strategy_engine(const std::string& name) {
  static const std::vector<EngineSpec> engines = all_engines();
  return find_engine(engines, name);
}

/// Rates of round numbers: nothing is hidden, nothing costs latency.
Rates round_rates() {
  Rates rates;
  rates.values.fill(1);
  const auto set = [&](Rate rate, double value) { rates.values[static_cast<int>(rate)] = value; };
  set(Rate::intra, 100e9), set(Rate::inter, 10e9), set(Rate::memory, 1e15);
  set(Rate::latency_intra, 0), set(Rate::latency_inter, 0);
  set(Rate::host_link, 20e9);
  return rates;
}

struct Sharded {
  ModelSpec model = find_model("llama-2-7b");
  AcceleratorSpec card = find_accelerator("a100-sxm-80");
  Cluster cluster{&card, 64, 8, 100e9, 10e9};
  Setup setup;
  StageSums sums;

  explicit Sharded(Sharding sharding) {
    setup.model = &model;
    setup.seq_len = 2048;
    setup.parallel.dp = 64;
    setup.global_batch_size = 64;
    setup.reduce_bytes = 2;
    setup.parallel.sharding = sharding;
    setup.states = zero_states;
    setup.method = Method::full;
    sums.weights = 6.4e9;  // 12.8 GB in 16 bits
  }
  ShardTraffic traffic() const { return shard_traffic(setup, cluster, round_rates(), sums, 0); }
};

Setup pipeline(const ModelSpec& model, int pp, PipelineSchedule schedule, int micro_batches = 64) {
  Setup setup;
  setup.model = &model;
  setup.seq_len = 2048;
  setup.global_batch_size = micro_batches;
  setup.parallel.pp = pp;
  setup.parallel.pipeline_schedule = schedule;
  return setup;
}

constexpr PipelineSchedule schedules[] = {PipelineSchedule::one_f_one_b, PipelineSchedule::zb_h1,
                                          PipelineSchedule::zb_h2};

}  // namespace

TEST_CASE("zero++: between machines a quarter of ZeRO-3's bytes travel") {
  // Wang et al. 2023: 3 M of ZeRO-3 become 0.5 M forward, nothing backward, 0.25 M of gradients.
  // Eight machines of eight with 10 GB/s a device: 7/8 of what a machine lacks, over 8 NICs.
  const double m = 12.8e9, nics = 80e9, machines = 7.0 / 8;
  Sharded zero3(Sharding::zero3);
  CHECK(zero3.traffic().forward == doctest::Approx(m * machines / nics));
  CHECK(zero3.traffic().backward == doctest::Approx(2 * m * machines / nics));

  const Sharded plus(Sharding::zeropp);
  const double inside = 7.0 / 8 / 100e9;
  CHECK(plus.traffic().forward == doctest::Approx(0.5 * m * machines / nics).epsilon(0.003));
  // Backward: weights inside the machine; gradients of M / 4 inside, then a machine's share of it.
  const double gradients = 0.25 * m * inside + 0.25 * m / 8 * machines / 10e9;
  CHECK(plus.traffic().backward == doctest::Approx(m * inside + gradients).epsilon(0.003));

  Sharded with_slow_network(Sharding::zeropp);
  with_slow_network.setup.parallel.zeropp = {false, false, false};
  CHECK(with_slow_network.traffic().forward == doctest::Approx(zero3.traffic().forward));
  CHECK(with_slow_network.traffic().backward == doctest::Approx(zero3.traffic().backward));
}

TEST_CASE("zero++: each part takes bytes off the wire, and none slows the others") {
  Sharded one(Sharding::zeropp);
  const auto total = [&](ZeroPlusPlus parts) {
    one.setup.parallel.zeropp = parts;
    const ShardTraffic t = one.traffic();
    return t.forward + t.backward;
  };
  const double none = total({false, false, false}), all = total({true, true, true});
  for (ZeroPlusPlus part : {ZeroPlusPlus{true, false, false}, ZeroPlusPlus{false, true, false},
                            ZeroPlusPlus{false, false, true}}) {
    CHECK(total(part) < none);
    CHECK(total(part) > all);
  }
}

TEST_CASE("zero++: the second copy makes states nine times ZeRO-3's on 1,024 ranks") {
  // Wang et al. 2023, section 3.2, with 16 ranks a machine and 16 bytes a parameter:
  // 16 / 1024 + 2 / 16 of ZeRO-3's 16 / 1024 is 9 (the paper prints 8.9).
  Sharded plus(Sharding::zeropp);
  plus.setup.parallel.dp = 1024;
  plus.setup.global_batch_size = 1024;
  plus.setup.parallel.shard_group = 16;
  const auto states = [&](Sharding sharding) {
    plus.setup.parallel.sharding = sharding;
    const MemoryParts m = memory_parts(plus.setup, strategy_engine("deepspeed"));
    return m.weights + m.master + m.optimizer_states + m.gradients;
  };
  CHECK(states(Sharding::zeropp) / states(Sharding::zero3) == doctest::Approx(9).epsilon(1e-9));
}

TEST_CASE("zero bubble: with equal forward, input and weight passes the bubble is B, B/3 and 0") {
  // sail-sg/zero-bubble-pipeline-parallelism, README: 1F1B (p-1)(f + b + w), ZB1P a third, ZB2P 0.
  const ModelSpec model = find_model("llama-2-7b");
  const double f = 1, b = 1, w = 1, p = 8;
  const double expected[] = {(p - 1) * 3, (p - 1) * 1, 0};
  for (int i = 0; i < 3; ++i)
    CHECK(drained(pipeline(model, 8, schedules[i]), f + b + w, w) == doctest::Approx(expected[i]));
}

TEST_CASE("zero bubble: waiting micro-batches are p on the first stage, p, and 2 p - 1") {
  const ModelSpec model = find_model("llama-2-7b");
  const double first[] = {8, 8, 15}, last[] = {1, 8, 15};
  for (int i = 0; i < 3; ++i) {
    const Setup setup = pipeline(model, 8, schedules[i]);
    CHECK(pipeline_stage(setup, 0).micro_batches_in_flight == first[i]);
    CHECK(pipeline_stage(setup, 7).micro_batches_in_flight == last[i]);
  }
}

TEST_CASE(
    "zero bubble: a step is never slower than 1F1B and the second form never than the first") {
  const ModelSpec model = find_model("llama-2-7b");
  const AcceleratorSpec card = find_accelerator("h100");
  const Constants constants = Constants::load();
  for (int pp : {2, 4, 8, 16})
    for (int m : {1, 4, 16, 64}) {
      const Cluster cluster{&card, pp, 8, card.link.all_reduce.value, 50e9};
      const Rates rates =
          rate_recipe(constants, cluster, strategy_engine("megatron-zb")).rates(constants);
      double last = 1e30;
      for (PipelineSchedule schedule : schedules) {
        const double step = time_parts(pipeline(model, pp, schedule, m), cluster, rates).step;
        CHECK(step <= last);
        last = step;
      }
    }
}

TEST_CASE("stages: layers of uneven stages add up, and so do those with experts") {
  ModelSpec model = find_model("deepseek-v3");  // 61 layers, the first 3 dense
  for (auto [pp, first, last] : {std::tuple{16, 4, 1}, {16, 3, 2}, {4, 15, 14}, {2, 31, 30}}) {
    Setup setup = pipeline(model, pp, PipelineSchedule::one_f_one_b);
    setup.parallel.first_stage_layers = first;
    setup.parallel.last_stage_layers = last;
    REQUIRE(stage_problem(setup.parallel, model.n_layers).empty());
    double dense = 0, moe = 0;
    for (int i = 0; i < pp; ++i) {
      dense += pipeline_stage(setup, i).dense;
      moe += pipeline_stage(setup, i).moe;
    }
    CHECK(dense == 3);
    CHECK(moe == 58);
  }
}

TEST_CASE("stages: a shorter last stage hides the head behind the others") {
  // 32 layers of 1 s and a head of 3 s on 4 stages: 8 + 3; with 9, 9, 9 and 5 layers 9.
  ModelSpec model = find_model("llama-2-7b");
  Setup setup = pipeline(model, 4, PipelineSchedule::one_f_one_b);
  CHECK(slowest_stage(setup, 8, 3) == doctest::Approx(11));
  setup.parallel.first_stage_layers = 9;
  setup.parallel.last_stage_layers = 5;
  CHECK(slowest_stage(setup, 8, 3) == doctest::Approx(9));
}

TEST_CASE("stages: one end without the other, or layers left over, are refused with the numbers") {
  Parallelism p;
  p.first_stage_layers = 3;
  CHECK(stage_problem(p, 32).find("need pp above 1") != std::string::npos);
  p.pp = 4;
  CHECK(stage_problem(p, 32).find("give both") != std::string::npos);
  p.last_stage_layers = 4;
  CHECK(stage_problem(p, 32).find("leave 25 of 32 layers for the 2 stages") != std::string::npos);
  p.last_stage_layers = 3;
  CHECK(stage_problem(p, 32).empty());
  p.pp = 2;
  CHECK_FALSE(stage_problem(p, 32).empty());
}

TEST_CASE("offload: the host updates at the speed of its memory or of its drives") {
  const ModelSpec model = find_model("llama-2-7b");
  const AcceleratorSpec card = find_accelerator("a100-sxm-80");
  Cluster cluster{&card, 1, 8, 100e9, 10e9};
  cluster.nvme_bandwidth = 3.2e9;
  cluster.host_memory_bandwidth = 15e9;
  Setup setup;
  setup.model = &model;
  setup.seq_len = 2048;
  setup.global_batch_size = 1;
  setup.states = zero_states;  // 12 bytes of master and moments, 2 of weights, 2 of gradients
  setup.host_optimizer = true;
  const double n = 1e9;
  const auto seconds = [&](OffloadTo to, double backward) {
    setup.offload_states = to;
    return state_offload(setup, cluster, round_rates(), n, backward);
  };
  CHECK(seconds(OffloadTo::none, 0) == 0);
  const double up = 2 * n / 20e9, down = 2 * n / 20e9;
  const double update = (24 + 6) * n / 15e9, drives = 24 * n / 3.2e9;
  CHECK(seconds(OffloadTo::cpu, 10) == doctest::Approx(update + up));
  CHECK(seconds(OffloadTo::cpu, 0) == doctest::Approx(down + update + up));
  CHECK(seconds(OffloadTo::nvme, 10) == doctest::Approx(drives + up));
  setup.host_optimizer = false;  // states come and go over a link of 20 GB/s
  CHECK(seconds(OffloadTo::cpu, 10) == doctest::Approx(24 * n / 20e9));
  CHECK(seconds(OffloadTo::nvme, 10) == doctest::Approx(drives));
}

TEST_CASE("offload: on NVMe the device keeps as little as with the host, and the host far less") {
  Sharded one(Sharding::zero3);
  one.setup.parallel.dp = 8;
  one.setup.global_batch_size = 8;
  one.setup.host_optimizer = true;
  const auto memory = [&](OffloadTo to) {
    one.setup.offload_states = to;
    return memory_parts(one.setup, strategy_engine("deepspeed"));
  };
  const MemoryParts cpu = memory(OffloadTo::cpu), nvme = memory(OffloadTo::nvme);
  const double parameters = static_cast<double>(count_parameters(one.model).total());
  CHECK(nvme.device() == doctest::Approx(cpu.device()));
  CHECK(nvme.disk == doctest::Approx(12 * parameters / 8).epsilon(1e-6));
  CHECK(cpu.disk == 0);
  CHECK(cpu.host == doctest::Approx(14 * parameters / 8).epsilon(1e-6));  // and gradients
}

TEST_CASE("experts: DeepEP sends a token once a machine where an all-to-all sends every copy") {
  // 16 ranks on two machines, 8 experts a token. All-to-all: half of 8 copies cross. DeepEP: 2 (1 -
  // 1/2^8) machines hold one, half of them is another.
  ModelSpec model = find_model("qwen3-30b-a3b");
  const AcceleratorSpec card = find_accelerator("h100");
  const Cluster cluster{&card, 16, 8, 100e9, 10e9};
  REQUIRE(model.moe.top_k == 8);
  Setup setup;
  setup.model = &model;
  setup.seq_len = 4096;
  setup.global_batch_size = 16;
  setup.parallel.dp = setup.parallel.ep = 16;
  const StageSums sums;
  const double all = layer_exchange(setup, cluster, round_rates(), sums).ep;
  setup.deep_ep = true;
  const double once = layer_exchange(setup, cluster, round_rates(), sums).ep;
  CHECK(once / all == doctest::Approx((1 - 1.0 / 256) / 4));
}

TEST_CASE("pipeline: ranks of a stage send shares of its output, of gradients perhaps the whole") {
  const ModelSpec model = find_model("gpt3-175b");
  const AcceleratorSpec card = find_accelerator("a100-sxm-80");
  const Cluster cluster{&card, 64, 8, card.link.all_reduce.value, 25e9};
  const Constants constants = Constants::load();
  const Rates rates =
      rate_recipe(constants, cluster, strategy_engine("megatron-2022")).rates(constants);
  Setup setup = pipeline(model, 8, PipelineSchedule::one_f_one_b);
  setup.parallel.tp = 8;
  const auto sends = [&](bool whole, bool sequence_parallel) {
    setup.whole_gradient_sends = whole;
    setup.parallel.sequence_parallel = sequence_parallel;
    return time_parts(setup, cluster, rates).pp;
  };
  CHECK(sends(true, false) > 3 * sends(false, true));
  CHECK(sends(false, false) > sends(false, true));  // receivers gather the whole
  CHECK(sends(false, false) < sends(true, false));
}

TEST_CASE("adapters: quantized products in fp32 run at the fp32 peak") {
  const ModelSpec model = find_model("llama-3.1-8b");
  const AcceleratorSpec card = find_accelerator("a100-sxm-80");
  const Cluster cluster{&card, 1, 8, card.link.all_reduce.value, 25e9};
  const Constants constants = Constants::load();
  const Rates rates =
      rate_recipe(constants, cluster, strategy_engine("transformers")).rates(constants);
  Setup setup;
  setup.model = &model;
  setup.seq_len = 4096;
  setup.global_batch_size = 1;
  setup.method = Method::qlora;
  const TimeParts narrow = time_parts(setup, cluster, rates);
  setup.quantized_fp32 = true;
  const TimeParts wide = time_parts(setup, cluster, rates);
  // 312 over 19.5 TFLOP/s, a little less since slower products fill the card with less work.
  CHECK(wide.products / narrow.products > 10);
  CHECK(wide.products / narrow.products < 16);
  CHECK(wide.attention == narrow.attention);
}

}  // namespace aforo::fast
