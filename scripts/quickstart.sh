#!/usr/bin/env bash
# The recipe in miniature, from nothing but this repository: trains a reference model of 8 blocks, inherits its first 4, trains
# those, trains a model of 4 blocks from scratch just as long, and compares the three. About 5 minutes on 2 cores, after the build.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/quickstart.sh [--data FILE] [--output DIR]
  --data FILE    a UTF-8 text of your own, at least 100 kB; without it, generated stories
  --output DIR   where everything goes (default: ./quickstart)
Run again after an interruption, it goes on where it was.
USAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/requirements.sh"

# The reference trains long enough to be worth inheriting from; the two small models get the same, shorter time.
reference_steps=2500
steps=1000

data=
output=quickstart
while [ $# -gt 0 ]; do
  case $1 in
    --data | --output)
      [ $# -ge 2 ] && [ -n "$2" ] || { echo "error: $1 needs a value" >&2; usage >&2; exit 64; }
      case $1 in --data) data=$2 ;; --output) output=$2 ;; esac
      shift 2
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "error: unknown argument '$1'" >&2; usage >&2; exit 64 ;;
  esac
done
if [ -n "$data" ]; then
  [ -f "$data" ] && [ -r "$data" ] || fail "$data: no such file, or not readable"
fi

# One output directory belongs to one text.
mkdir -p "$output"
source=${data:-generated stories}
if [ -f "$output/source.txt" ]; then
  [ "$(cat "$output/source.txt")" = "$source" ] ||
    fail "$output was made from: $(cat "$output/source.txt"); choose another --output, or remove it"
else
  echo "$source" >"$output/source.txt"
fi

step() { printf '\n== %s (%d s)\n' "$*" "$SECONDS"; }

step "Checking what is installed"
require_packages
require_swift

step "Building; the first time takes several minutes"
swift build -c release --package-path "$root"
bin=$(swift build -c release --package-path "$root" --show-bin-path)
SECONDS=0

step "Data"
if [ ! -d "$output/data" ]; then
  "$bin/quickstart-data" corpus --output "$output/data" ${data:+--text "$data"}
fi
[ -f "$output/tokens/dataset.json" ] ||
  "$bin/inheritune" prepare "$output/data/train.txt" --tokenizer "$output/data/tokenizer" --output "$output/tokens" \
    --validation-fraction 0.02

# train NAME BLOCKS STEPS [OVERRIDE...]: goes on with a run that was interrupted, leaves a finished one as it is.
train() {
  local name=$1 blocks=$2 steps=$3 override overrides=()
  shift 3
  for override in "output.directory=$output/runs/$name" "data.train=$output/tokens" \
    "model.tokenizer=$output/data/tokenizer" "model.config.num_hidden_layers=$blocks" "training.steps=$steps" "$@"; do
    overrides+=(--set "$override")
  done
  "$bin/inheritune" train "$root/configs/quickstart.yaml" "${overrides[@]}"
}

step "Training the reference: 8 blocks"
train reference 8 "$reference_steps"

step "Inheriting its first 4 blocks"
[ -d "$output/inherited-4layers" ] ||
  "$bin/inheritune" inherit "$output/runs/reference/checkpoints/latest" "$output/inherited-4layers" --layers 4

step "Training the inherited model"
train inherited 4 "$steps" "model.from=$output/inherited-4layers"

step "Training 4 blocks from scratch, with the same steps and tokens"
train scratch 4 "$steps"

# evaluate NAME: the held-out text, and the questions if the text allowed any.
evaluate() {
  local model=$output/runs/$1/checkpoints/latest results=$output/evaluation/$1
  mkdir -p "$results"
  if [ ! -f "$results/text.json" ]; then
    "$bin/inheritune" eval "$model" --text "$output/data/held-out.txt" --json >"$results/text.json.partial"
    mv "$results/text.json.partial" "$results/text.json"
  fi
  if [ -d "$output/data/openbookqa" ] && [ ! -f "$results/results.json" ]; then
    "$bin/inheritune" eval "$model" --tasks openbookqa --data "$output/data" --output "$results"
  fi
}

step "Evaluating the three"
for name in reference inherited scratch; do evaluate "$name"; done

step "Results"
"$bin/quickstart-data" report "$output"
cat <<FILES

$output/report.md              this table
$output/validation-loss.svg    the validation curves
$output/inherited-4layers      what \`inherit\` made, before training
$output/runs/*/checkpoints/latest    the three models; try:
  $bin/inheritune generate $output/runs/inherited/checkpoints/latest --prompt "One day"
FILES
