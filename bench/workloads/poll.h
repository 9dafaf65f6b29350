// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_POLL_H_
#define KAIROS_BENCH_WORKLOADS_POLL_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/support/check.h"
#include "kairos/bench/support/clock.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/support/samples.h"

namespace kairos::bench {

// Question: what does a turn of the loop cost in which nothing happens?
// A bad answer: much more than the system call, by clock readings or lists nobody filled.
//
// One descriptor is registered and quiet; with_timer, a timer is pending too, so that whoever
// reads the clock only when there is a timer has to.
template <Contestant C>
void emptyPoll(benchmark::State& state, bool withTimer) {
  Descriptors quiet;
  quiet.openEvents(1, 0);
  C loop;
  loop.template addReader<neverCalled>(quiet[0], nullptr);
  loop.template reserveTimers<neverCalled>(1);
  if (withTimer) {
    loop.template addTimer<neverCalled>(0, loop.deadline(std::chrono::hours(1)), nullptr);
  }
  const std::size_t polls = operationsPerSample(5'000);
  runSamples(state, [&](Samples& samples) {
    const std::int64_t started = realNow();
    for (std::size_t i = 0; i < polls; ++i) {
      loop.poll();
    }
    samples.add(realNow() - started, polls);
  });
  if (withTimer) {
    loop.removeTimer(0);
  }
  loop.removeReader(quiet[0]);
}

template <Contestant C>
void enrollPoll(const std::string& contestant) {
  for (const bool withTimer : {false, true}) {
    enroll("BM_EmptyPoll/" + contestant + (withTimer ? "/with_timer" : "/no_timer"), shortSamples,
           [=](benchmark::State& state) { emptyPoll<C>(state, withTimer); });
  }
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_POLL_H_
