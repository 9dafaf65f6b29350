// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/support/check.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace kairos::bench {

void failCheck(const char* claim) noexcept {
  std::fprintf(stderr, "bench: does not hold: %s (errno: %s)\n", claim, std::strerror(errno));
  std::abort();
}

}  // namespace kairos::bench
