// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/thread_async_event.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/transports/real_time_fixture.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using Wait = Watched<EventOperation>;

ThreadAsyncEvent openEvent() {
  ThreadAsyncEvent event;
  EXPECT_EQ(ThreadAsyncEvent::open(event), std::error_code());
  return event;
}

class ThreadAsyncEventTest : public RealTimeTransportTest {
 protected:
  void wait(Wait& wait) { waitFor(event_, wait); }
  void waitFor(const ThreadAsyncEvent& event, Wait& wait) {
    ok(event.wait(context_, wait, Wait::done, &wait));
  }

  const ThreadAsyncEvent event_ = openEvent();
};

INSTANTIATE_TEST_SUITE_P(Backends, ThreadAsyncEventTest, backends(), backendName);

// F90
TEST_P(ThreadAsyncEventTest, IsRegisteredByTheFirstWaitAndLeavesNothingBehind) {
  const std::set<Fd> before = openFds();
  {
    const ThreadAsyncEvent event = openEvent();
    EXPECT_EQ(openedSince(before).size(), 1u);
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
    Wait waiting;
    waitFor(event, waiting);
    event.notify();
    pollUntilDone(waiting);
    EXPECT_FALSE(waiting.error);
  }
  EXPECT_TRUE(openedSince(before).empty());
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

TEST_P(ThreadAsyncEventTest, WakesAWaitFromAnotherThread) {
  Wait waiting;
  wait(waiting);
  EXPECT_EQ(poll(), 0u);
  int written = 0;
  std::thread other([&] {
    written = 1;
    event_.notify();
  });
  pollUntilDone(waiting);
  EXPECT_EQ(written, 1) << "what was done before is seen";
  other.join();
  EXPECT_FALSE(waiting.error);
  EXPECT_EQ(waiting.completions(), 1u);
}

// F93, IW3
TEST_P(ThreadAsyncEventTest, WakesOnceForManyNotificationsBeforeAnyoneWaits) {
  for (int i = 0; i < 1000; ++i) event_.notify();
  Wait waiting;
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.completions(), 1u);
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.completions(), 1u);
  event_.notify();
  settle();
  EXPECT_EQ(waiting.completions(), 2u);
}

// An event while its last waiter does not wait wakes nobody, costs no further wake-up, and is kept.
TEST_P(ThreadAsyncEventTest, KeepsAnEventThatNobodyWaitsFor) {
  Wait waiting;
  wait(waiting);
  event_.notify();
  settle();
  event_.notify();
  settle();
  EXPECT_EQ(waiting.completions(), 1u);
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.completions(), 2u);
}

TEST_P(ThreadAsyncEventTest, WakesOneOfThoseWhoWaitOnALoop) {
  std::array<Wait, 3> waits;
  for (Wait& each : waits) wait(each);
  for (std::size_t woken = 1; woken <= waits.size(); ++woken) {
    event_.notify();
    settle();
    std::size_t completions = 0;
    for (const Wait& each : waits) completions += each.completions();
    EXPECT_EQ(completions, woken);
  }
}

TEST_P(ThreadAsyncEventTest, IsWaitedForAgainInTheCallback) {
  Wait waiting;
  waiting.setThen([&] {
    if (waiting.completions() < 5) wait(waiting);
    event_.notify();
  });
  wait(waiting);
  event_.notify();
  pollUntil([&] { return waiting.completions() == 5; });
}

// A place that was used for one event is used for another.
TEST_P(ThreadAsyncEventTest, TellsEventsApart) {
  Wait waiting;
  wait(waiting);
  event_.notify();
  settle();
  {
    const ThreadAsyncEvent other = openEvent();
    waitFor(other, waiting);
    event_.notify();
    settle();
    EXPECT_EQ(waiting.completions(), 1u);
    other.notify();
    settle();
    EXPECT_EQ(waiting.completions(), 2u);
  }
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.completions(), 3u);
}

TEST_P(ThreadAsyncEventTest, CancelsAWaitAndForgetsADestroyedOne) {
  Wait waiting;
  wait(waiting);
  EXPECT_TRUE(ThreadAsyncEvent::cancel(waiting));
  EXPECT_FALSE(ThreadAsyncEvent::cancel(waiting));
  settle();
  EXPECT_EQ(waiting.error, std::errc::operation_canceled);
  {
    Wait destroyed([] { ADD_FAILURE(); });
    wait(destroyed);
  }
  event_.notify();
  wait(waiting);
  settle();
  EXPECT_EQ(waiting.completions(), 2u);
  EXPECT_FALSE(waiting.error) << "the destroyed one has not taken the event";
}

// A wait that has got the event, and is destroyed before its callback, has it for nobody.
TEST_P(ThreadAsyncEventTest, PassesOnAnEventOfAWaitThatIsDestroyedBeforeItsCallback) {
  const ThreadAsyncEvent other = openEvent();
  std::unique_ptr<Wait> destroyed;
  Wait first([&] { destroyed.reset(); });
  for (int round = 0; round < 2; ++round) {
    destroyed = std::make_unique<Wait>([] { ADD_FAILURE(); });
    waitFor(other, first);
    EXPECT_TRUE(ThreadAsyncEvent::cancel(first)) << "so it is the first in the queue";
    wait(*destroyed);
    event_.notify();
    settle();
    EXPECT_EQ(destroyed, nullptr);
    if (round == 0) {
      EXPECT_EQ(event_.waitSync(0ms), std::error_code());
      EXPECT_EQ(event_.waitSync(0ms), std::errc::timed_out) << "once";
    } else {
      Wait next;
      wait(next);
      pollUntilDone(next);
      EXPECT_FALSE(next.error);
    }
  }
}

// F96
TEST_P(ThreadAsyncEventTest, EndsWaitsWhenClosed) {
  std::array<Wait, 2> waits;
  for (Wait& each : waits) wait(each);
  event_.notify();
  event_.close();
  event_.close();
  EXPECT_FALSE(event_.isOpen());
  for (const Wait& each : waits) {
    pollUntilDone(each);
    EXPECT_EQ(each.error, TransportError::closed);
  }
  wait(waits[0]);
  pollUntilDone(waits[0]);
  EXPECT_EQ(waits[0].error, TransportError::closed) << "one to come";
  EXPECT_EQ(event_.waitSync(0ms), TransportError::closed);
  event_.notify();
  EXPECT_EQ(event_.waitSync(0ms), TransportError::closed);
}

TEST_P(ThreadAsyncEventTest, EndsWaitsWithTheContext) {
  Wait waiting;
  Wait late;
  waiting.setThen(
      [&] { EXPECT_EQ(event_.wait(context_, late, Wait::done, &late), TransportError::closed); });
  wait(waiting);
  endContext();
  EXPECT_EQ(waiting.error, TransportError::closed);
  EXPECT_EQ(waiting.completions(), 1u);
  EXPECT_TRUE(event_.isOpen());
  event_.notify();
  EXPECT_FALSE(event_.waitSync(0ms));
}

TEST_P(ThreadAsyncEventTest, RefusesMisuse) {
  Wait waiting;
  EXPECT_EQ(event_.wait(context_, waiting, nullptr, nullptr), std::errc::invalid_argument);
  EXPECT_EQ(ThreadAsyncEvent().wait(context_, waiting, Wait::done, &waiting),
            TransportError::notConnected);
  EXPECT_EQ(ThreadAsyncEvent().waitSync(0ms), TransportError::notConnected);
  EXPECT_FALSE(ThreadAsyncEvent().isOpen());
  ThreadAsyncEvent().notify();
  ThreadAsyncEvent().close();
  wait(waiting);
  EXPECT_EQ(event_.wait(context_, waiting, Wait::done, &waiting), TransportError::busy);
}

// ---- Threads without a loop, and many

// F94
TEST_P(ThreadAsyncEventTest, BlocksAThreadUpToATimeLimit) {
  EXPECT_EQ(event_.waitSync(0ms), std::errc::timed_out);
  const auto start = Clock::now();
  EXPECT_EQ(event_.waitSync(20ms), std::errc::timed_out);
  EXPECT_GE(Clock::now() - start, 20ms);
  event_.notify();
  EXPECT_FALSE(event_.waitSync(Reactor::forever));
  event_.notify();
  EXPECT_FALSE(event_.waitSync(-1ms));
  EXPECT_EQ(event_.waitSync(0ms), std::errc::timed_out);
}

// F94: signals do not make it longer.
TEST_P(ThreadAsyncEventTest, KeepsTheTimeLimitUnderSignals) {
  struct sigaction before {};
  struct sigaction nothing {};
  nothing.sa_handler = [](int) {};
  ASSERT_EQ(::sigaction(SIGUSR1, &nothing, &before), 0);
  std::atomic<bool> isOver{false};
  std::thread waiting([&] {
    EXPECT_EQ(event_.waitSync(50ms), std::errc::timed_out);
    isOver = true;
  });
  while (!isOver && elapsed() < patience) {
    ::pthread_kill(waiting.native_handle(), SIGUSR1);
    std::this_thread::yield();
  }
  waiting.join();
  EXPECT_LT(elapsed(), patience);
  ::sigaction(SIGUSR1, &before, nullptr);
}

// F91: loops and threads without one wait for the same event; each notification wakes one.
TEST_P(ThreadAsyncEventTest, WakesOneThreadForEachNotification) {
  constexpr std::size_t pairs = 4;
  std::atomic<std::size_t> woken{0};
  std::atomic<std::size_t> ended{0};
  const auto count = [&](std::error_code error) { ++(error ? ended : woken); };
  const auto waitOnLoop = [&](ThreadAsyncEvent event) {
    OwnLoop loop;
    Wait waiting;
    ASSERT_FALSE(event.wait(loop.context, waiting, Wait::done, &waiting));
    loop.pollUntilDone(waiting);
    count(waiting.error);
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < pairs; ++i) {
    threads.emplace_back(waitOnLoop, event_);
    threads.emplace_back([&, event = event_] { count(event.waitSync(Reactor::forever)); });
  }
  for (std::size_t sent = 1; sent <= pairs; ++sent) {
    event_.notify();
    while (woken < sent && elapsed() < patience) std::this_thread::yield();
    EXPECT_EQ(woken, sent);
  }
  event_.close();
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(woken, pairs);
  EXPECT_EQ(ended, pairs);
}

// F92: 1000 switches between two threads, each of which waits on its loop or blocks.
class Player {
 public:
  Player(ThreadAsyncEvent own, ThreadAsyncEvent other, bool hasLoop)
      : own_(own), other_(other), hasLoop_(hasLoop) {}

  void play(int switches) {
    if (hasLoop_) return playOnLoop(switches);
    for (int i = 0; i < switches; ++i) {
      EXPECT_FALSE(own_.waitSync(Reactor::forever));
      other_.notify();
    }
  }

 private:
  void playOnLoop(int switches) {
    OwnLoop loop;
    Wait waiting([this] { other_.notify(); });
    for (int i = 0; i < switches; ++i) {
      ASSERT_FALSE(own_.wait(loop.context, waiting, Wait::done, &waiting));
      loop.pollUntilDone(waiting);
      EXPECT_FALSE(waiting.error);
    }
  }

  ThreadAsyncEvent own_;
  ThreadAsyncEvent other_;
  bool hasLoop_;
};

TEST(ThreadAsyncEventSwitchTest, LosesNoWakeUp) {
  for (const bool firstHasLoop : {false, true}) {
    for (const bool secondHasLoop : {false, true}) {
      const ThreadAsyncEvent first = openEvent();
      const ThreadAsyncEvent second = openEvent();
      Player one(first, second, firstHasLoop);
      Player two(second, first, secondHasLoop);
      std::thread other([&two] { two.play(1000); });
      first.notify();
      one.play(1000);
      other.join();
    }
  }
}

// R75, IW2: the last notification is always followed by a callback that sees what it was about.
TEST_P(ThreadAsyncEventTest, ShowsTheLastOfManyThreads) {
  constexpr int threadCount = 4;
  constexpr int notifications = 100000;
  std::atomic<int> sent{0};
  int seen = 0;
  Wait waiting;
  waiting.setThen([&] {
    seen = sent.load(std::memory_order_relaxed);
    if (seen < threadCount * notifications) wait(waiting);
  });
  wait(waiting);
  std::vector<std::thread> threads;
  for (int i = 0; i < threadCount; ++i) {
    threads.emplace_back([&sent, event = event_] {
      for (int n = 0; n < notifications; ++n) {
        sent.fetch_add(1, std::memory_order_relaxed);
        event.notify();
      }
    });
  }
  pollUntil([&] { return seen == threadCount * notifications; });
  for (std::thread& each : threads) each.join();
}

// F95
const ThreadAsyncEvent* handlersEvent = nullptr;

TEST_P(ThreadAsyncEventTest, IsRaisedInASignalHandler) {
  struct sigaction before {};
  struct sigaction raising {};
  raising.sa_handler = [](int) { handlersEvent->notify(); };
  handlersEvent = &event_;
  ASSERT_EQ(::sigaction(SIGUSR1, &raising, &before), 0);
  Wait waiting;
  wait(waiting);
  errno = 4711;
  ::raise(SIGUSR1);
  EXPECT_EQ(errno, 4711);
  pollUntilDone(waiting);
  EXPECT_FALSE(waiting.error);
  ::sigaction(SIGUSR1, &before, nullptr);
}

// IW5: its handles may go in any order, on any thread.
TEST_P(ThreadAsyncEventTest, OutlivesTheHandleThatWasOpened) {
  Wait waiting;
  std::thread other;
  {
    const ThreadAsyncEvent event = openEvent();
    waitFor(event, waiting);
    other = std::thread([copy = event] { copy.notify(); });
  }
  pollUntilDone(waiting);
  EXPECT_FALSE(waiting.error);
  other.join();
}

}  // namespace
}  // namespace kairos
