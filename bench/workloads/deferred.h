// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_DEFERRED_H_
#define KAIROS_BENCH_WORKLOADS_DEFERRED_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/support/check.h"
#include "kairos/bench/support/clock.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/support/samples.h"

namespace kairos::bench {

inline void countCall(void* counter) { ++*static_cast<std::size_t*>(counter); }

// Question: what does "call this in the next turn" cost?
// A bad answer: what a real timer costs.
//
// 1,000 calls are deferred and then run by a poll, which is part of the cost. Who has a call of its
// own for that uses it; the others, Kairos too, add a timer of zero.
template <Contestant C>
void deferred(benchmark::State& state) {
  constexpr std::size_t perPoll = 1'000;
  constexpr int pollsMax = 3;  // a zero timer of libev waits for its clock to move
  Descriptors quiet;
  quiet.openEvents(1, 0);
  C loop;
  loop.template addReader<neverCalled>(quiet[0], nullptr);
  loop.template reserveTimers<countCall>(perPoll);
  const std::size_t rounds = operationsPerSample(20'000) / perPoll;
  runSamples(state, [&](Samples& samples) {
    const std::int64_t started = realNow();
    for (std::size_t round = 0; round < rounds; ++round) {
      std::size_t calls = 0;
      for (std::size_t i = 0; i < perPoll; ++i) {
        loop.template defer<countCall>(i, &calls);
      }
      for (int polls = 0; polls < pollsMax && calls < perPoll; ++polls) {
        loop.poll();
      }
      check(calls == perPoll, "every deferred call ran, each once");
    }
    samples.add(realNow() - started, rounds * perPoll);
  });
  loop.removeReader(quiet[0]);
}

template <Contestant C>
void enrollDeferred(const std::string& contestant) {
  enroll("BM_Deferred/" + contestant + "/1000", shortSamples,
         [](benchmark::State& state) { deferred<C>(state); });
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_DEFERRED_H_
