#!/usr/bin/env bash
# Builds everything and runs all tests. Installs the system packages that are missing first (Debian, Ubuntu), saying which.
# Arguments go to `swift test`: scripts/test.sh --filter Tokenization
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/scripts/requirements.sh"

# Not needed, but tested where it can be had: oneDNN multiplies matrices too.
[ "$(id -u)" -ne 0 ] || required_packages+=" $(first_available libdnnl3 libdnnl2)"
require_packages
require_swift
exec swift test --package-path "$root" "$@"
