#!/bin/sh
# Opens reports in a real browser without a network: every chart must be drawn and nothing may fail.
# Usage: scripts/check_report.sh AFORO FOLDER     writes the pages and their pictures to FOLDER
# Exit code 77: there is no Chromium.
set -eu
aforo=$(realpath "$1")
here=$(realpath "$(dirname "$0")/..")
mkdir -p "$2"
cd "$2"

browser=""
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null 2>&1 && browser=$name && break
done
if [ -z "$browser" ]; then
  echo "skipped: no Chromium; Debian's package is chromium"
  exit 77
fi

seq 1 20000 >text.txt
"$aforo" plan --model gpt-tiny --data text.txt --hardware "$here/tests/cli/machine.yaml" --steps 8 --global-batch-size 8 --seq-len 32 \
  -o run.yaml >/dev/null
"$aforo" run run.yaml --log run.jsonl >/dev/null
"$aforo" plan --model gpt2 --gpu rtx-4090 --tokens 10B -o gpt2.yaml >/dev/null
"$aforo" plan --model llama-3.1-8b --gpu h100:8 --seq-len 4096 --global-batch-size 64 --tokens 1B -o llama.yaml >/dev/null
"$aforo" report run.yaml run.jsonl -o run.html >/dev/null
"$aforo" report gpt2.yaml --gpus owned:1x3090,rent:any --budget-usd 20 --deadline 3d -o gpt2.html >/dev/null
"$aforo" report llama.yaml gpt2.yaml --budget-usd 300 --deadline 3d -o both.html >/dev/null

open_page() { timeout 60 "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --virtual-time-budget=5000 "$@" 2>/dev/null; }
failed=0
for page in run gpt2 both; do
  open_page --dump-dom "file://$PWD/$page.html" >"$page.dom"
  wanted=$(grep -o '<canvas' "$page.html" | wc -l)
  drawn=$(grep -o 'data-drawn="yes"' "$page.dom" | wc -l)
  failures=$(grep -o 'data-failures="[^"]*"' "$page.dom" || true)
  if [ "$failures" != 'data-failures=""' ] || [ "$wanted" -ne "$drawn" ] || [ "$wanted" -eq 0 ]; then
    echo "$page.html: $drawn of $wanted charts drawn; ${failures:-its script did not run}"
    failed=1
  else
    echo "$page.html: $drawn charts drawn"
  fi
  open_page --window-size=1000,4600 --screenshot="$page.png" "file://$PWD/$page.html"
  open_page --window-size=500,7000 --screenshot="$page-phone.png" "file://$PWD/$page.html"
done
exit $failed
