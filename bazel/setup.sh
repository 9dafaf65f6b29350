#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Installs with apt-get what is needed and not yet there:
#
#   bazel/setup.sh build   to build the library and the servers of the examples
#   bazel/setup.sh test    to build and run everything, `bazel test //...`
#   bazel/setup.sh ci      the above and what .ci/run checks besides
#
# Quiet unless something fails. Starts no service and leaves none enabled.
set -euo pipefail

build=(bazel-bootstrap libhttp-parser-dev)
test=(
  "${build[@]}" googletest libbenchmark-dev
  libboost-dev libboost-fiber-dev libc-ares-dev libcurl4-openssl-dev libev-dev libevent-dev
  libhiredis-dev libpq-dev librapidcheck-dev libssl-dev libuv1-dev
  curl gnuplot-nox netcat-openbsd nginx-light nim openssl postgresql python3 redis-server strace
  valgrind wrk
)
ci=("${test[@]}" clang clang-19 clang-format clang-tidy)
services=(nginx postgresql redis-server)
policy=/usr/sbin/policy-rc.d

die() {
  echo "bazel/setup.sh: $*" >&2
  exit 1
}

installed() {
  # A Bazel that did not come from a package is as good.
  [[ $1 == bazel-bootstrap ]] && command -v bazel >/dev/null && command -v c++ >/dev/null && return
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Prints what a command says only when it fails.
quietly() {
  local log
  log=$(mktemp)
  if ! "$@" >"$log" 2>&1 </dev/null; then
    cat "$log" >&2
    rm -f "$log"
    die "this failed: $*"
  fi
  rm -f "$log"
}

# Servers are wanted for tests, which start their own: packages must not start theirs, which on a
# machine without an init system would fail besides.
forbid_service_starts() {
  [[ -e $policy ]] && return
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
}

disable_new_services() {
  local service
  [[ -d /run/systemd/system ]] || return 0
  for service in "${services[@]}"; do
    if [[ " $* " == *" $service"* ]]; then
      quietly systemctl disable "$service"
    fi
  done
}

main() {
  local package wanted missing=()
  case ${1-} in
    build) wanted=("${build[@]}") ;;
    test) wanted=("${test[@]}") ;;
    ci) wanted=("${ci[@]}") ;;
    *) die "usage: bazel/setup.sh build|test|ci" ;;
  esac
  for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0

  command -v apt-get >/dev/null ||
    die "there is no apt-get here. Please install the equivalents of: ${missing[*]}"
  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null ||
      die "neither root nor sudo. As root: apt-get install --no-install-recommends ${missing[*]}"
    exec sudo -- "$BASH" "${BASH_SOURCE[0]}" "$1"
  fi
  export DEBIAN_FRONTEND=noninteractive
  forbid_service_starts
  echo "bazel/setup.sh: installing ${missing[*]}"
  quietly apt-get -q update
  quietly apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 install \
    --no-install-recommends "${missing[@]}"
  disable_new_services "${missing[@]}"
}

main "$@"
