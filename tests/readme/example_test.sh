#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The README's example says what it does, in that order, and ends by itself.
set -eu
said=$(echo hello | "$1")
[ "$said" = "input
a second passed" ] || {
  echo "it said: $said" >&2
  exit 1
}
