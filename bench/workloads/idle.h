// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_IDLE_H_
#define KAIROS_BENCH_WORKLOADS_IDLE_H_

#include <chrono>
#include <string>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/support/check.h"
#include "kairos/bench/support/clock.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/support/process.h"
#include "kairos/bench/support/samples.h"

namespace kairos::bench {

inline void onAlarm(void* rang) { *static_cast<bool*>(rang) = true; }

// Question: does the loop sleep when there is nothing to do?
// A bad answer: more than one turn, or CPU time, for one timer of a second.
template <Contestant C>
void idle(benchmark::State& state) {
  Descriptors quiet;
  quiet.openEvents(1, 0);
  C loop;
  loop.template addReader<neverCalled>(quiet[0], nullptr);
  loop.template reserveTimers<onAlarm>(1);
  for ([[maybe_unused]] auto iteration : state) {
    bool rang = false;
    loop.poll();  // brings a cached clock up to date
    int turns = 0;
    const std::int64_t started = realNow();
    const double cpuBefore = cpuMilliseconds();
    loop.template addTimer<onAlarm>(0, loop.deadline(std::chrono::milliseconds(1'000)), &rang);
    for (; !rang; ++turns) {
      loop.turn();
    }
    state.counters["cpu_ms"] = cpuMilliseconds() - cpuBefore;
    state.counters["turns"] = turns;
    state.SetIterationTime(static_cast<double>(realNow() - started) * 1e-9);
  }
  loop.removeReader(quiet[0]);
}

template <Contestant C>
void enrollIdle(const std::string& contestant) {
  enroll("BM_Idle/" + contestant + "/1000ms", 1, [](benchmark::State& state) { idle<C>(state); });
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_IDLE_H_
