// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_EXAMPLES_HTTP_COARSE_CLOCK_H_
#define KAIROS_TRANSPORTS_EXAMPLES_HTTP_COARSE_CLOCK_H_

#include <chrono>
#include <ctime>

#include "kairos/reactor/reactor.h"

namespace kairos::examples {

// The time on Clock, up to a tick of the kernel (1 to 10 ms) ago: a quarter of the cost, and good
// enough for limits of seconds.
inline Clock::time_point coarseNow() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Clock::time_point(std::chrono::seconds(now.tv_sec) +
                           std::chrono::nanoseconds(now.tv_nsec));
}

}  // namespace kairos::examples

#endif  // KAIROS_TRANSPORTS_EXAMPLES_HTTP_COARSE_CLOCK_H_
