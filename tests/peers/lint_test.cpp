// Findings with their places: each rule fires on a file that breaks it and not on one that keeps
// it.

#include "planner/peers/lint.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "planner/base/error.h"
#include "tests/support/text.h"

using namespace aforo;

namespace {

std::vector<Finding> lint_text(const std::string& text, int n_devices = 0) {
  return lint(read_peer_text(text, "f"), n_devices);
}

/// "f:2:3 error unknown-key: ..." of the only finding; all of them, one a line, if there are more.
std::string only(const std::string& text, int n_devices = 0) {
  std::string out;
  for (const Finding& f : lint_text(text, n_devices))
    out += (out.empty() ? "" : "\n") + f.place + " " + std::string(enum_name(f.severity)) + " " +
           f.rule + ": " + f.message;
  return out;
}

const std::string good_deepspeed = R"({
  "train_batch_size": 64,
  "train_micro_batch_size_per_gpu": 2,
  "gradient_accumulation_steps": 4,
  "gradient_clipping": 1.0,
  "bf16": {"enabled": true},
  "fp16": {"enabled": false},
  "zero_optimization": {
    "stage": 3,
    "stage3_max_live_parameters": 1e9,
    "offload_optimizer": {"device": "cpu", "ratio": 0.5}
  }
})";

const std::string good_accelerate = R"(compute_environment: LOCAL_MACHINE
distributed_type: FSDP
mixed_precision: 'no'
num_machines: 2
num_processes: 16
fsdp_config:
  fsdp_version: 2
  fsdp_reshard_after_forward: true
  fsdp_auto_wrap_policy: TRANSFORMER_BASED_WRAP
)";

const std::string good_axolotl = R"(base_model: some/model
datasets:
  - path: a.jsonl
    type: completion
adapter: qlora
load_in_4bit: true
lora_r: 16
lora_target_linear: true
sequence_len: 2048
micro_batch_size: 1
gradient_accumulation_steps: 4
learning_rate: 2e-4
optimizer: adamw_bnb_8bit
bf16: auto
)";

const std::string good_sbatch = R"(#!/bin/bash
#SBATCH --job-name=x
#SBATCH -N 2
#SBATCH --gpus-per-node=8
#SBATCH --time=1-02:30:00
srun torchrun --nnodes=2 --nproc_per_node 8 train.py
)";

}  // namespace

TEST_CASE("lint: files without fault have no findings") {
  for (const std::string& text : {good_deepspeed, good_accelerate, good_axolotl, good_sbatch})
    CHECK(only(text) == "");
  CHECK(only(good_deepspeed, 8) == "");
  CHECK(only(good_sbatch, 16) == "");
}

TEST_CASE("lint: the kind is told by the content, and can be said") {
  CHECK(read_peer_text(good_deepspeed, "f").kind == PeerKind::deepspeed);
  CHECK(read_peer_text(good_accelerate, "f").kind == PeerKind::accelerate);
  CHECK(read_peer_text(good_axolotl, "f").kind == PeerKind::axolotl);
  CHECK(read_peer_text(good_sbatch, "f").kind == PeerKind::sbatch);
  CHECK_THROWS_WITH_AS(read_peer_text("some: thing\n", "f"),
                       "f: cannot tell what it configures; give --as accelerate, axolotl, "
                       "deepspeed, sbatch",
                       InputError);
  CHECK(read_peer_text("{}", "f", PeerKind::deepspeed).kind == PeerKind::deepspeed);
}

TEST_CASE("lint deepspeed: unknown keys, ignored at the top and refused below") {
  CHECK(only(replaced(good_deepspeed, "gradient_clipping", "gradient_cliping")) ==
        "f:5:3 warning unknown-key: unknown key \"gradient_cliping\"; is gradient_clipping meant? "
        "deepspeed ignores it silently");
  CHECK(only(replaced(good_deepspeed, "stage3_max_live", "stage3_max_life")) ==
        "f:10:5 error unknown-key: unknown key \"stage3_max_life_parameters\" in "
        "zero_optimization; is stage3_max_live_parameters meant? deepspeed refuses it");
  CHECK(contains(only(replaced(good_deepspeed, "\"bf16\": {", "\"amp\": {}, \"bf16\": {")),
                 "was removed from DeepSpeed"));
  CHECK(contains(
      only(replaced(good_deepspeed, "\"stage\": 3,", "\"stage\": 3, \"cpu_offload\": true,")),
      "cpu_offload is deprecated; write offload_optimizer"));
}

TEST_CASE("lint deepspeed: the batch identity, with and without the number of devices") {
  CHECK(only(good_deepspeed, 4) ==
        "f:2:3 error contradiction: train_batch_size is 64, but micro 2 x accumulation 4 x 4 "
        "devices = 32; write that, or leave train_batch_size out");
  CHECK(contains(only(replaced(good_deepspeed, "64", "60")), "does not divide"));
  CHECK(only(replaced(good_deepspeed, "64", "\"auto\"")) == "");
  CHECK(contains(only("{\"zero_optimization\": {\"stage\": 1}}"), "DeepSpeed needs one of them"));
}

TEST_CASE("lint deepspeed: types, stages and offload that contradict each other") {
  CHECK(
      contains(only(replaced(good_deepspeed, "false", "true")), "fp16 and bf16 are both enabled"));
  const std::string stage2 = only(replaced(good_deepspeed, "\"stage\": 3", "\"stage\": 2"));
  CHECK(contains(stage2, "f:10:5 warning ignored: stage3_max_live_parameters under stage 2"));
  CHECK(contains(stage2, "ratio 0.5 under stage 2"));
  const std::string stage0 = only(replaced(good_deepspeed, "\"stage\": 3", "\"stage\": 0"));
  CHECK(contains(stage0, "offload_optimizer to cpu under stage 0"));
  CHECK(contains(only(replaced(good_deepspeed, "\"stage\": 3", "\"stage\": 7")),
                 "stage is 7; expected 0, 1, 2 or 3"));
  CHECK(contains(
      only(replaced(good_deepspeed, "offload_optimizer\": {\"device\": \"cpu\", \"ratio\": 0.5",
                    "offload_param\": {\"device\": \"nvme\"")),
      "offload_param to nvme needs nvme_path"));
}

TEST_CASE("lint deepspeed: what only Hjson takes is said") {
  CHECK(contains(only(replaced(good_deepspeed, "64,", "64, # sequences")), "no strict JSON"));
  CHECK_THROWS_AS(lint_text(replaced(good_deepspeed, "64,", "64, // sequences")), InputError);
}

TEST_CASE("lint accelerate: keys at the top are refused, below them ignored") {
  CHECK(contains(only(replaced(good_accelerate, "num_machines", "num_machine")),
                 "f:4:1 error unknown-key: unknown key \"num_machine\"; is num_machines meant? "
                 "accelerate refuses the file"));
  CHECK(contains(only(good_accelerate + "  fsdp_cpu_offload: true\n"),
                 "f:10:3 warning unknown-key: unknown key \"fsdp_cpu_offload\" in fsdp_config; is "
                 "fsdp_offload_params meant? accelerate ignores it silently"));
  CHECK(only(good_accelerate + "  activation_checkpointing: true\n") == "");  // gets its prefix
}

TEST_CASE("lint accelerate: words that YAML takes for truth values") {
  CHECK(contains(only(replaced(good_accelerate, "'no'", "no")),
                 "mixed_precision is no without quotes, which YAML reads as false; write 'no'"));
  CHECK(contains(only(replaced(good_accelerate, "FSDP", "NO")), "write 'NO'"));
}

TEST_CASE("lint accelerate: sections and keys that the chosen kind does not read") {
  CHECK(contains(only(replaced(good_accelerate, "FSDP", "MULTI_GPU")),
                 "fsdp_config does nothing under distributed_type MULTI_GPU"));
  CHECK(contains(only(good_accelerate + "  fsdp_use_orig_params: true\n"),
                 "fsdp_use_orig_params is FSDP1's"));
  CHECK(contains(only(good_accelerate + "  fsdp_forward_prefetch: true\n"), "is refused"));
  CHECK(contains(only(replaced(good_accelerate, "forward: true", "forward: FULL_SHARD")),
                 "FSDP2 takes true or false"));
  CHECK(contains(only(replaced(good_accelerate, "16", "15")), "must be a multiple"));
  const std::string deepspeed =
      "distributed_type: DEEPSPEED\ndeepspeed_config:\n  deepspeed_config_file: ds.json\n"
      "  zero_stage: 2\n  offload_param_device: cpu\n  zero3_init_flag: true\n";
  CHECK(contains(only(deepspeed), "zero_stage beside deepspeed_config_file is refused"));
  CHECK(contains(only(deepspeed), "offload_param_device under zero_stage 2"));
  CHECK(contains(only(deepspeed), "zero3_init_flag does nothing under zero_stage 2"));
}

TEST_CASE("lint axolotl: keys of other tools, adapters, packing, types") {
  CHECK(contains(only(replaced(good_axolotl, "lora_r:", "lora_rank:")), "is lora_r meant?"));
  CHECK(contains(only(good_axolotl + "lr_scheduler_type: cosine\n"), "is lr_scheduler meant?"));
  CHECK(contains(only(replaced(good_axolotl, "load_in_4bit: true\n", "")),
                 "adapter qlora needs load_in_4bit"));
  CHECK(contains(only(replaced(good_axolotl, "adapter: qlora\n", "")), "cannot be trained"));
  CHECK(contains(only(good_axolotl + "sample_packing: true\n"), "see each other"));
  CHECK(contains(only(replaced(good_axolotl, "bf16: auto", "bf16: true\nfp16: true")),
                 "bf16 and fp16 are both on"));
  CHECK(contains(only(replaced(good_axolotl, "learning_rate: 2e-4\n", "")),
                 "learning_rate is missing"));
  CHECK(contains(only(good_axolotl + "batch_size: 4\n"), "the same thing twice"));
  CHECK(contains(only(good_axolotl + "deepspeed: ds.json\nfsdp_config: {version: 2}\n"),
                 "deepspeed and FSDP are both configured"));
}

TEST_CASE("lint sbatch: options that are unknown, doubled or never read") {
  CHECK(only(replaced(good_sbatch, "--gpus-per-node", "--gpu-per-node")) ==
        "f:4:9 error unknown-key: unknown option \"gpu-per-node\"; is gpus-per-node meant? sbatch "
        "refuses it");
  CHECK(
      contains(only(good_sbatch + "#SBATCH --mem=1G\n"), "f:7:9 error ignored: \"mem\" is never"));
  CHECK(contains(only(replaced(good_sbatch, "#SBATCH -N 2", "# SBATCH -N 2")), "is never read"));
  CHECK(contains(only(replaced(good_sbatch, "#SBATCH -N 2", "#SBATCH -N 3 --nodes=2")),
                 "nodes is given twice"));
}

TEST_CASE("lint sbatch: counts, times and commands that contradict each other") {
  CHECK(contains(only(replaced(good_sbatch, "--job-name=x", "--gpus=8")),
                 "gpus 8 is not nodes 2 x gpus-per-node 8 = 16"));
  CHECK(contains(only(replaced(good_sbatch, "node 8", "node 4")),
                 "f:6:1 error contradiction: 4 processes on a machine with 8 devices"));
  CHECK(contains(only(replaced(good_sbatch, "--nnodes=2", "--nnodes=3")),
                 "--nnodes 3 in a job of 2 nodes"));
  CHECK(contains(only(replaced(good_sbatch, "1-02:30:00", "soon")), "time is \"soon\""));
  CHECK(contains(only(replaced(good_sbatch, "#SBATCH --time=1-02:30:00\n", "")), "no --time"));
  CHECK(contains(only(replaced(good_sbatch, "#SBATCH -N 2", "#SBATCH -N 2\n#SBATCH --requeue")),
                 "add --open-mode=append"));
  CHECK(contains(only(good_sbatch, 8), "ask for 16 devices, but --gpu names 8"));
}
