#!/bin/sh
# Tokens per second of aforo and of PyTorch on the same small GPT, same threads, same precision, in turn in one run.
# torch.compile is left out: it takes minutes to warm up on two cores; `torch_gpt.py --compile` measures it.
# Usage: tests/bench/beside_torch.sh AFORO TEXT PYTHON [CALIBRATION]
set -eu
aforo=$1 text=$2 python=$3 work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$(dirname "$0")
machine=${4:-$work/machine.yaml}
[ -e "$machine" ] || "$aforo" calibrate -o "$machine" >/dev/null
threads=$(nproc)

ours() {   # precision
  "$aforo" plan --model gpt-small-bytes --precision "$1" --seq-len 256 --micro-batch-size 8 --global-batch-size 8 \
    --data "$text" --hardware "$machine" --steps 14 -o "$work/plan.yaml" >/dev/null
  "$aforo" run "$work/plan.yaml" --log "$work/run.jsonl" --evaluate-every 0 --threads "$threads" >/dev/null
  grep '"kind": "summary"' "$work/run.jsonl" | sed 's/.*"tokens_per_s": \([0-9.]*\).*/\1/'
}
theirs() {   # precision, further flags
  "$python" "$here/torch_gpt.py" --model-kind gpt2 --n-layers 6 --d-model 384 --n-heads 6 --vocab-size 256 --seq-len 256 \
    --micro-batch-size 8 --steps 10 --warmup 3 --threads "$threads" --precision "$@" |
    sed 's/.*"tokens_per_s": \([0-9.]*\).*/\1/'
}
for round in 1 2; do
  for precision in fp32 bf16; do
    printf 'round %d  %s  aforo %s  torch %s tokens/s\n' $round $precision "$(ours $precision)" "$(theirs $precision)"
  done
done
