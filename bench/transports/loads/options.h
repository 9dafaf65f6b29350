// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_LOADS_OPTIONS_H_
#define KAIROS_BENCH_TRANSPORTS_LOADS_OPTIONS_H_

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace kairos::bench {

// What a load is to be.
struct Options {
  std::size_t connections = 1;
  std::size_t bytes = 64;  // of a message
  int samples = 5;
  // A sample is as many requests as are answered in this time, or exactly `requests`.
  std::chrono::milliseconds sampleTime{60};
  std::uint64_t requests = 0;
};

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_LOADS_OPTIONS_H_
