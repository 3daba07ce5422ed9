#!/usr/bin/env bash
# Builds everything and runs all tests. Installs the system packages that are missing first (Debian, Ubuntu), saying which.
# Arguments go to `swift test`: scripts/test.sh --filter Tokenization
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/requirements.sh"

# The first of these packages that apt knows, or nothing.
first_available() {
  local package
  for package; do
    if apt-cache show "$package" >/dev/null 2>&1; then
      echo "$package"
      return
    fi
  done
}

# Not needed, but tested where they can be had: libraries that multiply matrices too.
[ "$(id -u)" -ne 0 ] || required_packages+=" libopenblas0 $(first_available libdnnl3 libdnnl2)"
require_packages
require_swift
exec swift test --package-path "$root" "$@"
