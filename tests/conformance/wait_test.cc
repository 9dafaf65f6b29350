// SPDX-License-Identifier: MIT OR Apache-2.0
// Waiting on the clock of the machine: never early, not busy, ended by signals. Only lower bounds
// of time: a busy machine may be late.
#include <gtest/gtest.h>
#include <sys/time.h>

#include <csignal>
#include <deque>
#include <limits>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class WaitTest : public RealTimeTest {
 protected:
  void SetUp() override {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ASSERT_EQ(::sigaction(SIGALRM, &action, &oldAction_), 0);
  }
  void TearDown() override {
    setAlarm(0us);
    ::sigaction(SIGALRM, &oldAction_, nullptr);
  }

  // A signal after that time, and again after each such time: one may come before a wait begins.
  static void setAlarm(std::chrono::microseconds every) {
    const itimerval timer{{0, every.count()}, {0, every.count()}};
    ASSERT_EQ(::setitimer(ITIMER_REAL, &timer, nullptr), 0);
  }

  // How long a poll took that found nothing.
  Clock::duration sleep(Clock::duration timeout) {
    const auto before = time_.elapsed();
    EXPECT_EQ(poll(timeout), 0u);
    return time_.elapsed() - before;
  }

  const Pair ends_ = pair();
  Probe reader_;

 private:
  struct sigaction oldAction_ {};
};

INSTANTIATE_TEST_SUITE_P(Backends, WaitTest, backends(), backendName);

// R10 R11
TEST_P(WaitTest, IsNeverShorterThanItsTimeout) {
  EXPECT_GE(sleep(50ms), 50ms) << "nothing registered";
  addReader(ends_.near.get(), reader_);
  Probe timer;
  addTimer(1h, timer);
  for (const Clock::duration timeout :
       {Clock::duration(1), Clock::duration(999'999), Clock::duration(1ms),
        Clock::duration(1'000'001), Clock::duration(1'500us), Clock::duration(50ms)}) {
    EXPECT_GE(sleep(timeout), timeout);
  }
  const auto before = time_.elapsed();
  for (int i = 0; i < 20; ++i) poll(1ms);
  EXPECT_GE(time_.elapsed() - before, 20ms);
}

// R07 R08
TEST_P(WaitTest, EndsForATimer) {
  addReader(ends_.near.get(), reader_);
  Probe timer;
  const auto start = time_.now();
  addTimer(50ms, timer);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_GE(time_.now() - start, 50ms);
  addTimer(1ms, timer);
  EXPECT_EQ(poll(1h), 1u) << "returns long before the timeout";
}

// R05
TEST_P(WaitTest, EndsForADescriptorThatBecomesReady) {
  Probe reader([&] { EXPECT_EQ(drain(ends_.near.get()), 1u); });
  addReader(ends_.near.get(), reader);
  writeByte(ends_.far.get());
  EXPECT_EQ(poll(1h), 1u);
}

// R27
TEST_P(WaitTest, RunsNoTimerBeforeItsDeadline) {
  Random random;
  std::deque<Probe> timers;
  std::size_t early = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto deadline = time_.now() + 100us + random.below(19'900'000) * 1ns;
    addTimer(deadline, timers.emplace_back([this, &early, deadline] {
      if (time_.now() < deadline) ++early;
    }));
  }
  std::size_t ran = 0;
  while (ran < timers.size()) ran += poll(Reactor::forever);
  EXPECT_EQ(early, 0u);
  for (const Probe& timer : timers) EXPECT_EQ(timer.runs(), 1u);
}

// R28
TEST_P(WaitTest, NeedsAtMostTwoPollsForATimerOfAFractionOfAMillisecond) {
  for (int i = 0; i < 50; ++i) {
    Probe timer;
    addTimer(200us, timer);
    int polls = 0;
    while (timer.runs() == 0 && polls < 100) {
      poll(Reactor::forever);
      ++polls;
    }
    EXPECT_LE(polls, 2);
  }
}

// R04
TEST_P(WaitTest, UsesNoProcessorTime) {
  addReader(ends_.near.get(), reader_);
  Probe timer;
  timer.setAction([&] { addTimer(100ms, timer); });
  addTimer(100ms, timer);
  const auto before = cpuTime();
  const auto start = time_.elapsed();
  int polls = 0;
  while (time_.elapsed() - start < 400ms) {
    poll(50ms);
    ++polls;
  }
  // At most eight whole timeouts and one cut short by each timer.
  EXPECT_LE(polls, 12);
  EXPECT_LT(cpuTime() - before, 200ms) << "half of the time it took";
}

// R04
TEST_P(WaitTest, SleepsBesideADescriptorThatWasClosed) {
  Pair closed = pair();
  const Fd number = closed.near.get();
  addReader(number, reader_);
  closed.near.reset();
  poll(0ms);  // may find out
  EXPECT_GE(sleep(20ms), 20ms);
  EXPECT_TRUE(reactor_.removeReader(number));
  EXPECT_EQ(reader_.runs(), 0u);
}

// R17
TEST_P(WaitTest, RunsATimerOnceAndNotEarlyAmongSignals) {
  const auto start = time_.elapsed();
  setAlarm(10ms);
  const auto deadline = time_.now() + 50ms;
  Probe timer([&] { EXPECT_GE(time_.now(), deadline); });
  addTimer(deadline, timer);
  std::size_t polls = 0;
  while (timer.runs() == 0 && polls < 10'000) {
    poll(Reactor::forever);
    ++polls;
  }
  EXPECT_EQ(timer.runs(), 1u);
  const auto signals = static_cast<std::size_t>((time_.elapsed() - start) / 10ms);
  EXPECT_LE(polls, signals + 2) << "one for each signal, not a spin";
}

// R18
TEST_P(WaitTest, EndsForASignalWithoutErrorOrCallback) {
  addReader(ends_.near.get(), reader_);
  Probe later;
  addTimer(1h, later);
  const auto start = time_.elapsed();
  setAlarm(20ms);
  EXPECT_EQ(poll(Reactor::forever), 0u);
  EXPECT_GE(time_.elapsed() - start, 20ms) << "it ended by itself";
  writeByte(ends_.far.get());
  while (reader_.runs() == 0) poll(Reactor::forever);
  EXPECT_EQ(later.runs(), 0u);
}

// R23
TEST_P(WaitTest, TakesAnyLengthThatATypeCanHold) {
  addReader(ends_.near.get(), reader_);
  writeByte(ends_.far.get());
  for (const Clock::duration timeout :
       {Reactor::forever, Reactor::forever - 1ns, Reactor::forever - 1ms,
        Clock::duration(24h * 365 * 200), Clock::duration(1ms * std::numeric_limits<int>::max()),
        Clock::duration(1ms * std::numeric_limits<int>::max()) + 1ns, Clock::duration::min(),
        Clock::duration(-1)}) {
    EXPECT_EQ(poll(timeout), 1u) << timeout.count();
  }
  Probe timer;
  addTimer(24h * 30, timer);
  addTimer(24h * 365 * 10, timer);
  addTimer(Clock::time_point::max() - 1ns, timer);
  EXPECT_EQ(poll(Reactor::forever), 1u);
}

// R23
TEST_P(WaitTest, SleepsForATimeoutLongerThanTheOsTakes) {
  addReader(ends_.near.get(), reader_);
  for (const Clock::duration timeout :
       {Reactor::forever - 1ns, Clock::duration(24h * 365 * 200), Clock::duration::min()}) {
    const auto start = time_.elapsed();
    setAlarm(20ms);
    EXPECT_EQ(poll(timeout), 0u);
    EXPECT_GE(time_.elapsed() - start, 20ms) << "it ended by itself";
    setAlarm(0us);
  }
}

}  // namespace
}  // namespace kairos
