#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# who_waits_test.sh OFF PLACES STACKS README: the build setting does what the README says, and the
# output that it shows is that of the program, up to the text for Prometheus and but for the numbers
# of lines, by which some of it is sorted and which compilers see differently.
set -euo pipefail

fail() {
  echo "$1" >&2
  exit 1
}

said=$("$1")
[[ $said == "Nothing is tracked."* ]] || fail "without the setting it says: $said"

without_numbers() {
  sed -E '/^For Prometheus/,$d; /^$/d; s/:[0-9]+($|,)/:N\1/; s/line [0-9]+/line N/' | sort
}
diff <(sed -n '/^```text$/,/^```$/p' "$4" | sed '/^```/d' | without_numbers) \
  <("$2" | without_numbers) || fail "this is not what the README shows"

# With stacks, calls from different places are counted apart.
without_counts() {
  without_numbers | sed -E '/^[0-9]+ x /d'
}
frame='^  .*\+0x[0-9a-f]+\)?$'
stacks=$("$3")
grep -qE "$frame" <<<"$stacks" || fail "there are no stacks: $stacks"
diff <(grep -vE "$frame" <<<"$stacks" | without_counts) <("$2" | without_counts) ||
  fail "beside its stacks it says something else"
