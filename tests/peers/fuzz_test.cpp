// Hostile configurations: an InputError, findings or settings, never anything else.

#include <doctest/doctest.h>

#include "planner/peers/import.h"
#include "planner/peers/lint.h"
#include "tests/base/mutate.h"

using namespace aforo;

namespace {

constexpr const char* texts[] = {
    R"({"train_batch_size": 64, "train_micro_batch_size_per_gpu": 2, "bf16": {"enabled": true},
  "optimizer": {"type": "AdamW", "params": {"lr": 2e-5}}, "scheduler": {"type": "WarmupDecayLR"},
  "zero_optimization": {"stage": 3, "offload_optimizer": {"device": "cpu", "ratio": 0.5}}})",
    "compute_environment: LOCAL_MACHINE\ndistributed_type: FSDP\nmixed_precision: bf16\n"
    "num_machines: 2\nnum_processes: 16\nfsdp_config:\n  fsdp_version: 2\n"
    "  fsdp_reshard_after_forward: true\ndeepspeed_config: {zero_stage: 3}\n",
    "base_model: a/b\ndatasets:\n  - path: x\n    type: y\nadapter: qlora\nload_in_4bit: true\n"
    "sequence_len: 2048\nmicro_batch_size: 2\ngradient_accumulation_steps: 4\nbf16: auto\n"
    "fsdp_config: {version: 2}\nlearning_rate: 2e-4\n",
    "#!/bin/bash\n#SBATCH --nodes=2 -t 1-02:30:00\n#SBATCH --gres=gpu:a100:4\n#SBATCH "
    "--comment=\"a b\"\n"
    "srun torchrun --nproc_per_node 4 train.py \\\n  --per_device_train_batch_size 2 --bf16 "
    "True\n"};
constexpr PeerKind kinds[] = {PeerKind::deepspeed, PeerKind::accelerate, PeerKind::axolotl,
                              PeerKind::sbatch};

}  // namespace

TEST_CASE("fuzz: a broken configuration is an input error, findings or settings, never a crash") {
  const auto use = [](const std::string& text, PeerKind kind) {
    const PeerFile file = read_peer_text(text, "f", kind);
    for (const Finding& finding : lint(file, 8)) CHECK_FALSE(finding.message.empty());
    for (const ImportedSetting& setting : import_plan(file, 8).settings)
      CHECK_FALSE(setting.value.empty());
  };
  for (std::size_t i = 0; i < 3; ++i)
    test::check_mutations(texts[i], 5 + i, 300,
                          [&](const std::string& text) { use(text, kinds[i]); });
  // Hardly a text is no batch file.
  test::Mutator mutate(9);
  for (int i = 0; i < 300; ++i) use(mutate(texts[3]), kinds[3]);
}
