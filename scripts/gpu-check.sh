#!/usr/bin/env bash
# Checks and measures the CUDA path on a machine with an NVIDIA GPU, and writes what was found as one Markdown file:
# kernels against double precision, models against PyTorch's losses, a run that is resumed, loss curves, memory errors, and
# the speed beside PyTorch's. The machine needs no Swift: `--pack` makes an archive of all that it needs.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/gpu-check.sh [--parts LIST] [--goldens DIR] [--peer FILE] [--output FILE]
       scripts/gpu-check.sh --pack FILE.tar.gz [--goldens DIR] [--peer FILE]
  --parts LIST    of kernels,losses,resume,curve,sanitizer,benchmark,peer; default: all
  --goldens DIR   reference models (default: goldens, or ../shared/goldens/models)
  --peer FILE     the script that measures PyTorch (default: gpu_train.py beside this script, or ../shared/peers/gpu_train.py)
  --output FILE   default: docs/results/<card>-<date>.md
  --pack FILE     on a machine with Swift: builds device-check and the CUDA library, and packs them with these scripts. On the
                  other machine: tar xzf FILE.tar.gz && inheritune-gpu-check/scripts/gpu-check.sh
Without a prebuilt library it is built here with nvcc; without PyTorch the comparisons with it are skipped.
USAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
fail() {
  echo "error: $*" >&2
  exit 1
}
first_of() {
  local path
  for path in "$@"; do [ -e "$path" ] && { echo "$path"; return; }; done
  return 0
}

parts=kernels,losses,resume,curve,sanitizer,benchmark,peer
goldens=$(first_of "$root/goldens" "$root/../shared/goldens/models")
peer=$(first_of "$root/scripts/gpu_train.py" "$root/../shared/peers/gpu_train.py")
output=
archive=
while [ $# -gt 0 ]; do
  case $1 in
    --parts | --goldens | --peer | --output | --pack)
      [ $# -ge 2 ] && [ -n "$2" ] || { echo "error: $1 needs a value" >&2; usage >&2; exit 64; }
      case $1 in
        --parts) parts=$2 ;; --goldens) goldens=$2 ;; --peer) peer=$2 ;; --output) output=$2 ;; --pack) archive=$2 ;;
      esac
      shift 2
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "error: unknown argument '$1'" >&2; usage >&2; exit 64 ;;
  esac
done
has() { [[ ",$parts," == *",$1,"* ]]; }
for part in ${parts//,/ }; do
  case $part in
    kernels | losses | resume | curve | sanitizer | benchmark | peer) ;;
    *) echo "error: there is no part '$part'" >&2; usage >&2; exit 64 ;;
  esac
done

program=$(first_of "$root/bin/device-check" "$root/.build/release/device-check")

build_program() {
  command -v swift >/dev/null || fail "there is no device-check here and no Swift to build it; see --pack in --help"
  # Everything of Swift inside: the machine that runs it need not have any.
  swift build --package-path "$root" -c release --static-swift-stdlib --product device-check >&2
  program=$root/.build/release/device-check
}

# The models of the families that there are, and nothing more.
copy_goldens() {
  local model
  for model in gpt2 gpt2-inheritune llama llama-gqa llama-hd100 llama-rope3; do
    [ -d "$goldens/$model" ] || continue
    mkdir -p "$1/$model"
    cp "$goldens/$model"/{config.json,model.safetensors,golden.safetensors,golden.json} "$1/$model/"
  done
}

if [ -n "$archive" ]; then
  build_program
  "$root/scripts/build-cuda.sh" --output "$(dirname "$program")/libinheritune_cuda.so" >&2
  library=$(dirname "$program")/libinheritune_cuda.so
  stage=$(mktemp -d)
  trap 'rm -rf "$stage"' EXIT
  top=$stage/inheritune-gpu-check
  mkdir -p "$top/bin" "$top/scripts"
  cp "$program" "$library" "$top/bin/"
  strip "$top/bin/device-check"
  cp "$root/scripts/gpu-check.sh" "$root/scripts/gpu_curve.py" "$top/scripts/"
  [ -n "$peer" ] && cp "$peer" "$top/scripts/gpu_train.py"
  [ -n "$goldens" ] && copy_goldens "$top/goldens"
  tar -czf "$archive" -C "$stage" inheritune-gpu-check
  echo "$archive: $(du -h "$archive" | cut -f1)"
  exit 0
fi

command -v nvidia-smi >/dev/null || fail "there is no nvidia-smi, so no NVIDIA driver: this machine has no GPU to check"
[ -n "$program" ] || build_program
library=$(first_of "$(dirname "$program")/libinheritune_cuda.so")
if [ -z "$library" ]; then
  library=$(dirname "$program")/libinheritune_cuda.so
  "$root/scripts/build-cuda.sh" --output "$library"
fi

card=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -n 1)
day=$(date -u +%Y-%m-%d)
name=$(echo "$card" | tr 'A-Z ' 'a-z-' | tr -cd 'a-z0-9-')
output=${output:-$root/docs/results/$name-$day.md}
mkdir -p "$(dirname "$output")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python=
for candidate in python3 python; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
    python=$candidate
    break
  fi
done

check() {
  timeout "$1" "$program" --device cuda --cuda-lib "$library" --folder "$work" "${goldens_option[@]}" --parts "${@:2}" ||
    echo "(ended with $?)"
}
goldens_option=()
[ -n "$goldens" ] && goldens_option=(--goldens "$goldens")

json() { "$python" -c 'import json, sys; print(json.loads(sys.argv[1]).get(sys.argv[2]))' "$1" "$2"; }

compare_with_pytorch() {
  echo
  echo "## PyTorch on the same card"
  echo
  if [ -z "$python" ] || [ -z "$peer" ]; then
    echo "Skipped: no PyTorch with CUDA, or no script that measures it."
    return
  fi
  echo "torch.compile, SDPA, fused AdamW, bfloat16 autocast; the shapes and batches above (GPT-2 with its vocabulary padded to 50304)."
  echo
  echo "| model | tokens/s | share of 989 TFLOP/s | peak memory, GiB |"
  echo "|---|---|---|---|"
  local line
  for shape in \
    "OpenLLaMA-3B, 13 blocks|--arch llama --layers 13 --width 3200 --heads 32 --ffn 8640 --vocab 32000 --context 2048 --batch 8" \
    "GPT-2 medium|--arch gpt2 --layers 24 --width 1024 --heads 16 --vocab 50304 --context 1024 --batch 32"; do
    # shellcheck disable=SC2086  # the options are words
    if line=$(timeout 240 "$python" "$peer" ${shape#*|} 2>"$work/peer.log" | tail -n 1) && [ -n "$line" ]; then
      echo "| ${shape%%|*} | $(json "$line" tokens_per_second) | $(json "$line" mfu) | $(json "$line" peak_gib) |"
    else
      echo "| ${shape%%|*} | failed: $(tail -n 1 "$work/peer.log") | | |"
    fi
  done
}

{
  device_parts=()
  for part in kernels losses resume; do has "$part" && device_parts+=("$part"); done
  [ ${#device_parts[@]} -eq 0 ] || check 240 "${device_parts[@]}"

  if has sanitizer; then
    echo
    echo "## Memory errors"
    echo
    if ! command -v compute-sanitizer >/dev/null; then
      echo "Skipped: there is no compute-sanitizer."
    elif [ ! -d "$goldens/llama-hd100" ] || [ ! -d "$goldens/gpt2" ]; then
      echo "Skipped: there are no reference models; give their folder with --goldens."
    else
      # Every kernel of a training step, small: graphs off, so that the tool sees each launch.
      if INHERITUNE_CUDA_GRAPHS=0 timeout 180 compute-sanitizer --tool memcheck --error-exitcode 3 \
        "$program" --device cuda --cuda-lib "$library" --folder "$work" "${goldens_option[@]}" --parts losses \
        --models llama-hd100 gpt2 >"$work/sanitizer.log" 2>&1; then
        echo "- ok compute-sanitizer memcheck found nothing in the training steps of two reference models"
      else
        echo "- **FAILED** compute-sanitizer memcheck:"
        grep -E "=========|error" "$work/sanitizer.log" | head -n 20 | sed 's/^/      /'
      fi
    fi
  fi

  has benchmark && check 300 benchmark
  has peer && compare_with_pytorch

  if has curve; then
    check 120 curve
    if [ -n "$python" ] && "$python" -c 'import transformers' 2>/dev/null; then
      echo
      "$python" "$root/scripts/gpu_curve.py" "$work"/curve-* 2>"$work/curve.log" | sed 's/^/    /' ||
        echo "- **FAILED** the curves, or the script that compares them: $(tail -n 1 "$work/curve.log")"
    else
      echo "Skipped: no PyTorch and transformers to compare the curves with."
    fi
  fi
} 2>&1 | tee "$work/result.md"
status=0
if grep -q "FAILED\|^(ended with" "$work/result.md"; then status=1; fi

{
  echo "<!-- scripts/gpu-check.sh on $card, driver $(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1), $day -->"
  cat "$work/result.md"
} >"$output"
echo "written: $output"
exit "$status"
