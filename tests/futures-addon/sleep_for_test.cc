// SPDX-License-Identifier: MIT OR Apache-2.0
// Sleeps in the frame of a coroutine.
#include <coroutine>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/support/allocations.h"

namespace kairos {
namespace {

class SleepForTest : public FutureTest {
 protected:
  Future<> sleep(FutureContext&, Clock::duration duration, char letter) {
    try {
      co_await sleepFor(duration);
      text_ += letter;
    } catch (const CancelledError&) {
      text_ += '!';
      throw;
    }
  }

  std::string text_;
};

INSTANTIATE_TEST_SUITE_P(Backends, SleepForTest, backends(), backendName);

TEST_P(SleepForTest, IsOverInTimeAndNotBefore) {
  const Clock::time_point begin = time_.now();
  Future<> future = sleep(context_, milliseconds(5), 'a');
  settle();
  EXPECT_EQ(text_, "") << "never early";
  settleUntil(future);
  EXPECT_EQ(text_, "a");
  EXPECT_EQ(time_.now() - begin, milliseconds(5));

  const auto until = [](FutureContext&, Clock::time_point deadline) -> Future<> {
    co_await sleepUntil(deadline);
  };
  waitFor(context_, until(context_, begin + milliseconds(7)));
  EXPECT_EQ(time_.now() - begin, milliseconds(7));
  waitFor(context_, until(context_, begin));
  EXPECT_EQ(time_.now() - begin, milliseconds(7));
}

TEST_P(SleepForTest, ComesInTheOrderOfDeadlines) {
  std::vector<Future<>> all;
  all.push_back(sleep(context_, milliseconds(2), 'd'));
  all.push_back(sleep(context_, milliseconds(1), 'b'));
  all.push_back(sleep(context_, milliseconds(1), 'c'));
  all.push_back(sleep(context_, milliseconds(0), 'a'));
  EXPECT_EQ(text_, "") << "never inside the await";
  poll();
  EXPECT_EQ(text_, "a");
  settleUntil(all[0]);
  EXPECT_EQ(text_, "abcd");
}

TEST_P(SleepForTest, LastsForeverUntilItIsCancelled) {
  Future<> future = sleep(context_, Reactor::forever, 'a');
  settle();
  EXPECT_TRUE(future.tryCancel());
  EXPECT_EQ(text_, "") << "not inside the request";
  settle();
  EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(text_, "!");
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

// Both orders of a request and the end of the sleep in one poll.
TEST_P(SleepForTest, IsOverOrCancelledWhicheverComesFirst) {
  for (const bool isAskedFirst : {true, false}) {
    SCOPED_TRACE(isAskedFirst);
    text_.clear();
    Future<> asks;
    Future<> sleeps;
    const auto ask = [&sleeps](FutureContext& context) -> Future<> {
      co_await sleepFor(milliseconds(1));
      sleeps.cancelSoon();
      static_cast<void>(context);
    };
    if (isAskedFirst) asks = ask(context_);
    sleeps = sleep(context_, milliseconds(1), 'a');
    if (!isAskedFirst) asks = ask(context_);
    settleUntil(asks);
    settleUntil(sleeps);
    EXPECT_EQ(sleeps.cancelled(), isAskedFirst);
    EXPECT_EQ(text_, isAskedFirst ? "!" : "a");
  }
}

TEST_P(SleepForTest, IsLimitedAsAFuture) {
  EXPECT_FALSE(
      waitFor(context_, withTimeout(asFuture(context_, sleepFor(seconds(5))), milliseconds(1))));
  EXPECT_TRUE(waitFor(context_, withTimeout(sleep(context_, milliseconds(1), 'a'), seconds(5))));
  EXPECT_EQ(text_, "a");
}

Future<> sleepOnAndOn(FutureContext&, int& cancelled) {
  for (;;) {
    try {
      co_await sleepFor(seconds(1));
    } catch (const CancelledError&) {
      ++cancelled;
    }
  }
}

// Who sleeps again whenever he is cancelled is left where he stands, without a timer.
TEST_P(SleepForTest, EndsWithItsContext) {
  int cancelled = 0;
  Future<> stubborn;
  Future<> gone;
  {
    FutureContext context(reactor_);
    stubborn = sleepOnAndOn(context, cancelled);
    gone = sleep(context, seconds(1), 'a');
  }
  EXPECT_GT(cancelled, 0);
  EXPECT_TRUE(stubborn.cancelled() && gone.cancelled());
  EXPECT_EQ(text_, "!");
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

// An awaitable of another library, which resumes by itself.
struct Foreign {
  static bool await_ready() noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) const noexcept { waiting = coroutine; }
  static void await_resume() noexcept {}
  std::coroutine_handle<>& waiting;
};

// While its context ends: of that it will not hear, and its timer would outlive it.
TEST_P(SleepForTest, IsRefusedToWhoIsResumedAfterHeWasCancelledWhereHeStands) {
  std::coroutine_handle<> waiting;
  Probe resuming([&] { waiting.resume(); });
  std::string refused;
  const auto sleepAfterForeign = [](FutureContext&, std::coroutine_handle<>& coroutine,
                                    std::string& error) -> Future<> {
    co_await Foreign{coroutine};
    try {
      co_await sleepFor(milliseconds(1));
    } catch (const FutureError& refusal) {
      error = refusal.what();
    }
  };
  {
    std::optional<FutureContext> context(std::in_place, reactor_);
    Future<> future = sleepAfterForeign(*context, waiting, refused);
    future.addCallback(Probe::run, &resuming);
    context.reset();
    EXPECT_EQ(resuming.runs(), 1U);
    EXPECT_TRUE(future.cancelled());
  }
  EXPECT_NE(refused, "");
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

TEST_P(SleepForTest, NeedsAContext) {
  const auto alone = []() -> Future<> { co_await sleepFor(milliseconds(1)); };
  Future<> future = alone();
  EXPECT_TRUE(future.failed());
  EXPECT_THROW(future.read(), FutureError);
}

// One allocation for a coroutine and what it awaits, the first time too: the frame.
TEST_P(SleepForTest, TakesNoMemoryButTheTimer) {
  constexpr std::size_t coroutines = 1000;
  // The reactor and the test's clock have theirs already.
  std::vector<TimerId> timers;
  for (std::size_t i = 0; i < coroutines; ++i) {
    timers.push_back(reactor_.addTimer(
        seconds(1), [](void*) {}, nullptr));
  }
  for (const TimerId timer : timers) reactor_.removeTimer(timer);
  std::vector<Future<>> all;
  all.reserve(coroutines);
  const AllocationCount count;
  for (std::size_t i = 0; i < coroutines; ++i) {
    all.push_back([](FutureContext&) -> Future<> { co_await sleepFor(milliseconds(1)); }(context_));
  }
  EXPECT_LE(count.allocations(), coroutines);
  settleUntil(all.back());
}

TEST_P(SleepForTest, TellsThatThereIsNoMemoryForTheTimer) {
  Reactor reactor{detail::ReactorAccess::create(GetParam().open())};
  FutureContext context(reactor);
  const auto tell = [&reactor](FutureContext&) -> Future<bool> {
    try {
      OutOfMemory none;
      none.setThrowing(true);
      while (reactor.addTimer(
                 seconds(1), [](void*) {}, nullptr) != TimerId::none) {
      }
      co_await sleepFor(seconds(1));
    } catch (const std::bad_alloc&) {
      co_return true;
    }
    co_return false;
  };
  EXPECT_TRUE(tell(context).read());
  EXPECT_FALSE(context.hasPendingOperations());
}

}  // namespace
}  // namespace kairos
