// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_TIMER_FIRE_H_
#define KAIROS_BENCH_WORKLOADS_TIMER_FIRE_H_

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/support/check.h"
#include "kairos/bench/support/clock.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/support/samples.h"
#include "kairos/bench/workloads/deadlines.h"

namespace kairos::bench {

// Question: what does a timer cost that fires?
// A bad answer: one that fires early (that ends the program), or more than libev's heap.
//
// On a virtual clock that all contestants share. backlog: everything is due at once, after one jump
// of the clock. steps: the clock walks through the span of the deadlines in 1,000 equal steps with
// one poll after each, the polls included.
enum class Walk { backlog, steps };

template <Contestant C>
class TimerFire {
 public:
  TimerFire(Distribution distribution, std::size_t population)
      : deadlines_(deadlinesOf(distribution, population)) {
    idle_.openEvents(1, 0);
    const auto [first, last] = std::minmax_element(deadlines_.begin(), deadlines_.end());
    begin_ = std::max(*first - coarsest, std::chrono::nanoseconds(0));
    end_ = *last + coarsest;
    loop_.template addReader<neverCalled>(idle_[0], nullptr);
    loop_.template reserveTimers<onTimer>(population);
  }

  ~TimerFire() { loop_.removeReader(idle_[0]); }
  TimerFire(const TimerFire&) = delete;
  TimerFire& operator=(const TimerFire&) = delete;

  // Adds all timers and fires them. Returns the time that firing took.
  std::int64_t run(Walk walk) {
    const std::chrono::nanoseconds base(VirtualClock::elapsed());
    addAll(base);
    fired_ = 0;
    VirtualClock::advanceTo((base + begin_).count());
    loop_.poll();
    check(fired_ == 0, "none fires before the first deadline");
    const std::int64_t started = realNow();
    const int steps = walk == Walk::backlog ? 1 : stepCount;
    for (int step = 1; step <= steps; ++step) {
      VirtualClock::advanceTo((base + begin_ + (end_ - begin_) * step / steps).count());
      loop_.poll();
    }
    const std::int64_t finished = realNow();
    check(fired_ == deadlines_.size(), "all timers fired, each once");
    VirtualClock::advanceTo(std::chrono::nanoseconds(base + cycleSpan).count());
    loop_.poll();
    return finished - started;
  }

 private:
  static constexpr int stepCount = 1'000;
  static constexpr std::chrono::nanoseconds cycleSpan = std::chrono::minutes(2);
  // The clock ends a little later than the last deadline, for those who count in milliseconds.
  static constexpr std::chrono::nanoseconds coarsest = std::chrono::milliseconds(2);

  // The deadline itself travels as udata, so that checking it touches no other memory.
  static void onTimer(void* deadline) {
    check(reinterpret_cast<std::intptr_t>(deadline) <= VirtualClock::elapsed(),
          "no timer is early");
    ++fired_;
  }

  void addAll(std::chrono::nanoseconds base) {
    for (std::size_t i = 0; i < deadlines_.size(); ++i) {
      const auto deadline = static_cast<std::intptr_t>((base + deadlines_[i]).count());
      loop_.template addTimer<onTimer>(i, loop_.deadline(deadlines_[i]),
                                       reinterpret_cast<void*>(deadline));
    }
  }

  inline static std::size_t fired_ = 0;
  const std::vector<std::chrono::nanoseconds> deadlines_;
  std::chrono::nanoseconds begin_{};
  std::chrono::nanoseconds end_{};
  VirtualClock clock_;
  Descriptors idle_;
  C loop_;
};

template <Contestant C>
void timerFire(benchmark::State& state, Walk walk, Distribution distribution,
               std::size_t population) {
  TimerFire<C> fire(distribution, population);
  const std::size_t times = std::max<std::size_t>(1, operationsPerSample(10'000) / population);
  runSamples(state, [&](Samples& samples) {
    std::int64_t spent = 0;
    for (std::size_t i = 0; i < times; ++i) {
      spent += fire.run(walk);
    }
    samples.add(spent, times * population);
  });
}

template <Contestant C>
void enrollTimerFire(const std::string& contestant) {
  for (const Walk walk : {Walk::backlog, Walk::steps}) {
    for (const Distribution distribution : distributions) {
      for (const std::size_t population : populations) {
        enroll("BM_TimerFire/" + contestant + (walk == Walk::backlog ? "/backlog/" : "/steps/") +
                   nameOf(distribution) + "/" + std::to_string(population),
               samplesOf(population), [=](benchmark::State& state) {
                 timerFire<C>(state, walk, distribution, population);
               });
      }
    }
  }
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_TIMER_FIRE_H_
