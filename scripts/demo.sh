#!/bin/sh
# The main job from nothing: install, build, calibrate this machine, show what fits, plan a small GPT for a real text,
# train it, and compare what was predicted with what was measured.
# Usage: scripts/demo.sh [--data FILE] [--steps N]
set -eu
cd "$(dirname "$0")/.."

data="" steps=60
while [ $# -gt 0 ]; do
  case "$1" in
    --data) data=${2:?"--data needs a file"}; shift 2 ;;
    --steps) steps=${2:?"--steps needs a number"}; shift 2 ;;
    *) echo "usage: scripts/demo.sh [--data FILE] [--steps N]" >&2; exit 2 ;;
  esac
done

scripts/install.sh
echo "aforo: building (about two minutes on two cores)"
cmake --preset release -DAFORO_TESTS=OFF -DAFORO_CUDA=OFF -DAFORO_CPU_ISAS=native -B build/demo >build-demo.log 2>&1 || { cat build-demo.log; exit 6; }
cmake --build build/demo >>build-demo.log 2>&1 || { tail -40 build-demo.log; exit 1; }
rm -f build-demo.log
aforo=build/demo/bin/aforo

out=out/demo
mkdir -p "$out"
if [ -z "$data" ]; then
  # Quotations of the package "fortunes": plain English of many authors. Without it, the licences every system carries.
  data="$out/text.txt"
  texts=$(find /usr/share/games/fortunes -type f ! -name '*.dat' ! -name '*.u8' 2>/dev/null | LC_ALL=C sort)
  [ -n "$texts" ] || texts=$(find /usr/share/common-licenses -type f | LC_ALL=C sort)
  # shellcheck disable=SC2086  # the list is meant to be split
  cat $texts >"$data"
fi

say() { printf '\n$ %s\n' "aforo $*"; "$aforo" "$@"; }
say calibrate -o "$out/machine.yaml"
say fit gpt2
say plan --model gpt-small-bytes --data "$data" --hardware "$out/machine.yaml" --seq-len 256 --global-batch-size 8 \
  --steps "$steps" -o "$out/plan.yaml"
say run "$out/plan.yaml" --log "$out/run.jsonl"
say verify "$out/run.jsonl"
