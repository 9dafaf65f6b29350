// SPDX-License-Identifier: MIT OR Apache-2.0
// Reactors among threads: one each, and wake-ups built from a descriptor.
#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/process_state.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;
using ThreadTest = RealTimeTest;

INSTANTIATE_TEST_SUITE_P(Backends, ThreadTest, backends(), backendName);

// R69
TEST_P(ThreadTest, RunsReactorsInSeveralThreadsWithoutSharing) {
  const int rounds = 5000;
  std::atomic<int> right = 0;
  const auto serve = [&] {
    RealTime time(GetParam().open);
    Reactor reactor{detail::ReactorAccess::create(time.open())};
    const Pair ends = pair();
    Probe reader([&] { drain(ends.near.get()); });
    Probe timer;
    EXPECT_FALSE(reactor.addReader(ends.near.get(), Probe::run, &reader));
    for (int i = 0; i < rounds; ++i) {
      writeByte(ends.far.get());
      EXPECT_NE(reactor.addTimer(0ms, Probe::run, &timer), TimerId::none);
      if (reactor.poll(Reactor::forever).callbacks == 2) ++right;
    }
  };
  std::thread first(serve);
  std::thread second(serve);
  first.join();
  second.join();
  EXPECT_EQ(right, 2 * rounds);
}

// R75
TEST_P(ThreadTest, LosesNoWakeUpFromOtherThreads) {
  const int writers = 4;
  const unsigned writesEach = underSanitizer() ? 10'000 : 100'000;
  const UniqueFd wake = counter();
  std::uint64_t seen = 0;
  Probe reader([&] {
    eventfd_t value = 0;
    EXPECT_EQ(::eventfd_read(wake.get(), &value), 0);
    seen += value;
  });
  addReader(wake.get(), reader);
  std::vector<std::thread> threads;
  for (int i = 0; i < writers; ++i) {
    threads.emplace_back([&] {
      for (unsigned n = 0; n < writesEach; ++n) bump(wake.get());
    });
  }
  // A lost wake-up is a poll that runs into its timeout.
  while (seen < std::uint64_t{writers} * writesEach) {
    if (poll(60s) == 0) break;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(seen, std::uint64_t{writers} * writesEach);
  EXPECT_LE(reader.runs(), seen);
  EXPECT_EQ(poll(0ms), 0u);
}

TEST_P(ThreadTest, MayBeDestroyedByAnotherThreadThanItsOwn) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe reader;
  auto* const reactor = new Reactor{detail::ReactorAccess::create(GetParam().open())};
  std::thread owner([&] {
    EXPECT_FALSE(reactor->addReader(ends.near.get(), Probe::run, &reader));
    EXPECT_EQ(reactor->poll(0ms).callbacks, 1u);
  });
  owner.join();
  delete reactor;
  EXPECT_EQ(reader.runs(), 1u);
}

TEST_P(ThreadTest, BelongsToTheThreadOfItsFirstCallAndNotToItsMaker) {
  Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
  Probe timer;
  std::thread owner([&] {
    EXPECT_NE(reactor.addTimer(0ms, Probe::run, &timer), TimerId::none);
    EXPECT_EQ(reactor.poll(0ms).callbacks, 1u);
  });
  owner.join();
  EXPECT_EQ(timer.runs(), 1u);
}

// A user of everything that a reactor has.
void useEverything(Reactor& reactor) {
  const Pair ends = pair();
  Probe probe;
  EXPECT_FALSE(reactor.addReader(ends.near.get(), Probe::run, &probe));
  EXPECT_FALSE(reactor.addWriter(ends.near.get(), Probe::run, &probe));
  EXPECT_NE(reactor.addTimer(1ms, Probe::run, &probe), TimerId::none);
  while (probe.runs() < 3) EXPECT_FALSE(reactor.poll(1ms).error);
  EXPECT_TRUE(reactor.removeReader(ends.near.get()));
  EXPECT_TRUE(reactor.removeWriter(ends.near.get()));
}

TEST_P(ThreadTest, StartsNoThread) {
  const std::size_t before = threadCount();
  Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
  useEverything(reactor);
  EXPECT_EQ(threadCount(), before);
}

TEST_P(ThreadTest, ChangesNoSignalDispositionAndNoMask) {
  const auto state = [] {
    std::vector<struct sigaction> actions;
    for (int signal = 1; signal < NSIG; ++signal) {
      struct sigaction action {};
      if (::sigaction(signal, nullptr, &action) == 0) actions.push_back(action);
    }
    return actions;
  };
  const auto before = state();
  sigset_t maskBefore;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &maskBefore);
  {
    Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
    useEverything(reactor);
    const auto during = state();
    ASSERT_EQ(during.size(), before.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
      EXPECT_EQ(during[i].sa_handler, before[i].sa_handler);
      EXPECT_EQ(during[i].sa_flags, before[i].sa_flags);
    }
  }
  sigset_t maskAfter;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &maskAfter);
  for (int signal = 1; signal < NSIG; ++signal) {
    EXPECT_EQ(sigismember(&maskAfter, signal), sigismember(&maskBefore, signal));
  }
}

}  // namespace
}  // namespace kairos
