// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/support/samples.h"

#include <utility>

namespace kairos::bench {

Amount& amount() {
  static Amount amount;
  return amount;
}

void enroll(const std::string& name, int samples, std::function<void(benchmark::State&)> function) {
  benchmark::RegisterBenchmark(name.c_str(), std::move(function))
      ->UseManualTime()
      ->Iterations(amount().samples != 0 ? amount().samples : samples)
      ->Unit(benchmark::kMillisecond);
}

}  // namespace kairos::bench
