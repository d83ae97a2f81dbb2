// Every export read back and compared with the plan, number by number.

#include <doctest/doctest.h>
#include <yaml-cpp/yaml.h>

#include <boost/json.hpp>
#include <regex>

#include "planner/report/export/facts.h"
#include "tests/report/export_plans.h"
#include "tests/support/text.h"

using namespace aforo;
using test::exported;

namespace {

YAML::Node yaml_of(const PlanFile& file, const std::string& target, const std::string& form = "") {
  return YAML::Load(exported(file, target, form).text);
}

/// The value behind `name=` or `name ` in a script; "" if it is not there.
std::string value_of(const std::string& text, const std::string& name) {
  std::smatch match;
  return std::regex_search(text, match, std::regex(name + "[= ]+([^ \n,)]+)")) ? match[1].str()
                                                                               : "";
}

}  // namespace

TEST_CASE("export deepspeed: batch identity, stage, types, optimizer and schedule are the plan's") {
  for (const Sharding sharding :
       {Sharding::ddp, Sharding::zero1, Sharding::zero2, Sharding::zero3}) {
    PlanFile file = test::export_plan_file("deepspeed", sharding);
    file.plan.offload_states = OffloadTo::cpu;
    const auto json = boost::json::parse(exported(file, "deepspeed").text).as_object();
    const std::int64_t micro = json.at("train_micro_batch_size_per_gpu").as_int64();
    const std::int64_t accum = json.at("gradient_accumulation_steps").as_int64();
    CHECK(micro == 2);
    CHECK(accum == 3);
    CHECK(json.at("train_batch_size").as_int64() == micro * accum * 8);
    CHECK(json.at("gradient_clipping").to_number<double>() == 0.7);
    CHECK(json.at("bf16").at("enabled").as_bool());
    CHECK_FALSE(json.contains("fp16"));
    const auto& zero = json.at("zero_optimization").as_object();
    CHECK(zero.at("stage").as_int64() == static_cast<int>(sharding));
    CHECK(zero.at("offload_optimizer").at("device") == "cpu");
    const auto& optimizer = json.at("optimizer").at("params").as_object();
    CHECK(optimizer.at("lr").to_number<double>() == 1e-5);
    CHECK(optimizer.at("betas").at(1).to_number<double>() == 0.97);
    CHECK(optimizer.at("eps").to_number<double>() == 1e-9);
    CHECK(optimizer.at("weight_decay").to_number<double>() == 0.05);
    const auto& schedule = json.at("scheduler").at("params").as_object();
    CHECK(schedule.at("total_num_steps").as_int64() == 1000);
    CHECK(schedule.at("warmup_num_steps").as_int64() == 123);
    CHECK(schedule.at("cos_min_ratio").to_number<double>() == 0.1);
  }
}

TEST_CASE("export deepspeed: the prediction stands under _aforo, with its intervals") {
  const PlanFile file = test::export_plan_file("deepspeed", Sharding::zero2);
  const auto json = boost::json::parse(exported(file, "deepspeed").text).as_object();
  const auto& facts = json.at("_aforo").as_object();
  const double tokens = file.prediction.tokens_per_second;
  CHECK(facts.at("tokens_per_s").at("mid").to_number<double>() == tokens);
  CHECK(facts.at("tokens_per_s").at("low").to_number<double>() == doctest::Approx(tokens * 2 / 3));
  CHECK(facts.at("tokens_per_s").at("high").to_number<double>() ==
        doctest::Approx(tokens * 2 / 1.5));
  CHECK(facts.at("memory_bytes").as_int64() == file.prediction.memory_bytes);
  CHECK(facts.at("usd_per_device_hour").to_number<double>() == doctest::Approx(1.75));
  CHECK(facts.at("cost_usd").at("high").to_number<double>() ==
        doctest::Approx(1.5 * file.prediction.dollars));
  CHECK(facts.at("date") == "2026-11-27");
  CHECK(facts.at("aforo_version") == "9.8.7");
}

TEST_CASE("export accelerate: the form follows the sharding, devices and types are the plan's") {
  const YAML::Node fsdp =
      yaml_of(test::export_plan_file("torch", Sharding::fsdp, 16), "accelerate");
  CHECK(fsdp["distributed_type"].as<std::string>() == "FSDP");
  CHECK(fsdp["num_machines"].as<int>() == 2);
  CHECK(fsdp["num_processes"].as<int>() == 16);
  CHECK(fsdp["mixed_precision"].as<std::string>() == "bf16");
  CHECK(fsdp["fsdp_config"]["fsdp_version"].as<int>() == 2);
  CHECK(fsdp["fsdp_config"]["fsdp_reshard_after_forward"].as<bool>());
  CHECK_FALSE(fsdp["fsdp_config"]["fsdp_activation_checkpointing"].as<bool>());

  PlanFile zero = test::export_plan_file("deepspeed", Sharding::zero3);
  zero.plan.offload_states = OffloadTo::cpu;
  const YAML::Node deepspeed = yaml_of(zero, "accelerate");
  CHECK(deepspeed["distributed_type"].as<std::string>() == "DEEPSPEED");
  CHECK(deepspeed["deepspeed_config"]["zero_stage"].as<int>() == 3);
  CHECK(deepspeed["deepspeed_config"]["gradient_accumulation_steps"].as<int>() == 3);
  CHECK(deepspeed["deepspeed_config"]["gradient_clipping"].as<double>() == 0.7);
  CHECK(deepspeed["deepspeed_config"]["offload_optimizer_device"].as<std::string>() == "cpu");

  const YAML::Node plain = yaml_of(test::export_plan_file("torch", Sharding::ddp), "accelerate");
  CHECK(plain["distributed_type"].as<std::string>() == "MULTI_GPU");
  const YAML::Node alone =
      yaml_of(test::export_plan_file("native", Sharding::ddp, 1), "accelerate");
  CHECK(alone["distributed_type"].as<std::string>() == "NO");
}

TEST_CASE("export accelerate: FSDP1 and FSDP2 name the same sharding in their own words") {
  PlanFile file = test::export_plan_file("torch", Sharding::zero2);
  const auto strategy = [&] {
    return yaml_of(file, "accelerate", "fsdp1")["fsdp_config"]["fsdp_sharding_strategy"]
        .as<std::string>();
  };
  CHECK(strategy() == "SHARD_GRAD_OP");
  CHECK_FALSE(
      yaml_of(file, "accelerate", "fsdp2")["fsdp_config"]["fsdp_reshard_after_forward"].as<bool>());
  file.plan.parallel.sharding = Sharding::fsdp;
  CHECK(strategy() == "FULL_SHARD");
  file.plan.parallel.sharding = Sharding::hsdp;
  file.plan.parallel.shard_group = 4;
  CHECK(strategy() == "HYBRID_SHARD");
  const YAML::Node groups = yaml_of(file, "accelerate", "fsdp2")["parallelism_config"];
  CHECK(groups["parallelism_config_dp_replicate_size"].as<int>() == 2);
  CHECK(groups["parallelism_config_dp_shard_size"].as<int>() == 4);
}

TEST_CASE("export transformers and axolotl: sizes, rates and steps are the plan's") {
  for (const char* target : {"transformers", "axolotl"}) {
    CAPTURE(target);
    PlanFile file = test::export_plan_file("transformers", Sharding::ddp);
    file.plan.recompute.assign(32, Recompute::full);
    const YAML::Node yaml = yaml_of(file, target);
    const bool axolotl = target == std::string("axolotl");
    CHECK(yaml[axolotl ? "micro_batch_size" : "per_device_train_batch_size"].as<int>() == 2);
    CHECK(yaml["gradient_accumulation_steps"].as<int>() == 3);
    CHECK(yaml["max_steps"].as<int>() == 1000);
    CHECK(yaml["learning_rate"].as<double>() == 1e-5);
    CHECK(yaml["adam_epsilon"].as<double>() == 1e-9);
    CHECK(yaml["max_grad_norm"].as<double>() == 0.7);
    CHECK(yaml["warmup_steps"].as<int>() == 123);
    CHECK(yaml["lr_scheduler_kwargs"]["min_lr_rate"].as<double>() == 0.1);
    CHECK(yaml["bf16"].as<bool>());
    CHECK(yaml["gradient_checkpointing"].as<bool>());
    CHECK(yaml["seed"].as<int>() == 17);
  }
}

TEST_CASE("export axolotl: adapters carry rank and targets") {
  PlanFile file = test::export_plan_file("transformers", Sharding::ddp, 1);
  file.job.method = Method::qlora;
  file.job.lora.rank = 24;
  file.job.optimizer.kind = OptimizerKind::adamw_8bit;
  const YAML::Node all = yaml_of(file, "axolotl");
  CHECK(all["adapter"].as<std::string>() == "qlora");
  CHECK(all["load_in_4bit"].as<bool>());
  CHECK(all["lora_r"].as<int>() == 24);
  CHECK(all["lora_target_linear"].as<bool>());
  CHECK(all["optimizer"].as<std::string>() == "adamw_bnb_8bit");
  file.job.lora.mlp = file.job.lora.attention_out = false;
  const YAML::Node some = yaml_of(file, "axolotl");
  CHECK(some["lora_target_modules"].size() == 3);
}

TEST_CASE("export megatron: degrees, sizes and shape are the plan's") {
  PlanFile file = test::export_plan_file("megatron", Sharding::zero1, 2);
  file.plan.parallel.tp = 4;
  file.plan.parallel.pp = 2;
  file.plan.parallel.vpp = 2;
  file.plan.parallel.cp = 2;
  file.plan.parallel.sequence_parallel = true;
  std::fill_n(file.plan.recompute.begin(), 8, Recompute::full);
  const std::string text = exported(file, "megatron").text;
  const std::pair<const char*, const char*> values[] = {
      {"--tensor-model-parallel-size", "4"},
      {"--pipeline-model-parallel-size", "2"},
      {"--num-virtual-stages-per-pipeline-rank", "2"},
      {"--context-parallel-size", "2"},
      {"--micro-batch-size", "2"},
      {"--global-batch-size", "12"},
      {"--num-layers", "32"},
      {"--hidden-size", "4096"},
      {"--ffn-hidden-size", "14336"},
      {"--num-query-groups", "8"},
      {"--kv-channels", "128"},
      {"--seq-length", "4096"},
      {"--train-iters", "1000"},
      {"--lr", "1e-05"},
      {"--recompute-granularity", "full"},
      {"--recompute-num-layers", "2"},
      {"--rotary-base", "500000"},
      {"--vocab-size", "128256"},
      {"--nnodes", "4"},
      {"--nproc-per-node", "8"}};
  for (const auto& [flag, value] : values) {
    CAPTURE(flag);
    CHECK(value_of(text, flag) == value);
  }
  for (const char* flag : {"--sequence-parallel", "--use-distributed-optimizer", "--swiglu",
                           "--untie-embeddings-and-output-weights", "--disable-bias-linear"})
    CHECK(contains(text, std::string("  ") + flag + " \\\n"));
}

TEST_CASE("export torchtitan and yafsdp: sizes and degrees are the plan's") {
  PlanFile file = test::export_plan_file("torch", Sharding::hsdp, 16);
  file.plan.parallel.tp = 2;
  for (const char* form : {"recipe", "toml"}) {
    const std::string text = exported(file, "torchtitan", form).text;
    CHECK(value_of(text, "local_batch_size") == "2");
    CHECK(value_of(text, "global_batch_size") == "96");
    CHECK(value_of(text, "data_parallel_replicate_degree") == "2");
    CHECK(value_of(text, "data_parallel_shard_degree") == "8");
    CHECK(value_of(text, "tensor_parallel_degree") == "2");
    CHECK(value_of(text, "\\bsteps") == "1000");
    CHECK(value_of(text, "max_norm") == "0.7");
  }
  const PlanFile other = test::export_plan_file("yafsdp", Sharding::yafsdp);
  const std::string text = exported(other, "yafsdp").text;
  CHECK(value_of(text, "MICRO_BATCH_SIZE") == "2");
  CHECK(value_of(text, "GRADIENT_ACCUMULATION_STEPS") == "3");
  CHECK(value_of(text, "RECOMPUTED_LAYERS") == "0");
  CHECK(contains(text, "lr=1.0e-05"));
}

TEST_CASE("export skypilot: devices, price ceiling, autostop, and 75 is resumable") {
  const YAML::Node task = yaml_of(test::export_plan_file("native", Sharding::ddp, 16), "skypilot");
  CHECK(task["num_nodes"].as<int>() == 2);
  CHECK(task["resources"]["accelerators"].as<std::string>() == "H100:8");
  CHECK(task["resources"]["max_hourly_cost"].as<double>() == doctest::Approx(1.25 * 8 * 1.75));
  CHECK(task["resources"]["autostop"]["down"].as<bool>());
  CHECK(task["resources"]["job_recovery"]["recover_on_exit_codes"][0].as<int>() == 75);
  // 1.25 x the upper estimate of 1.75 x 16 x 3000 s at 28 dollars an hour: 62.5 minutes
  CHECK(contains(task["run"].as<std::string>(), "timeout --signal=TERM --kill-after=300 62m"));
}

TEST_CASE("export vast: the guard knows the budget and the query the card") {
  PlanFile file = test::export_plan_file("native", Sharding::ddp);
  ExportRequest request = test::request_of(file);
  request.budget_usd = 12.5;
  const std::string text = export_plan(choose_target("vast", request), request).text;
  CHECK(contains(text, "\nBUDGET_DOLLARS=12.50\n"));
  CHECK(contains(text, "\nMAX_DOLLARS_PER_HOUR=17.500\n"));
  CHECK(contains(text, "gpu_name=H100_SXM num_gpus=8 gpu_ram>=79"));
  CHECK(contains(text, "trap destroy EXIT"));
}

TEST_CASE("export: every file with comments carries prediction, price, date and version") {
  const std::pair<const char*, PlanFile> cases[] = {
      {"accelerate", test::export_plan_file("torch", Sharding::fsdp)},
      {"axolotl", test::export_plan_file("transformers", Sharding::ddp)},
      {"megatron", test::export_plan_file("megatron", Sharding::zero1)},
      {"skypilot", test::export_plan_file("native", Sharding::ddp)},
      {"slurm", test::export_plan_file("native", Sharding::ddp)},
      {"torchtitan", test::export_plan_file("torch", Sharding::fsdp)},
      {"transformers", test::export_plan_file("torch", Sharding::fsdp)},
      {"vast", test::export_plan_file("native", Sharding::ddp)},
      {"yafsdp", test::export_plan_file("yafsdp", Sharding::yafsdp)}};
  for (const auto& [target, file] : cases) {
    CAPTURE(target);
    const std::string text = exported(file, target).text;
    CHECK(contains(text, "# Written by aforo 9.8.7 on 2026-11-27 from plan.yaml"));
    CHECK(contains(text, "98,304 (65,536 to 131,072) tokens/s"));
    CHECK(contains(text, "57.03 GiB of 79.65 GiB"));
    CHECK(contains(text, "$1.750 an hour and device (somebody, as of 2026-08-23)"));
  }
}
