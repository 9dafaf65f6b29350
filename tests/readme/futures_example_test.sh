#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The example of the futures' README says what it does.
set -eu
said=$("$1")
[ "$said" = 42 ] || {
  echo "it said: $said" >&2
  exit 1
}
