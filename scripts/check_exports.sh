#!/bin/bash
# Exports plans to every target and reads each file back with the peer's own parser. Needs a package index: it
# makes a virtual environment in out/check_exports (about 6 GB with PyTorch). Not part of CI.
# Usage: scripts/check_exports.sh [AFORO] [MEGATRON]   (the program; a Megatron-LM checkout)
set -euo pipefail
cd "$(dirname "$0")/.."
aforo=$(realpath "${1:-build/release/bin/aforo}")
megatron=${2:-}
out=out/check_exports
mkdir -p "$out"
if [ ! -x "$out/venv/bin/python" ]; then
  python3 -m venv "$out/venv"
  # Apart, for it asks for older versions of what the others ask for; its schemas work with either.
  "$out/venv/bin/pip" install -q skypilot==0.14.1
  "$out/venv/bin/pip" install -q torch==2.15.0 accelerate==1.15.0 transformers==5.24.0 vastai==1.9.1 \
    hjson msgpack psutil py-cpuinfo einops tyro peft datasets torchdata tensorboard
  # Their parsers need little of what they ask for, and axolotl pins older versions of the rest.
  "$out/venv/bin/pip" install -q --no-deps deepspeed==0.19.8 axolotl==0.19.0 torchtitan==0.3.0 \
    spmd_types==0.2.3 torch_checkpointing addict axolotl-contribs-lgpl axolotl-contribs-mit art \
    posthog wandb
fi

files=$out/files
rm -rf "$files"
mkdir -p "$files"
plan() {   # name, then options of `aforo estimate`
  local name=$1
  shift
  "$aforo" estimate "$@" --tokens 1B -o "$files/$name.plan.yaml" > /dev/null || [ $? -eq 3 ]
}
to() {   # plan, target, form or "", ending, further options
  local name=$1 target=$2 form=$3 ending=$4
  shift 4
  "$aforo" export "$files/$name.plan.yaml" --to "$target" ${form:+--form "$form"} "$@" \
    -o "$files/$name.$target.${form:+$form.}$ending" > /dev/null 2>&1
}
job=(--model llama-3.1-8b --seq-len 4096 --global-batch-size 64)
plan ddp --model gpt2 --gpu rtx-4090:2 --seq-len 1024 --global-batch-size 64 --engine torch --sharding ddp
plan zero1 "${job[@]}" --gpu h100:8 --engine deepspeed --sharding zero1
plan zero2 "${job[@]}" --gpu h100:8 --engine deepspeed --sharding zero2 --micro-batch-size 2
plan zero3 "${job[@]}" --gpu h100:16 --engine deepspeed --sharding zero3 --offload-states cpu --recompute full
plan fsdp "${job[@]}" --gpu h100:8 --engine torch --sharding fsdp --recompute full
plan hsdp "${job[@]}" --gpu h100:16 --engine torch --sharding hsdp
plan grads "${job[@]}" --gpu h100:8 --engine torch --sharding zero2
plan qlora --model qwen2.5-7b --gpu rtx-4090 --seq-len 2048 --global-batch-size 16 --method qlora --recompute full --optimizer adamw_8bit
plan lora "${job[@]}" --gpu a100:4 --method lora --sharding fsdp --engine transformers --recompute full
plan dense --model llama-3.1-70b --gpu h100:64 --seq-len 4096 --global-batch-size 256 --tp 8 --pp 4 --sharding zero1 --recompute "full x40, none x40"
plan moe --model mixtral-8x7b --gpu h100:32 --seq-len 4096 --global-batch-size 256 --tp 2 --ep 8 --engine megatron --sharding zero1 --recompute selective
plan yafsdp "${job[@]}" --gpu a100:64 --engine yafsdp --sharding yafsdp --recompute "full x16, none x16"

to ddp accelerate plain yaml
for name in zero1 zero2 zero3; do
  to $name deepspeed "" json
  to $name accelerate deepspeed yaml
  to $name transformers "" yaml
  to $name axolotl "" yaml --base-model meta-llama/Llama-3.1-8B || true   # recompute selective is not its
done
for name in fsdp hsdp grads; do
  to $name accelerate fsdp1 yaml
  to $name accelerate fsdp2 yaml
  to $name torchtitan recipe py
  to $name torchtitan toml toml
done
to fsdp transformers "" yaml
to fsdp axolotl "" yaml --base-model meta-llama/Llama-3.1-8B
for name in qlora lora; do
  to $name transformers "" yaml
  to $name axolotl "" yaml --base-model Qwen/Qwen2.5-7B
done
to dense megatron "" sh
to moe megatron "" sh
to yafsdp yafsdp "" py
for name in ddp zero2 qlora; do
  to $name vast "" sh --command 'bash train.sh' || true
done
for name in ddp zero3 dense qlora; do
  to $name slurm "" sbatch
  to $name skypilot "" yaml
done
"$out/venv/bin/python" scripts/check_exports.py "$files" ${megatron:+"$megatron"} 2> "$out/stderr.txt"
