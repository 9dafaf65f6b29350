// SPDX-License-Identifier: MIT OR Apache-2.0
// One input is the tape of one history.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>

#include "kairos/tests/simulation/history.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> tape(data, size);
  if (kairos::runHistory(tape).failure.empty()) return 0;
  std::fputs(kairos::explain(tape).c_str(), stderr);
  std::abort();
}
