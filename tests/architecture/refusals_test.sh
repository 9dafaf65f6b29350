#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# refusals_test.sh LABELS ACCEPTED REFUSED ARCHIVE...: the checkers refuse a real library that is
# not as the core should be, and verdicts of the real compiler that are not as expected.
set -euo pipefail
labels=$1 accepted=$2 refused=$3
shift 3
here=$(dirname "$0")

# refuses WORDS COMMAND...: the command fails and says WORDS.
refuses() {
  local words=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "passes, but should not: $*" >&2
    exit 1
  fi
  if [[ $said != *"$words"* ]]; then
    printf 'fails without saying "%s": %s\n%s\n' "$words" "$*" "$said" >&2
    exit 1
  fi
}

core=("$here/allowed_labels.py" "$labels" //reactor: //bazel:)
refuses "forbidden dependency: @googletest//:gtest" "${core[@]}"
refuses "forbidden dependency: //tests/architecture:unruly_core" "${core[@]}"
refuses "nothing was looked at" "$here/allowed_labels.py" /dev/null //reactor:

refuses "reads the wall clock" "$here/forbidden_symbols.py" "$@"
refuses "starts a thread" "$here/forbidden_symbols.py" "$@"
refuses "touches signals: signal" "$here/forbidden_symbols.py" "$@"
refuses "throws: __cxa_throw" "$here/forbidden_symbols.py" "$@"
refuses "the user's descriptors: recv" "$here/forbidden_symbols.py" "$@"

refuses "not foreseen: kairos::startThread()" "$here/public_names.py" archives "$@"
refuses "__gxx_personality_v0" "$here/exception_symbols.py" without "$@"

check=$here/does_not_compile.sh
"$check" "$refused" "$accepted" "no member named"
refuses "what should not compile does" "$check" "$accepted" "$accepted" ""
refuses "what should compile does not" "$check" "$refused" "$refused" ""
refuses "without 'too few arguments'" "$check" "$refused" "$accepted" "too few arguments"
