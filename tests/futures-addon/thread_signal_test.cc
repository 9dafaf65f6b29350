// SPDX-License-Identifier: MIT OR Apache-2.0
// Waking coroutines and threads from other threads, and from signal handlers.
#include <atomic>
#include <chrono>
#include <csignal>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "kairos/tests/futures-addon/transport_fixture.h"

namespace kairos {
namespace {

// A thread's own.
struct SignalLoop {
  template <class T>
  T wait(Future<T> future) {
    return waitFor(futures, std::move(future));
  }

  Reactor reactor;
  FutureContext futures{reactor};
  TransportContext transports{reactor};
};

// Waits in one of two ways, on this thread.
void waitOnce(const ThreadSignal& signal, bool blocks) {
  if (blocks) {
    EXPECT_TRUE(signal.waitSync(seconds(30)));
  } else {
    SignalLoop loop;
    loop.wait(asFuture(loop.futures, signal.wait(loop.transports)));
  }
}

// F90, F93
TEST(ThreadSignalTest, WakesOneForAnyNumberOfFirings) {
  const ThreadSignal signal;
  SignalLoop loop;
  for (int i = 0; i < 1000; ++i) signal.fire();
  loop.wait(asFuture(loop.futures, signal.wait(loop.transports)));
  EXPECT_FALSE(signal.waitSync(Clock::duration::zero()));
  signal.fire();
  EXPECT_TRUE(signal.waitSync(Clock::duration::zero()));
}

// F91
TEST(ThreadSignalTest, WakesOneOfManyThreads) {
  constexpr int threads = 8;
  const ThreadSignal signal;
  std::atomic<int> woken = 0;
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([signal, i, &woken] {
      waitOnce(signal, i % 2 == 0);
      ++woken;
    });
  }
  for (int i = 1; i <= threads; ++i) {
    signal.fire();
    while (woken < i) std::this_thread::yield();
    EXPECT_EQ(woken, i);
  }
  for (std::thread& thread : all) thread.join();
  EXPECT_FALSE(signal.waitSync(Clock::duration::zero()));
}

// One thread of several, and what has become of them so far.
struct Crowd {
  void waitToTheEnd(const ThreadSignal& signal, bool blocks) {
    ++waiting;
    try {
      waitOnce(signal, blocks);
      ++woken;
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), TransportError::closed);
      ++ended;
    }
  }

  std::atomic<int> waiting = 0;
  std::atomic<int> woken = 0;
  std::atomic<int> ended = 0;
};

Future<> fireSoon(FutureContext& context, ThreadSignal signal) {
  co_await sleepAsync(context, Clock::duration::zero());
  signal.fire();
}

// F91: in all combinations of threads with a loop and without one.
TEST(ThreadSignalTest, WakesNoMoreThanOneThread) {
  constexpr int threads = 8;
  for (const bool waitersBlock : {false, true}) {
    for (const bool isFiredOnALoop : {false, true}) {
      const ThreadSignal signal;
      Crowd crowd;
      std::vector<std::thread> all;
      for (int i = 0; i < threads; ++i) {
        all.emplace_back(
            [signal, waitersBlock, &crowd] { crowd.waitToTheEnd(signal, waitersBlock); });
      }
      while (crowd.waiting < threads) std::this_thread::yield();
      if (isFiredOnALoop) {
        SignalLoop loop;
        loop.wait(fireSoon(loop.futures, signal));
      } else {
        signal.fire();
      }
      while (crowd.woken == 0) std::this_thread::yield();
      signal.close();
      for (std::thread& thread : all) thread.join();
      EXPECT_EQ(crowd.woken, 1);
      EXPECT_EQ(crowd.ended, threads - 1);
    }
  }
}

// F92
TEST(ThreadSignalTest, PassesTheTurnBetweenTwoThreads) {
  constexpr int rounds = 1000;
  for (const bool firstBlocks : {false, true}) {
    for (const bool secondBlocks : {false, true}) {
      const ThreadSignal there;
      const ThreadSignal back;
      std::thread second([there, back, secondBlocks] {
        for (int i = 0; i < rounds; ++i) {
          waitOnce(there, secondBlocks);
          back.fire();
        }
      });
      for (int i = 0; i < rounds; ++i) {
        there.fire();
        waitOnce(back, firstBlocks);
      }
      second.join();
    }
  }
}

// F94
TEST(ThreadSignalTest, BlocksNoLongerThanAsked) {
  const ThreadSignal signal;
  const auto start = Clock::now();
  EXPECT_FALSE(signal.waitSync(milliseconds(5)));
  EXPECT_GE(Clock::now() - start, milliseconds(5));
}

// F95
const ThreadSignal* firedByHandler = nullptr;

TEST(ThreadSignalTest, IsFiredByAHandler) {
  const ThreadSignal signal;
  firedByHandler = &signal;
  struct sigaction before {};
  struct sigaction fire {};
  fire.sa_handler = [](int) { firedByHandler->fire(); };
  ASSERT_EQ(::sigaction(SIGUSR1, &fire, &before), 0);
  SignalLoop loop;
  Future<> waiting = asFuture(loop.futures, signal.wait(loop.transports));
  EXPECT_EQ(::raise(SIGUSR1), 0);
  loop.wait(waiting);
  ASSERT_EQ(::sigaction(SIGUSR1, &before, nullptr), 0);
}

// F96
TEST(ThreadSignalTest, EndsAllWaitsWhenItIsClosed) {
  const ThreadSignal signal;
  SignalLoop loop;
  Future<> waiting = asFuture(loop.futures, signal.wait(loop.transports));
  Future<> cancelled = asFuture(loop.futures, signal.wait(loop.transports));
  EXPECT_TRUE(cancelled.tryCancel());
  signal.close();
  while (!waiting.finished() || !cancelled.finished()) loop.reactor.poll(Clock::duration::zero());
  EXPECT_EQ(errorOf(waiting), TransportError::closed);
  EXPECT_TRUE(cancelled.cancelled());
  EXPECT_FALSE(signal.isOpen());
  EXPECT_THROW(signal.close(), FutureError);
  EXPECT_THROW(signal.waitSync(seconds(1)), std::system_error);
}

// Says on which thread it is destroyed.
struct TellsItsThread {
  ~TellsItsThread() { thread = std::this_thread::get_id(); }
  std::thread::id& thread;
};
Future<> waitGuarded(FutureContext&, TransportContext& transports, ThreadSignal signal,
                     std::thread::id& thread) {
  const TellsItsThread tells{thread};
  co_await signal.wait(transports);
}

// F96, F59: by whichever thread, who waits goes on on his own.
TEST(ThreadSignalTest, EndsAWaitThatAnotherThreadCloses) {
  const ThreadSignal signal;
  SignalLoop loop;
  std::thread::id ended;
  Future<> waiting = waitGuarded(loop.futures, loop.transports, signal, ended);
  std::thread closing([signal] { signal.close(); });
  EXPECT_THROW(loop.wait(waiting), std::system_error);
  closing.join();
  EXPECT_EQ(errorOf(waiting), TransportError::closed);
  EXPECT_EQ(ended, std::this_thread::get_id());
}

}  // namespace
}  // namespace kairos
