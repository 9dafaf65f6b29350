// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_LOCAL_MEASURE_H_
#define KAIROS_BENCH_TRANSPORTS_LOCAL_MEASURE_H_

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace kairos::bench {

// Prints, as JSON, what one of `count` operations takes that `run` does: the median of five
// samples, after one that only warms up.
template <class Run>
void printNanoseconds(long count, Run run) {
  using Clock = std::chrono::steady_clock;
  std::array<double, 5> costs;
  run();
  for (double& cost : costs) {
    const auto before = Clock::now();
    run();
    const std::chrono::duration<double, std::nano> spent = Clock::now() - before;
    cost = spent.count() / static_cast<double>(count);
  }
  std::nth_element(costs.begin(), costs.begin() + 2, costs.end());
  std::printf("{\"ns\": %.3f, \"requests\": %ld}\n", costs[2], count * 6);
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_LOCAL_MEASURE_H_
