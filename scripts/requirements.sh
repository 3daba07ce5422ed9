# Sourced by quickstart.sh and test.sh: makes sure that what the build needs is there.

# zlib and zstd read compressed text; libhdf5, which hdf5-tools brings under whatever name it has here, writes HDF5 files.
required_packages="zlib1g-dev libzstd-dev hdf5-tools"

fail() {
  echo "error: $*" >&2
  exit 1
}

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs the packages that are missing, with apt, after saying which; without the rights to, says the command and stops.
require_packages() {
  if ! command -v apt-get >/dev/null; then
    echo "This system has no apt-get: if the build fails, install zlib, zstd (both with headers) and HDF5."
    return
  fi
  local package missing=() as_root=()
  for package in $required_packages; do
    is_installed "$package" || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    # Without a terminal there is nobody to type a password.
    if ! command -v sudo >/dev/null || ! { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
      fail "missing packages; run as root: apt-get install ${missing[*]}"
    fi
    as_root=(sudo)
  fi
  echo "Installing with apt-get: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

require_swift() {
  local version
  if ! command -v swift >/dev/null; then
    cat >&2 <<'MESSAGE'
error: swift is not installed. Install Swift 6 or newer, then run this script again:
  curl -O https://download.swift.org/swiftly/linux/swiftly-$(uname -m).tar.gz
  tar zxf swiftly-$(uname -m).tar.gz
  ./swiftly init
It installs the latest Swift into your home directory and names the system packages that Swift itself needs.
Other ways: https://www.swift.org/install/linux/
MESSAGE
    exit 1
  fi
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\).*/\1/p' | head -n 1)
  [ "${version:-0}" -ge 6 ] || fail "$(command -v swift) is Swift ${version:-of an unknown version}; Swift 6 or newer is needed"
}
