#!/usr/bin/env bash
# This program beside PyTorch on the CPU, in turns: a table of ratios, and a JSON file of everything that was measured.
#
#     PYTHON=venv/bin/python Benchmarks/compare_pytorch.sh --peers DIR [--works LIST] [--turns 5] [--blas auto,openblas]
#
# Run from the repository's root. Needs a Python with torch and transformers (PYTHON, else python3), both packages built
# (`swift build -c release`, and the same with `--package-path Benchmarks`), a C++ compiler for the compiled mode, and
# a machine that does nothing else. --help tells the rest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
if ! "$python" -c 'from importlib.metadata import version; version("torch"), version("transformers")' 2> /dev/null; then
  echo "compare_pytorch.sh: $python has no torch or no transformers: set PYTHON to one that has" >&2
  exit 69
fi
exec "$python" "$here/pytorch/compare.py" "$@"
