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
theirs() {   # precision; fewer steps in bf16, which takes half a minute a step where the processor cannot multiply it
  case $1 in bf16) steps=2 warmup=1 ;; *) steps=10 warmup=3 ;; esac
  "$python" "$here/torch_gpt.py" --model-kind gpt2 --n-layers 6 --d-model 384 --n-heads 6 --vocab-size 256 --seq-len 256 \
    --micro-batch-size 8 --steps $steps --warmup $warmup --threads "$threads" --precision "$1" |
    sed 's/.*"tokens_per_s": \([0-9.]*\).*/\1/'
}
one() {   # precision, round
  ours=$(ours "$1") theirs=$(theirs "$1")
  echo "$1 $ours $theirs" | awk -v round="$2" '{ printf "%s round %d  aforo %6.0f  torch %6.0f tokens/s  ratio %.2f\n", $1, round, $2, $3, $2 / $3 }' |
    tee -a "$work/rows"
}
for round in 1 2 3 4 5 6 7; do one fp32 $round; done
one bf16 1
for precision in fp32 bf16; do
  grep "^$precision" "$work/rows" | awk '{ print $NF }' | sort -n |
    awk -v name=$precision '{ v[NR] = $1 } END { printf "%s: median ratio %.2f (%.2f to %.2f), %d rounds\n", name, v[int((NR + 1) / 2)], v[1], v[NR], NR }'
done
