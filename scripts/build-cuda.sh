#!/usr/bin/env bash
# Builds libinheritune_cuda.so, which `--device cuda` needs, from Sources/CUDAKernels. No GPU and no CUDA installation are
# needed to build it: without an nvcc, one is put together from NVIDIA's Python wheels (105 MB, kept in a cache folder).
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: scripts/build-cuda.sh [--nvcc PATH | --fetch] [--arch LIST] [--output FILE] [--check]
  --nvcc PATH    the CUDA compiler, 12.0 or newer (default: $NVCC, nvcc of the PATH or of /usr/local/cuda, else --fetch)
  --fetch        use the compiler from Python wheels (13.0) even if there is another
  --arch LIST    only for these, such as sm_90a or sm_80,sm_86 (default: sm_80,sm_86,sm_89,sm_90a and PTX for newer GPUs)
  --output FILE  where the library goes (default: beside the release build of the program, where it is looked for)
  --check        only see that everything compiles and links; without a compiler, say so and succeed
Run again, it compiles what has changed.
USAGE
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/requirements.sh"

nvcc=${NVCC:-}
fetch=
architectures=
output=
check=
while [ $# -gt 0 ]; do
  case $1 in
    --nvcc | --arch | --output)
      [ $# -ge 2 ] && [ -n "$2" ] || { echo "error: $1 needs a value" >&2; usage >&2; exit 64; }
      case $1 in --nvcc) nvcc=$2 ;; --arch) architectures=$2 ;; --output) output=$2 ;; esac
      shift 2
      ;;
    --fetch) fetch=1; shift ;;
    --check) check=1; shift ;;
    -h | --help) usage; exit 0 ;;
    *) echo "error: unknown argument '$1'" >&2; usage >&2; exit 64 ;;
  esac
done

# MARK: The targets

targets=()
if [ -n "$architectures" ]; then
  for architecture in ${architectures//,/ }; do
    number=${architecture#sm_}
    [[ $number =~ ^[0-9]+[a-z]?$ ]] || fail "--arch: '$architecture' is no architecture such as sm_90a"
    targets+=(-gencode "arch=compute_$number,code=sm_$number")
  done
  target_words=${architectures//,/ }
else
  for number in 80 86 89 90a; do
    targets+=(-gencode "arch=compute_$number,code=sm_$number")
  done
  targets+=(-gencode arch=compute_90,code=compute_90)
  target_words="sm_80 sm_86 sm_89 sm_90a, PTX 90"
fi

# MARK: The compiler

# NVIDIA's wheels with nvcc, its parts and the headers and static library of the CUDA runtime.
wheels="nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cccl==13.0.85"
wheel_folder=${XDG_CACHE_HOME:-$HOME/.cache}/inheritune/nvcc-13.0

is_complete() {
  local file
  for file in bin/nvcc bin/ptxas bin/cudafe++ bin/fatbinary nvvm/bin/cicc include/cuda_runtime.h include/cuda_bf16.h \
    include/crt/host_config.h include/nv/target lib/libcudart_static.a; do
    [ -s "$1/nvidia/cu13/$file" ] || return 1
  done
}

# Succeeds without a compiler when only checking; else it is an error.
no_compiler() {
  if [ -n "$check" ]; then
    echo "skipped: $*"
    exit 0
  fi
  fail "$*"
}

fetch_compiler() {
  nvcc=$wheel_folder/nvidia/cu13/bin/nvcc
  is_complete "$wheel_folder" && return
  python3 -m pip --version >/dev/null 2>&1 ||
    no_compiler "no nvcc, and none can be fetched without python3 -m pip (apt-get install python3-pip); or name one: --nvcc"
  echo "Fetching the CUDA compiler (105 MB) into $wheel_folder"
  mkdir -p "$(dirname "$wheel_folder")"
  draft=$(mktemp -d "$wheel_folder.XXXXXX")
  trap 'rm -rf "$draft"' EXIT
  # shellcheck disable=SC2086
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary :all: \
    --target "$draft" $wheels 2>"$draft/errors" ||
    no_compiler "the CUDA compiler could not be fetched: $(grep -v '^WARNING' "$draft/errors" | tail -n 1)"
  rm "$draft/errors"
  chmod -R +x "$draft/nvidia/cu13/bin" "$draft/nvidia/cu13/nvvm/bin"
  is_complete "$draft" || fail "the wheels hold no complete CUDA compiler: $wheels"
  rm -rf "$wheel_folder"
  mv -T "$draft" "$wheel_folder"
  trap - EXIT
}

# 13000088 for 13.0.88; nothing when it is no nvcc.
version_of() {
  "$1" --version 2>/dev/null | sed -n 's/.* V\([0-9]*\)\.\([0-9]*\)\.\([0-9]*\).*/\1 \2 \3/p' |
    { read -r major minor patch && echo $((major * 1000000 + minor * 10000 + patch)); } || true
}

if [ -n "$fetch" ]; then
  fetch_compiler
elif [ -n "$nvcc" ]; then
  command -v "$nvcc" >/dev/null || fail "there is no CUDA compiler $nvcc"
  nvcc=$(command -v "$nvcc")
  version=$(version_of "$nvcc")
  [ "${version:-0}" -ge 12000000 ] || fail "$nvcc is no nvcc of version 12.0 or newer: $("$nvcc" --version 2>&1 | tail -n 1)"
else
  for nvcc in "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc ""; do
    [ -x "$nvcc" ] || continue
    version=$(version_of "$nvcc")
    [ "${version:-0}" -ge 12000000 ] && break
    echo "$nvcc is older than 12.0: not used"
    nvcc=
  done
  [ -n "$nvcc" ] || fetch_compiler
fi

host_compiler=${CXX:-g++}
command -v "$host_compiler" >/dev/null ||
  no_compiler "nvcc needs a C++ compiler and there is no $host_compiler (apt-get install g++)"

# MARK: Objects

sources=$root/Sources/CUDAKernels
flags=(
  -std=c++17 -O3 -ccbin "$host_compiler" "${targets[@]}" "-DIC_BUILD_TARGETS=\"$target_words\""
  -Xcompiler=-fPIC,-fvisibility=hidden,-Wall
)
objects=$root/.build/cuda
mkdir -p "$objects"

# What every object depends on besides its own source.
common=$(
  {
    "$nvcc" --version
    "$host_compiler" --version
    printf '%s\n' "${flags[@]}"
    cat "$sources"/*.cuh "$sources"/*.h "$sources"/include/*.h "$root"/Sources/CCUDA/include/*.h
  } | sha256sum
)

compile() {
  local source=$1 object=$2
  # No object of a compilation that was interrupted.
  "$nvcc" "${flags[@]}" -c "$source" -o "$object.$$.new.o" && mv "$object.$$.new.o" "$object"
}

object_files=()
waiting=()
for source in "$sources"/*.cu "$sources"/*.cpp; do
  key=$( { echo "$common"; cat "$source"; } | sha256sum | cut -c 1-24)
  object=$objects/$(basename "$source").$key.o
  object_files+=("$object")
  if [ -f "$object" ]; then touch "$object"; else waiting+=("$source" "$object"); fi
done

if [ ${#waiting[@]} -gt 0 ]; then
  echo "Compiling $((${#waiting[@]} / 2)) of ${#object_files[@]} files for $target_words with $nvcc"
  running=0
  failed=
  cores=$(nproc)
  for ((i = 0; i < ${#waiting[@]}; i += 2)); do
    if [ "$running" -ge "$cores" ]; then
      wait -n || failed=1
      running=$((running - 1))
    fi
    compile "${waiting[i]}" "${waiting[i + 1]}" &
    running=$((running + 1))
  done
  while [ "$running" -gt 0 ]; do
    wait -n || failed=1
    running=$((running - 1))
  done
  [ -z "$failed" ] || fail "the kernels do not compile"
fi
find "$objects" -name '*.o' -mtime +14 -delete

# MARK: Link

# Everything but the C library is inside, less what is not used (which would ask for a newer C library), and nothing but the
# table is seen from outside: whatever C++ library the program has is none of its business.
printf '{ global: inheritune_cuda_table; local: *; };\n' >"$objects/exports"
library=$objects/libinheritune_cuda.so
major=$(sed -n 's/^#define IC_ABI_MAJOR //p' "$root/Sources/CCUDA/include/inheritune_cuda.h")
compiler_root=$(cd "$(dirname "$(readlink -f "$nvcc")")/.." && pwd)
"$nvcc" -shared -ccbin "$host_compiler" -cudart static -L"$compiler_root/lib" \
  -Xcompiler=-static-libstdc++,-static-libgcc "-Xlinker=-soname=libinheritune_cuda.so.$major" \
  -Xlinker=--version-script="$objects/exports" -Xlinker=--no-undefined,--gc-sections "${object_files[@]}" \
  -o "$library.new" -ldl -lpthread -lrt
mv "$library.new" "$library"

if [ -n "$check" ]; then
  echo "$library: compiles and links for $target_words"
  exit 0
fi
if [ -z "$output" ]; then
  # `swift build` links .build/release to this folder.
  folder=$root/.build/release
  [ -d "$folder" ] || folder=$root/.build/$(uname -m)-unknown-linux-gnu/release
  output=$folder/libinheritune_cuda.so
fi
mkdir -p "$(dirname "$output")"
# Replaced at once, so that a program that has it open keeps what it opened.
cp "$library" "$output.new"
mv "$output.new" "$output"
echo "$output ($(du -h "$output" | cut -f 1), $target_words)"
