#!/usr/bin/env bash
# Feeds damaged files to everything that reads untrusted ones (libFuzzer, in Fuzzing/), until a bound is reached.
#
#   scripts/fuzz.sh [--runs N] [--seeds DIR] [TARGET…]
#
# --runs N     executions of each target, 20000 by default
# --seeds DIR  files to start from besides those of Fuzzing/Seeds: a folder for each target
# TARGET       safetensors pytorch legacy hdf5 index config sentencepiece tokenizer; all by default
#
# What a target finds first goes through Fuzzing/Seeds/TARGET and Fuzzing/Regressions/TARGET: small files, and inputs that
# once did harm. An input that crashes, needs more than a second or 200 MB ends the script and is left in
# Fuzzing/.build/findings.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/requirements.sh"
require_packages
require_swift

runs=20000 more= targets=()
while [ $# -gt 0 ]; do
  case $1 in
    --runs) runs=$2; shift 2 ;;
    --seeds) more=$2; shift 2 ;;
    -*) echo "$1: expected --runs N, --seeds DIR or a target" >&2; exit 64 ;;
    *) targets+=("$1"); shift ;;
  esac
done
[ ${#targets[@]} -gt 0 ] || targets=(safetensors pytorch legacy hdf5 index config sentencepiece tokenizer)

swift build --package-path "$root/Fuzzing" -c release --sanitize=fuzzer
fuzz=$(swift build --package-path "$root/Fuzzing" -c release --sanitize=fuzzer --show-bin-path)/fuzz
findings=$root/Fuzzing/.build/findings
mkdir -p "$findings"

# Backtraces of a crash are libFuzzer's to make.
export SWIFT_BACKTRACE=enable=no
# The limit of memory is meant for what an input needs, and not for what malloc keeps for later.
export MALLOC_TRIM_THRESHOLD_=65536 MALLOC_MMAP_THRESHOLD_=65536
memory=/dev/shm
[ -d $memory ] || memory=${TMPDIR:-/tmp}
FUZZ_DIRECTORY=$(mktemp -d "$memory/fuzz.XXXXXX")
export FUZZ_DIRECTORY
trap 'rm -rf "$FUZZ_DIRECTORY"' EXIT

for target in "${targets[@]}"; do
  corpus=$FUZZ_DIRECTORY/corpus-$target
  mkdir -p "$corpus"
  folders=("$corpus")
  for folder in "$root/Fuzzing/Seeds/$target" "$root/Fuzzing/Regressions/$target" ${more:+"$more/$target"}; do
    [ ! -d "$folder" ] || folders+=("$folder")
  done
  # A target that hangs where libFuzzer cannot stop it is stopped from outside.
  FUZZ_TARGET=$target timeout -s KILL $((600 + runs / 500)) "$fuzz" -runs="$runs" -timeout=1 -rss_limit_mb=200 \
    -max_len=12288 -verbosity=0 -print_funcs=0 -artifact_prefix="$findings/$target-" "${folders[@]}" ||
    fail "$target: see what is above, and $findings"
  echo "$target: $runs executions, nothing found"
done
