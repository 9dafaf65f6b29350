// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_MEMORY_H_
#define KAIROS_BENCH_WORKLOADS_MEMORY_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/support/check.h"
#include "kairos/bench/support/clock.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/support/process.h"
#include "kairos/bench/support/samples.h"
#include "kairos/bench/workloads/deadlines.h"

namespace kairos::bench {

// Question: how much memory does a pending timer, or a registered descriptor, hold?
// A bad answer: more than a cache line.
//
// The growth of resident memory divided by the count; the objects that a library wants from its
// user per timer or descriptor are in it, handles that a user may keep besides are not. Only a
// process that has done nothing else before tells the truth. Descriptors
// have a reader; the bare loop and Kairos hold both directions in the same slot.
template <Contestant C>
double bytesPerTimer() {
  const std::size_t count = operationsPerSample(1U << 20);
  const auto deadlines = deadlinesOf(Distribution::uniform, count);
  VirtualClock clock;
  Descriptors quiet;
  quiet.openEvents(1, 0);
  C loop;
  loop.template addReader<neverCalled>(quiet[0], nullptr);
  loop.poll();
  const double before = residentBytes();
  loop.template reserveTimers<neverCalled>(count);
  for (std::size_t i = 0; i < count; ++i) {
    loop.template addTimer<neverCalled>(i, loop.deadline(deadlines[i]), nullptr);
  }
  loop.poll();
  const double after = residentBytes();
  for (std::size_t i = 0; i < count; ++i) {
    loop.removeTimer(i);
  }
  loop.removeReader(quiet[0]);
  return (after - before) / static_cast<double>(count) - static_cast<double>(C::handleBytes);
}

template <Contestant C>
double bytesPerDescriptor() {
  const std::size_t count = std::min(descriptorsAvailable(), operationsPerSample(1U << 20));
  Descriptors quiet;
  quiet.openEvents(count, 0);
  C loop;
  loop.poll();
  const double before = residentBytes();
  for (const int fd : quiet) {
    loop.template addReader<neverCalled>(fd, nullptr);
  }
  loop.poll();
  const double after = residentBytes();
  for (const int fd : quiet) {
    loop.removeReader(fd);
  }
  return (after - before) / static_cast<double>(count);
}

inline void reportBytes(benchmark::State& state, double (*measure)()) {
  for ([[maybe_unused]] auto iteration : state) {
    state.counters["bytes"] = measure();
    state.SetIterationTime(1e-9);  // there is no time to report
  }
}

template <Contestant C>
void enrollMemory(const std::string& contestant) {
  const std::string prefix = "BM_Memory/" + contestant + "/";
  enroll(prefix + "timer", 1,
         [](benchmark::State& state) { reportBytes(state, bytesPerTimer<C>); });
  enroll(prefix + "descriptor", 1,
         [](benchmark::State& state) { reportBytes(state, bytesPerDescriptor<C>); });
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_MEMORY_H_
