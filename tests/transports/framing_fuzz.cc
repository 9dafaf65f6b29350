// SPDX-License-Identifier: MIT OR Apache-2.0
// One input is the tape of one stream's reads and of what comes to it.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

#include "kairos/tests/transports/framing_history.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string failure = kairos::runFraming(std::span(data, size));
  if (failure.empty()) return 0;
  std::fprintf(stderr, "%s\n", failure.c_str());
  std::abort();
}
