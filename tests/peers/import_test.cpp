// What files say becomes options, what they leave open is assumed, and both are told apart.

#include "planner/peers/import.h"

#include <doctest/doctest.h>

#include "planner/base/error.h"
#include "planner/peers/batch_file.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

ImportedPlan import_text(const std::string& text, int n_devices = 0) {
  return import_plan(read_peer_text(text, "f"), n_devices);
}

/// "value@place", with "assumed" in place of a place; "" without the option.
std::string setting(const ImportedPlan& plan, const std::string& option) {
  const ImportedSetting* found = plan.find(option);
  if (found == nullptr) return "";
  return found->value + "@" + (found->place.empty() ? "assumed" : found->place);
}

}  // namespace

TEST_CASE("import deepspeed: stage, types, batch, offload and optimizer with their places") {
  const ImportedPlan plan = import_text(R"({
  "train_micro_batch_size_per_gpu": 4,
  "gradient_accumulation_steps": 8,
  "gradient_clipping": 0.5,
  "bf16": {"enabled": true},
  "optimizer": {"type": "AdamW", "params": {"lr": 2e-5}},
  "zero_optimization": {"stage": 3, "offload_optimizer": {"device": "cpu"}}
})",
                                        16);
  CHECK(setting(plan, "engine") == "deepspeed@f:1:1");
  CHECK(setting(plan, "sharding") == "zero3@f:7:25");
  CHECK(setting(plan, "precision") == "bf16@f:5:12");
  CHECK(setting(plan, "micro-batch-size") == "4@f:2:3");
  CHECK(setting(plan, "global-batch-size") == "512@f:3:3");
  CHECK(setting(plan, "offload-states") == "cpu@f:7:37");
  CHECK(setting(plan, "optimizer") == "adamw@f:6:17");
  CHECK(setting(plan, "learning-rate") == "2e-05@f:6:45");
  CHECK(setting(plan, "clip-norm") == "0.5@f:4:3");
  CHECK(setting(plan, "recompute") == "none@assumed");
}

TEST_CASE(
    "import deepspeed: the micro-batch follows from the batch, the Trainer's auto is assumed") {
  const ImportedPlan whole = import_text(
      "{\"train_batch_size\": 64, \"gradient_accumulation_steps\": 2, \"fp16\": {\"enabled\": "
      "true}}",
      8);
  CHECK(setting(whole, "micro-batch-size") == "4@f:1:2");
  CHECK(setting(whole, "precision") == "fp16@f:1:69");
  CHECK(setting(whole, "sharding") == "ddp@assumed");
  const ImportedPlan open = import_text(
      "{\"train_batch_size\": \"auto\", \"train_micro_batch_size_per_gpu\": \"auto\", "
      "\"bf16\": {\"enabled\": \"auto\"}}");
  CHECK(setting(open, "micro-batch-size") == "1@assumed");
  CHECK(setting(open, "precision") == "bf16@assumed");
  CHECK_THROWS_WITH_AS(import_text("{\"train_batch_size\": 2.5}"),
                       doctest::Contains("f:1:22: train_batch_size is 2.5"), InputError);
}

TEST_CASE("import accelerate: both FSDPs, DeepSpeed, plain; the file's devices") {
  const std::string head = "num_processes: 16\nmixed_precision: bf16\ndistributed_type: ";
  const ImportedPlan second =
      import_text(head +
                  "FSDP\nfsdp_config: {fsdp_version: 2, fsdp_reshard_after_forward: false, "
                  "fsdp_activation_checkpointing: true}\n");
  CHECK(second.n_devices == 16);
  CHECK(setting(second, "sharding") == "zero2@f:4:32");
  CHECK(setting(second, "recompute") == "full@f:4:67");
  CHECK(setting(second, "engine") == "torch@f:3:1");
  const ImportedPlan first =
      import_text(head + "FSDP\nfsdp_config: {sharding_strategy: HYBRID_SHARD}\n");
  CHECK(setting(first, "sharding") == "hsdp@f:4:15");
  const ImportedPlan zero = import_text(
      head + "DEEPSPEED\ndeepspeed_config: {zero_stage: 1, gradient_accumulation_steps: 4}\n");
  CHECK(setting(zero, "sharding") == "zero1@f:4:20");
  CHECK(setting(zero, "global-batch-size") == "64@f:4:35");
  const ImportedPlan plain = import_text(head + "MULTI_GPU\n");
  CHECK(setting(plain, "sharding") == "ddp@assumed");
  CHECK(setting(plain, "global-batch-size") == "16@assumed");
}

TEST_CASE("import axolotl: method, lengths, batch, recomputation") {
  const ImportedPlan plan = import_text(
      "base_model: a/b\nadapter: qlora\nlora_r: 32\nsequence_len: 2048\nmicro_batch_size: 2\n"
      "gradient_accumulation_steps: 4\noptimizer: paged_adamw_8bit\nbf16: auto\n"
      "gradient_checkpointing: true\ndeepspeed: deepspeed_configs/zero3_bf16.json\nmax_steps: 50\n",
      4);
  CHECK(setting(plan, "method") == "qlora@f:2:1");
  CHECK(setting(plan, "lora-rank") == "32@f:3:1");
  CHECK(setting(plan, "seq-len") == "2048@f:4:1");
  CHECK(setting(plan, "micro-batch-size") == "2@f:5:1");
  CHECK(setting(plan, "global-batch-size") == "32@f:6:1");
  CHECK(setting(plan, "optimizer") == "adamw_8bit@f:7:1");
  CHECK(setting(plan, "recompute") == "full@f:9:1");
  CHECK(setting(plan, "sharding") == "zero3@f:10:1");
  CHECK(setting(plan, "steps") == "50@f:11:1");
}

TEST_CASE("import sbatch: devices of the directives, flags of the commands") {
  const ImportedPlan trainer = import_text(
      "#!/bin/bash\n#SBATCH --nodes=2\n#SBATCH --gres=gpu:a100:4\nsrun torchrun train.py \\\n"
      "  --per_device_train_batch_size 2 --gradient_accumulation_steps=3 --bf16 True \\\n"
      "  --gradient_checkpointing True --max_seq_length 2048 --deepspeed ds.json\n");
  CHECK(trainer.n_devices == 8);
  CHECK(setting(trainer, "micro-batch-size") == "2@f:4:1");
  CHECK(setting(trainer, "global-batch-size") == "48@f:4:1");
  CHECK(setting(trainer, "precision") == "bf16@f:4:1");
  CHECK(setting(trainer, "recompute") == "full@f:4:1");
  CHECK(setting(trainer, "seq-len") == "2048@f:4:1");
  CHECK(setting(trainer, "engine") == "deepspeed@f:4:1");
  const ImportedPlan megatron = import_text(
      "#!/bin/bash\n#SBATCH -N 8 --gpus-per-node=8\ntorchrun pretrain_gpt.py "
      "--tensor-model-parallel-size 8 --pipeline-model-parallel-size $PP "
      "--use-distributed-optimizer --fp16 --global-batch-size 512\n");
  CHECK(megatron.n_devices == 64);
  CHECK(setting(megatron, "engine") == "megatron@f:3:1");
  CHECK(setting(megatron, "tp") == "8@f:3:1");
  CHECK(setting(megatron, "pp") == "");
  CHECK(contains(megatron.notes.front(), "is not read: its value is no plain number"));
  CHECK(setting(megatron, "sharding") == "zero1@f:3:1");
}

TEST_CASE("batch files: times, counts and flags as Slurm and trainers read them") {
  CHECK(slurm_minutes("90") == 90);
  CHECK(slurm_minutes("1:30") == 1.5);
  CHECK(slurm_minutes("2:00:00") == 120);
  CHECK(slurm_minutes("1-12") == 36 * 60);
  CHECK(slurm_minutes("1-06:30") == 30.5 * 60);
  for (const char* text : {"", "soon", "1:2:3:4", "-1", "1-", "99999999999"})
    CHECK_FALSE(slurm_minutes(text).has_value());
  CHECK(slurm_count("gpu:h100:8") == 8);
  CHECK(slurm_count("2-4") == 2);
  CHECK_FALSE(slurm_count("many").has_value());
  CHECK(flag_value("a --per_device_batch 4 --x", "--per-device-batch") == "4");
  CHECK(flag_value("a --n=4", "--n") == "4");
  CHECK(flag_value("a --bf16 --n 1", "--bf16") == "");
  CHECK_FALSE(flag_value("a --nn 4", "--n").has_value());
}
