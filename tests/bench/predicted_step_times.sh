#!/bin/sh
# How far calibrated predictions are off: plans, runs and verifies a range of configurations on this machine. Everything
# runs in three rounds, of which each configuration's fastest counts, as in the calibration: other work on a shared machine
# only ever slows it down. One line each, then the quantiles of the error. About fifteen minutes on two cores.
# Usage: tests/bench/predicted_step_times.sh AFORO TEXT [CALIBRATION]
set -eu
aforo=$1 text=$2 work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
machine=${3:-$work/machine.yaml}
[ -e "$machine" ] || "$aforo" calibrate -o "$machine"

one() {   # model precision seq micro global
  name="$1 $2 seq $3 micro $4 x $(($5 / $4))"
  "$aforo" plan --model "$1" --precision "$2" --seq-len "$3" --micro-batch-size "$4" --global-batch-size "$5" \
    --data "$text" --hardware "$machine" --steps 9 -o "$work/plan.yaml" >/dev/null
  "$aforo" run "$work/plan.yaml" --log "$work/run.jsonl" --evaluate-every 0 >/dev/null
  "$aforo" verify "$work/run.jsonl" --tolerance 1000% --json >"$work/verify.json"
  # the first "predicted" and "measured" are the step time, the third pair the process memory
  awk -v name="$name" '/"predicted":/ { p[++i] = $2 + 0 } /"measured":/ { m[i] = $2 + 0 }
    END { printf "%s|%.6f|%.6f|%.4f\n", name, p[1], m[1], 100 * (m[3] / p[3] - 1) }' "$work/verify.json" >>"$work/all"
}

round() {
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
}
for n in 1 2 3; do round; done

awk -F'|' '{ n = $1; if (!(n in p)) { order[++k] = n; least[n] = $3; most[n] = $3 } p[n] = $2
    if ($3 < least[n]) least[n] = $3; if ($3 > most[n]) most[n] = $3
    if (!(n in memory) || ($4 < 0 ? -$4 : $4) > (memory[n] < 0 ? -memory[n] : memory[n])) memory[n] = $4 }
  END { for (i = 1; i <= k; ++i) { n = order[i]
    printf "%-42s predicted %8.1f ms  measured %8.1f ms  %+6.1f %%  slowest round %+4.0f %%  process %+5.1f %%\n", n, 1000 * p[n],
      1000 * least[n], 100 * (least[n] / p[n] - 1), 100 * (most[n] / least[n] - 1), memory[n] } }' "$work/all" | tee "$work/table"
quantiles() {   # what, sed pattern of its figure
  sed "$2" "$work/table" | sort -n | awk -v what="$1" '{ v[NR] = $1 }
    END { printf "%s: median |error| %.1f %%, 90th percentile %.1f %%, worst %.1f %%, of %d\n", what, v[int((NR + 1) / 2)],
          v[int(NR * 0.9 + 0.5)], v[NR], NR }'
}
quantiles "step time" 's/.*measured *[0-9.]* ms *[+-]\([0-9.]*\) %.*/\1/'
quantiles "process memory" 's/.*process *[+-]\([0-9.]*\) %.*/\1/'
