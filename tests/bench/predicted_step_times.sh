#!/bin/sh
# How far calibrated step times are off: plans, runs and verifies a range of configurations on this machine, one line each,
# and the median error. About ten minutes on two cores.
# Usage: tests/bench/predicted_step_times.sh AFORO TEXT [CALIBRATION]
set -eu
aforo=$1 text=$2 work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
machine=${3:-$work/machine.yaml}
[ -e "$machine" ] || "$aforo" calibrate -o "$machine"

one() {   # model precision seq micro global
  "$aforo" plan --model "$1" --precision "$2" --seq-len "$3" --micro-batch-size "$4" --global-batch-size "$5" \
    --data "$text" --hardware "$machine" --steps 9 -o "$work/plan.yaml" >/dev/null
  "$aforo" run "$work/plan.yaml" --log "$work/run.jsonl" --evaluate-every 0 >/dev/null
  "$aforo" verify "$work/run.jsonl" --tolerance 1000% --json >"$work/verify.json"
  # the first "predicted" and "measured" are the step time, the third pair the process memory
  awk -v name="$1 $2 seq $3 micro $4 x $(($5 / $4))" '
    /"predicted":/ { p[++i] = $2 + 0 } /"measured":/ { m[i] = $2 + 0 }
    END { printf "%-44s predicted %8.1f ms  measured %8.1f ms  %+6.1f %%   process %+5.1f %%\n", name, 1000 * p[1],
          1000 * m[1], 100 * (m[1] / p[1] - 1), 100 * (m[3] / p[3] - 1) }' "$work/verify.json" | tee -a "$work/all"
}

for precision in fp32 bf16; do
  one gpt-tiny $precision 64 4 8
  one gpt-tiny $precision 128 8 8
  one gpt-tiny $precision 256 4 4
  one gpt-tiny $precision 256 16 16
  one llama-tiny $precision 64 8 8
  one llama-tiny $precision 128 4 16
  one llama-tiny $precision 256 8 8
  one llama-tiny $precision 256 2 8
  one gpt-small-bytes $precision 128 2 2
  one gpt-small-bytes $precision 128 8 8
  one gpt-small-bytes $precision 256 4 8
  one gpt-small-bytes $precision 512 1 2
done
sed 's/.*ms  *\([+-][0-9.]*\) %.*/\1/; s/^[+-]//' "$work/all" | sort -n |
  awk '{ v[NR] = $1 } END { printf "step time: median |error| %.1f %%, 90th percentile %.1f %%, worst %.1f %%, of %d\n",
         v[int((NR + 1) / 2)], v[int(NR * 0.9 + 0.5)], v[NR], NR }'
sed 's/.*process *\([+-][0-9.]*\) %.*/\1/; s/^[+-]//' "$work/all" | sort -n |
  awk '{ v[NR] = $1 } END { printf "process memory: median |error| %.1f %%, worst %.1f %%\n", v[int((NR + 1) / 2)], v[NR] }'
