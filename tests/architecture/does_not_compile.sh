#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# does_not_compile.sh BAD GOOD MESSAGE: of two compiler verdicts, BAD is a refusal that says MESSAGE
# (a regular expression) and GOOD is none.
set -euo pipefail
bad=$1 good=$2 message=$3

fail() {
  echo "$1" >&2
  cat "$2" >&2
  exit 1
}

grep -qx 'exit status 0' "$good" || fail "what should compile does not:" "$good"
grep -qx 'exit status [1-9][0-9]*' "$bad" || fail "what should not compile does:" "$bad"
grep -qE "error: .*($message)" "$bad" || fail "it is refused, but without '$message':" "$bad"
