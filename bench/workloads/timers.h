// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_WORKLOADS_TIMERS_H_
#define KAIROS_BENCH_WORKLOADS_TIMERS_H_

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kairos/bench/contestants/contestant.h"
#include "kairos/bench/support/check.h"
#include "kairos/bench/support/clock.h"
#include "kairos/bench/support/descriptors.h"
#include "kairos/bench/support/samples.h"
#include "kairos/bench/workloads/deadlines.h"

namespace kairos::bench {

// Question: what do timers cost that never fire, as nearly all timeouts do?
// A bad answer: more than libev's heap at any population, or a cost that grows with it faster than
// the caches explain.
//
// One cycle in virtual time that stands still: `population` timers are added, then some of them in
// random order replaced (removed and added with a new deadline), refreshed (given a later deadline,
// as an idle timeout is), and all cancelled in random order. The operations happen inside a
// callback, 1,000 in each turn of the loop, and the turn is part of the cost: one library caches
// its clock inside callbacks only, another leaves work of a cancellation to the loop.
template <Contestant C>
class TimerCycle {
 public:
  enum Phase : std::size_t { add, replace, refresh, cancel, phases };
  static constexpr std::array<const char*, phases> phaseNames = {"add", "replace", "refresh",
                                                                 "cancel"};

  TimerCycle(Distribution distribution, std::size_t population)
      : population_(population),
        changes_(std::min(population, changesMax)),
        replaceOrder_(shuffled(population, 3)),
        refreshOrder_(shuffled(population, 4)),
        cancelOrder_(shuffled(population, 5)) {
    eventful_.openEvents(1, 1);
    const auto deadlines = deadlinesOf(distribution, population);
    added_ = converted(deadlines);
    const auto later = laterDeadlinesOf(distribution, population, changes_);
    replaced_ = converted(later);
    refreshed_ = converted(refreshes(later));
    loop_.template reserveTimers<neverCalled>(population);
    loop_.template addReader<onTurn>(eventful_[0], this);
  }

  ~TimerCycle() { loop_.removeReader(eventful_[0]); }
  TimerCycle(const TimerCycle&) = delete;
  TimerCycle& operator=(const TimerCycle&) = delete;

  // One whole cycle; its phases' times are added to `spent`.
  void run(std::array<std::int64_t, phases>& spent) {
    for (std::size_t phase = add; phase < phases; ++phase) {
      phase_ = static_cast<Phase>(phase);
      done_ = 0;
      loop_.run();
      check(done_ == operationsOf(phase_), "the phase was done completely");
      spent[phase] += finished_ - started_;
    }
  }

  std::size_t operationsOf(Phase phase) const {
    return phase == add || phase == cancel ? population_ : changes_;
  }

  // All timers were cancelled: none may be left to fire.
  void checkNoneLeft() {
    VirtualClock::advanceTo(VirtualClock::elapsed() + afterAllDeadlines.count());
    for (int i = 0; i < 3; ++i) {
      done_ = std::numeric_limits<std::size_t>::max();
      loop_.run();
    }
  }

 private:
  static constexpr std::size_t changesMax = 200'000;
  static constexpr std::size_t operationsPerTurn = 1'000;
  static constexpr std::chrono::nanoseconds afterAllDeadlines = std::chrono::minutes(10);

  std::vector<typename C::Deadline> converted(
      const std::vector<std::chrono::nanoseconds>& deadlines) const {
    std::vector<typename C::Deadline> result;
    result.reserve(deadlines.size());
    for (const auto deadline : deadlines) {
      result.push_back(loop_.deadline(deadline));
    }
    return result;
  }

  // Later than all other deadlines, as idle timeouts of one length are, a microsecond apart.
  static std::vector<std::chrono::nanoseconds> refreshes(
      const std::vector<std::chrono::nanoseconds>& later) {
    std::vector<std::chrono::nanoseconds> result(later.size());
    auto next = *std::max_element(later.begin(), later.end()) + std::chrono::seconds(30);
    for (auto& deadline : result) {
      deadline = next += std::chrono::microseconds(1);
    }
    return result;
  }

  static void onTurn(void* self) { static_cast<TimerCycle*>(self)->onTurn(); }

  void onTurn() {
    if (done_ >= operationsOf(phase_)) {
      finished_ = realNow();
      loop_.stop();
      return;
    }
    if (done_ == 0) {
      started_ = realNow();
    }
    const std::size_t end = std::min(done_ + operationsPerTurn, operationsOf(phase_));
    operate(done_, end);
    done_ = end;
  }

  void operate(std::size_t begin, std::size_t end) {
    switch (phase_) {
      case add:
        for (std::size_t i = begin; i < end; ++i) {
          loop_.template addTimer<neverCalled>(i, added_[i], this);
        }
        break;
      case replace:
        for (std::size_t i = begin; i < end; ++i) {
          loop_.removeTimer(replaceOrder_[i]);
          loop_.template addTimer<neverCalled>(replaceOrder_[i], replaced_[i], this);
        }
        break;
      case refresh:
        for (std::size_t i = begin; i < end; ++i) {
          loop_.template refreshTimer<neverCalled>(refreshOrder_[i], refreshed_[i], this);
        }
        break;
      default:
        for (std::size_t i = begin; i < end; ++i) {
          loop_.removeTimer(cancelOrder_[i]);
        }
    }
  }

  const std::size_t population_;
  const std::size_t changes_;
  const std::vector<std::uint32_t> replaceOrder_;
  const std::vector<std::uint32_t> refreshOrder_;
  const std::vector<std::uint32_t> cancelOrder_;
  VirtualClock clock_;
  Descriptors eventful_;
  C loop_;
  std::vector<typename C::Deadline> added_;
  std::vector<typename C::Deadline> replaced_;
  std::vector<typename C::Deadline> refreshed_;
  Phase phase_ = add;
  std::size_t done_ = 0;
  std::int64_t started_ = 0;
  std::int64_t finished_ = 0;
};

template <Contestant C>
void timers(benchmark::State& state, Distribution distribution, std::size_t population) {
  using Cycle = TimerCycle<C>;
  const std::size_t cycles = std::max<std::size_t>(1, operationsPerSample(10'000) / population);
  std::array<Samples, Cycle::phases> samples;
  {
    Cycle cycle(distribution, population);
    for ([[maybe_unused]] auto iteration : state) {
      std::array<std::int64_t, Cycle::phases> spent{};
      for (std::size_t i = 0; i < cycles; ++i) {
        cycle.run(spent);
      }
      std::int64_t total = 0;
      for (std::size_t phase = 0; phase < Cycle::phases; ++phase) {
        const auto operations = cycle.operationsOf(static_cast<typename Cycle::Phase>(phase));
        samples[phase].add(spent[phase], cycles * operations);
        total += spent[phase];
      }
      state.SetIterationTime(static_cast<double>(total) * 1e-9);
    }
    cycle.checkNoneLeft();
  }
  double operations = 0;
  for (std::size_t phase = 0; phase < Cycle::phases; ++phase) {
    state.counters[Cycle::phaseNames[phase]] = samples[phase].best();
    operations += static_cast<double>(samples[phase].operations());
  }
  state.counters["ops"] = operations;
}

template <Contestant C>
void enrollTimers(const std::string& contestant) {
  for (const Distribution distribution : distributions) {
    for (const std::size_t population : populations) {
      enroll(
          "BM_Timers/" + contestant + "/" + nameOf(distribution) + "/" + std::to_string(population),
          samplesOf(population),
          [=](benchmark::State& state) { timers<C>(state, distribution, population); });
    }
  }
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_WORKLOADS_TIMERS_H_
