#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# report_test.sh REPORT: the report is made, of a run that is very small.
set -euo pipefail

report=$("$1" --quick --rounds=1)
echo "$report"
for part in "#### Goals" "| pending |" "co_await"; do
  grep -qF "$part" <<<"$report"
done
