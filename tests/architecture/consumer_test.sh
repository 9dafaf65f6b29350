#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Another workspace, ../consumer, builds a program with the core of this repository, runs it, and
# has fetched nothing for it but the core.
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

# This script lies in the repository; a test sees it through symbolic links.
cd "$(dirname "$(readlink -f "$0")")/../consumer"
export HOME=$scratch GOOGLETEST_SOURCE=/nowhere
bazel --batch --output_user_root="$scratch/user" --output_base="$scratch/base" \
  build --noshow_progress --color=no --symlink_prefix=/ --jobs=2 //:consumer \
  >"$scratch/log" 2>&1 || fail "the consumer does not build:"

program=$(find "$scratch/base/execroot" -path '*/bin/consumer' -type f)
[[ $("$program") == "hello from the loop" ]] || fail "the consumer does not do its work"

# Bazel notes each repository that it has fetched; these are the core and the compiler.
fetched=$(find "$scratch/base/external" -name '@*.marker' -printf '%f\n' | sort |
  sed -E '/^@(bazel_tools|local_config_.*|platforms|rules_cc|rules_java)\.marker$/d')
[[ $fetched == @kairos.marker ]] || fail "fetched for the core: $fetched"
