#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Another workspace, ../consumer, builds a program with the core of this repository, runs it, and
# has fetched nothing for it but the core. The transports alone need no library either; what does
# need one says which package has it.
set -euo pipefail

scratch=$(mktemp -d /tmp/k-XXXXXX)
clean_up() {
  # Bazel leaves folders that even their owner may not write.
  chmod -R u+w "$scratch"
  rm -rf "$scratch"
}
trap clean_up EXIT

fail() {
  echo "$1" >&2
  cat "$scratch/log" >&2
  exit 1
}

build() {
  bazel --batch --output_user_root="$scratch/user" --output_base="$scratch/base" \
    build --noshow_progress --color=no --symlink_prefix=/ --jobs=2 "$@" >"$scratch/log" 2>&1
}

# Bazel notes each repository that it has fetched; these are Kairos and the compiler.
expect_nothing_fetched() {
  local fetched
  fetched=$(find "$scratch/base/external" -name '@*.marker' -printf '%f\n' | sort |
    sed -E '/^@(bazel_tools|local_config_.*|platforms|rules_cc|rules_java)\.marker$/d')
  [[ $fetched == @kairos.marker ]] || fail "fetched for $1: $fetched"
}

# This script lies in the repository; a test sees it through symbolic links.
cd "$(dirname "$(readlink -f "$0")")/../consumer"
export HOME=$scratch GOOGLETEST_SOURCE=/nowhere
# Its warnings, of which Kairos has some, are no errors.
build --copt=-Wuseless-cast //:consumer || fail "the consumer does not build:"
grep -q 'warning: useless cast' "$scratch/log" || fail "a warning that Kairos has was not given:"
program=$(find "$scratch/base/execroot" -path '*/bin/consumer' -type f)
[[ $("$program") == "hello from the loop" ]] || fail "the consumer does not do its work"
expect_nothing_fetched "the core"

build --nobuild @kairos//transports || fail "the transports alone cannot be built:"
expect_nothing_fetched "the transports"

# A compiler that finds none of the libraries.
cat >"$scratch/cc" <<'END'
#!/bin/bash
[[ " $* " == *" -include "* ]] && exit 1
exec cc "$@"
END
chmod +x "$scratch/cc"
for part in tls:libssl-dev resolver:libc-ares-dev; do
  target=@kairos//transports:${part%:*} package=${part#*:}
  ! build --nobuild --repo_env=CC="$scratch/cc" "$target" || fail "$target needs no library"
  grep -q "is not installed.* apt-get install $package" "$scratch/log" ||
    fail "$target does not say that it needs $package:"
done
