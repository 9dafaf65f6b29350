// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_LOADS_SAMPLING_H_
#define KAIROS_BENCH_TRANSPORTS_LOADS_SAMPLING_H_

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "kairos/bench/transports/loads/options.h"
#include "kairos/bench/transports/loads/server_process.h"

namespace kairos::bench {

// When a sample is to end.
class SampleEnd {
 public:
  explicit SampleEnd(const Options& options)
      : requests_(options.requests), at_(Clock::now() + options.sampleTime) {}

  // Asked at each answer, so the clock is read now and then only.
  bool reached(std::uint64_t begun) {
    if (requests_ > 0) return begun >= requests_;
    if (begun >= nextLook_) {
      nextLook_ = begun + 16;
      isOver_ = Clock::now() >= at_;
    }
    return isOver_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  std::uint64_t requests_;
  Clock::time_point at_;
  std::uint64_t nextLook_ = 0;
  bool isOver_ = false;
};

// Takes samples of `load(end)`, which returns how many requests were answered, and leaves none in
// flight, so that the server's CPU time is that of these requests and no others. The first sample
// only warms up.
template <class Load>
void printSamples(ServerProcess& server, const Options& options, Load load) {
  std::vector<double> costs;
  std::uint64_t all = 0;
  for (int i = -1; i < options.samples; ++i) {
    SampleEnd end(options);
    const std::int64_t before = server.cpuNanoseconds();
    const std::uint64_t requests = load(end);
    const auto spent = static_cast<double>(server.cpuNanoseconds() - before);
    all += requests;
    if (i >= 0) costs.push_back(spent / static_cast<double>(requests));
  }
  const auto middle = costs.begin() + options.samples / 2;
  std::nth_element(costs.begin(), middle, costs.end());
  std::printf("{\"ns\": %.1f, \"requests\": %" PRIu64 "}\n", *middle, all);
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_LOADS_SAMPLING_H_
