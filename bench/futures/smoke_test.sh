#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# smoke_test.sh PROGRAM: every workload of every contestant, very small.
set -euo pipefail

lines=$("$1" --rounds=1 --operations=2000)
echo "$lines"
for contestant in bare kairos asio boost-fiber std-promise; do
  grep -q " $contestant " <<<"$lines"
done
