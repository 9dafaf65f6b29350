// SPDX-License-Identifier: MIT OR Apache-2.0
// withTimeout() and wait().
#include "kairos/futures-addon/timeout.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/group.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class TimeoutTest : public FutureTest {
 protected:
  Future<int> after(milliseconds delay) {
    co_await sleepAsync(context_, delay);
    co_return 9;
  }
  // Takes its time, after it was cancelled too.
  Future<> slowToEnd() {
    try {
      co_await sleepAsync(context_, seconds(10));
    } catch (const CancelledError&) {
      ++cleanUps_;
    }
    co_await noCancel(sleepAsync(context_, milliseconds(5)));
    ++cleanUps_;
    throw CancelledError();
  }

  int cleanUps_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Backends, TimeoutTest, backends(), backendName);

// F28, IF5
TEST_P(TimeoutTest, SaysWhetherItWasInTime) {
  EXPECT_TRUE(waitFor(context_, withTimeout(after(milliseconds(5)), milliseconds(10))));
  EXPECT_EQ(time_.elapsed(), milliseconds(5));
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur)
      << "its timer has gone";
  Future<int> late = after(milliseconds(50));
  EXPECT_FALSE(waitFor(context_, withTimeout(late, milliseconds(10))));
  EXPECT_EQ(time_.elapsed(), milliseconds(15));
  EXPECT_TRUE(late.cancelled());
}

// F28: the result comes when what was cancelled has ended.
TEST_P(TimeoutTest, WaitsForWhatItCancels) {
  Future<> slow = slowToEnd();
  EXPECT_FALSE(waitFor(context_, withTimeout(slow, milliseconds(10))));
  EXPECT_EQ(cleanUps_, 2);
  EXPECT_EQ(time_.elapsed(), milliseconds(15));
  EXPECT_THROW(waitFor(context_, wait(slowToEnd(), milliseconds(10))), TimeoutError);
  EXPECT_EQ(cleanUps_, 4);
  EXPECT_EQ(time_.elapsed(), milliseconds(30));
}

// F29
TEST_P(TimeoutTest, TreatsZeroAndLessLikeAnyLimit) {
  for (const milliseconds limit : {milliseconds(0), milliseconds(-1)}) {
    Future<int> future = after(milliseconds(1));
    Future<bool> inTime = withTimeout(future, limit);
    EXPECT_FALSE(inTime.finished());
    EXPECT_FALSE(waitFor(context_, inTime));
    EXPECT_TRUE(future.cancelled());
  }
  Promise<> finished(context_);
  finished.complete();
  EXPECT_TRUE(withTimeout(finished.future(), milliseconds(0)).read());
}

// F29, IF5: deadlines that are over are like a limit of zero.
TEST_P(TimeoutTest, TreatsThePastLikeAnyLimit) {
  for (const Clock::time_point past : {time_.now() - seconds(1), Clock::time_point::min()}) {
    Future<int> future = after(milliseconds(1));
    Future<bool> inTime = withTimeout(future, past);
    EXPECT_FALSE(inTime.finished());
    EXPECT_FALSE(waitFor(context_, inTime));
    EXPECT_TRUE(future.cancelled());
    EXPECT_THROW(waitFor(context_, wait(after(milliseconds(1)), past)), TimeoutError);
    EXPECT_TRUE(withTimeout(completedFuture(context_), past).read());
    EXPECT_EQ(wait(completedFuture(context_, 4), past).read(), 4);
  }
  EXPECT_EQ(time_.elapsed(), Clock::duration::zero());
}

// F30
TEST_P(TimeoutTest, StartsNoTimerWithoutLimit) {
  Promise<> promise(context_);
  Future<bool> forever = withTimeout(promise.future(), Reactor::forever);
  Future<> untilForever = wait(promise.future(), Clock::time_point::max());
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  promise.complete();
  EXPECT_TRUE(waitFor(context_, forever));
  waitFor(context_, untilForever);
}

TEST_P(TimeoutTest, TakesDeadlines) {
  Future<int> late = after(milliseconds(50));
  EXPECT_FALSE(waitFor(context_, withTimeout(late, time_.now() + milliseconds(10))));
  EXPECT_EQ(waitFor(context_, wait(after(milliseconds(1)), time_.now() + seconds(1))), 9);
  EXPECT_THROW(waitFor(context_, wait(after(milliseconds(9)), time_.now())), TimeoutError);
}

// F31
TEST_P(TimeoutTest, FinishesOnceWhenBothAreDueAtOnce) {
  int inTime = 0;
  for (int i = 0; i < 100; ++i) {
    Future<> future = wait(sleepAsync(context_, milliseconds(4)), milliseconds(4));
    settleUntil(future);
    if (future.completed()) ++inTime;
  }
  EXPECT_EQ(inTime, 100);  // the sleep's timer was the first to be added
}

// A producer that answers a request as the test says.
template <class T>
struct Answering {
  explicit Answering(FutureContext& context) : promise(context) {}
  static void ask(void* udata) {
    auto& self = *static_cast<Answering*>(udata);
    self.answer(self.promise);
  }
  Future<T> future(void (*how)(Promise<T>&)) {
    answer = how;
    promise.setCancelCallback(ask, this);
    return promise.future();
  }
  Promise<T> promise;
  void (*answer)(Promise<T>&) = nullptr;
};

void complete(Promise<int>& promise) { promise.complete(3); }
void complete(Promise<>& promise) { promise.complete(); }
template <class T>
void fail(Promise<T>& promise) {
  promise.fail(std::runtime_error("broken"));
}
template <class T>
void cancel(Promise<T>& promise) {
  promise.cancel();
}

// Of a completed one.
void expectValue(const Future<int>& future) { EXPECT_EQ(future.read(), 3); }
void expectValue(const Future<>& future) { EXPECT_TRUE(future.completed()); }

template <class T>
Future<T> pass(Future<T> inner) {
  co_return co_await std::move(inner);
}

// Inside so many coroutines.
template <class T, class Limit>
void expectAnswersToCount(FutureContext& context, Limit limit, int levels) {
  const auto inside = [levels](Future<T> future) {
    for (int i = 0; i < levels; ++i) future = pass(std::move(future));
    return future;
  };
  const auto ended = [&context](auto future) {
    while (!future.finished()) context.reactor().poll(Reactor::forever);
    return future;
  };
  Answering<T> completing(context);
  expectValue(ended(wait(inside(completing.future(complete)), limit)));
  Answering<T> failing(context);
  EXPECT_THROW(ended(wait(inside(failing.future(fail<T>)), limit)).read(), std::runtime_error);
  Answering<T> cancelling(context);
  EXPECT_THROW(ended(wait(inside(cancelling.future(cancel<T>)), limit)).read(), TimeoutError);

  Answering<T> completingToo(context);
  const Future<T> completed = inside(completingToo.future(complete));
  EXPECT_TRUE(ended(withTimeout(completed, limit)).read());
  expectValue(completed);
  Answering<T> failingToo(context);
  const Future<T> failed = inside(failingToo.future(fail<T>));
  EXPECT_TRUE(ended(withTimeout(failed, limit)).read());
  EXPECT_THROW(failed.read(), std::runtime_error);
  Answering<T> cancellingToo(context);
  const Future<T> cancelled = inside(cancellingToo.future(cancel<T>));
  EXPECT_FALSE(ended(withTimeout(cancelled, limit)).read());
  EXPECT_TRUE(cancelled.cancelled());
}

// F32
TEST_P(TimeoutTest, CountsWhatBecomesOfTheRequest) {
  for (const int levels : {0, 3}) {
    expectAnswersToCount<int>(context_, milliseconds(1), levels);
    expectAnswersToCount<void>(context_, milliseconds(1), levels);
    expectAnswersToCount<int>(context_, time_.now() + milliseconds(1), levels);
    expectAnswersToCount<void>(context_, time_.now(), levels);
  }
}

// F34
TEST_P(TimeoutTest, CancelsWhatItWaitsFor) {
  Future<> slow = slowToEnd();
  Future<bool> inTime = withTimeout(slow, seconds(1));
  EXPECT_TRUE(inTime.tryCancel());
  EXPECT_FALSE(inTime.finished());
  EXPECT_THROW(waitFor(context_, inTime), CancelledError);
  EXPECT_EQ(cleanUps_, 2);
  EXPECT_TRUE(slow.cancelled());

  Future<int> waiting = wait(after(milliseconds(20)), seconds(1));
  EXPECT_TRUE(waiting.tryCancel());
  EXPECT_THROW(waitFor(context_, waiting), CancelledError);
}

// F34
TEST_P(TimeoutTest, GivesTheResultThatWasThereBeforeTheRequest) {
  Promise<int> promise(context_);
  Future<int> waiting = wait(promise.future(), seconds(1));
  promise.complete(6);
  EXPECT_FALSE(waiting.tryCancel());
  waiting.cancelSoon();
  EXPECT_EQ(waitFor(context_, waiting), 6);
}

// F34: the same inside coroutines, of which none has gone on yet.
TEST_P(TimeoutTest, GivesTheResultThatIsOnItsWayWhenItIsCancelled) {
  const auto awaitsWait = [](Future<int> inner) -> Future<int> {
    co_return co_await wait(std::move(inner), seconds(10));
  };
  const auto awaitsTimeout = [](Future<int> inner) -> Future<int> {
    EXPECT_TRUE(co_await withTimeout(inner, seconds(10)));
    co_return inner.read();
  };
  for (const int levels : {1, 2}) {
    for (const bool isWait : {true, false}) {
      Promise<int> promise(context_);
      Future<int> inner = pass(promise.future());
      if (levels == 2) inner = pass(std::move(inner));
      Future<int> outer = isWait ? awaitsWait(inner) : awaitsTimeout(inner);
      promise.complete(6);
      EXPECT_FALSE(outer.tryCancel());
      outer.cancelSoon();
      EXPECT_EQ(waitFor(context_, outer), 6);
    }
  }
}

// F34: what the work makes of the request counts, as at the deadline.
TEST_P(TimeoutTest, GivesTheResultThatIsTheAnswerToACancel) {
  Answering<int> completing(context_);
  Future<int> waiting = wait(completing.future(complete), seconds(1));
  Answering<int> failing(context_);
  Future<int> broken = wait(failing.future(fail<int>), seconds(1));
  Answering<int> completingToo(context_);
  const Future<int> completed = completingToo.future(complete);
  Future<bool> inTime = withTimeout(completed, seconds(1));
  EXPECT_TRUE(waiting.tryCancel() && broken.tryCancel() && inTime.tryCancel());
  EXPECT_FALSE(waiting.finished() || broken.finished() || inTime.finished());
  settle();
  EXPECT_EQ(waiting.read(), 3);
  EXPECT_THROW(broken.read(), std::runtime_error);
  EXPECT_TRUE(inTime.read());
  EXPECT_EQ(completed.read(), 3);
}

// F34: one that was kept on the way, by a noCancel below, is not lost.
TEST_P(TimeoutTest, PassesARequestOnThatWasKept) {
  Future<> inner = slowToEnd();
  inner.cancelSoon();
  settle();
  EXPECT_EQ(cleanUps_, 1);
  Future<bool> inTime = withTimeout(inner, seconds(1));
  EXPECT_FALSE(inTime.tryCancel());
  inTime.cancelSoon();
  settleUntil(inTime);
  EXPECT_TRUE(inTime.read());
}

// F35
TEST_P(TimeoutTest, PassesAFailureOnAndStopsItsTimer) {
  Promise<int> promise(context_);
  Future<int> waiting = wait(promise.future(), seconds(1));
  Future<bool> inTime = withTimeout(promise.future(), seconds(1));
  promise.fail(std::runtime_error("broken"));
  EXPECT_THROW(waitFor(context_, waiting), std::runtime_error);
  EXPECT_TRUE(waitFor(context_, inTime));
  EXPECT_EQ(time_.elapsed(), Clock::duration::zero());
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

// F03: callbacks of others stay.
TEST_P(TimeoutTest, LeavesTheCallbacksOfOthers) {
  std::string text;
  Letter letters[] = {{text, 'a'}, {text, 'b'}};
  Promise<> promise(context_);
  const Future<> future = promise.future();
  const auto await = [](Future<> awaited) -> Future<> { co_await awaited; };
  promise.future().addCallback(Letter::write, &letters[0]);
  Future<bool> inTime = withTimeout(future, seconds(1));
  const Future<> made[] = {wait(future, seconds(1)), join(future),      noCancel(future),
                           future or future,         future and future, await(future)};
  asyncCheck(future);
  promise.future().addCallback(Letter::write, &letters[1]);
  promise.complete();
  settle();
  EXPECT_EQ(text, "ab");
  EXPECT_TRUE(inTime.read());
  for (const Future<>& each : made) EXPECT_TRUE(each.completed());
}

// F28: pending or finished, of one who shares it or not.
TEST_P(TimeoutTest, LeavesTheValueToOthersWhoHoldIt) {
  const auto value = [](FutureContext& context) -> Future<std::string> {
    co_await sleepAsync(context, milliseconds(1));
    co_return std::string(100, 'x');
  };
  for (const bool isFinished : {false, true}) {
    Future<std::string> shared = value(context_);
    if (isFinished) settleUntil(shared);
    EXPECT_EQ(waitFor(context_, wait(shared, seconds(1))), std::string(100, 'x'));
    EXPECT_EQ(waitFor(context_, noCancel(shared)), std::string(100, 'x'));
    EXPECT_EQ(shared.read(), std::string(100, 'x'));
  }
}

struct CountsCopies {
  CountsCopies() = default;
  CountsCopies(const CountsCopies& other) : copies(other.copies + 1) {}
  CountsCopies(CountsCopies&&) = default;
  CountsCopies& operator=(const CountsCopies&) = delete;
  ~CountsCopies() = default;
  int copies = 0;
};

// F28
TEST_P(TimeoutTest, TakesAValueThatNobodyElseHolds) {
  const auto value = [](FutureContext& context, milliseconds delay) -> Future<CountsCopies> {
    if (delay > milliseconds(0)) co_await sleepAsync(context, delay);
    co_return CountsCopies();
  };
  for (const milliseconds delay : {milliseconds(0), milliseconds(1)}) {
    EXPECT_EQ(waitFor(context_, wait(value(context_, delay), seconds(1))).copies, 0);
    EXPECT_EQ(waitFor(context_, noCancel(value(context_, delay))).copies, 0);
  }
  Promise<std::vector<std::unique_ptr<int>>> promise(context_);
  promise.complete(std::vector<std::unique_ptr<int>>(3));
  Future<std::vector<std::unique_ptr<int>>> future = promise.future();
  EXPECT_EQ(waitFor(context_, wait(future, seconds(1))).size(), 3U);
}

// As by co_await, though there are other handles.
TEST_P(TimeoutTest, TakesTheValueOfAnRvalue) {
  Promise<CountsCopies> promise(context_);
  const Future<CountsCopies> other = promise.future();
  promise.complete(CountsCopies());
  EXPECT_EQ(waitFor(context_, wait(promise.future(), seconds(1))).copies, 0);
  EXPECT_EQ(waitFor(context_, noCancel(promise.future())).copies, 0);
  EXPECT_EQ(waitFor(context_, promise.future()).copies, 0);
  EXPECT_EQ(waitFor(context_, wait(other, seconds(1))).copies, 1);
  EXPECT_EQ(waitFor(context_, noCancel(other)).copies, 1);
  EXPECT_EQ(waitFor(context_, other).copies, 1);
}

// Its copy constructor is declared, and does not compile.
struct SeemsCopyable {
  std::vector<std::unique_ptr<int>> items;
};
static_assert(std::is_copy_constructible_v<SeemsCopyable>);

TEST_P(TimeoutTest, TakesWhatOnlySeemsToBeCopyable) {
  const auto make = [](FutureContext& context) -> Future<SeemsCopyable> {
    co_await sleepAsync(context, milliseconds(1));
    co_return SeemsCopyable{std::vector<std::unique_ptr<int>>(3)};
  };
  EXPECT_EQ(waitFor(context_, wait(make(context_), seconds(1))).items.size(), 3U);
  EXPECT_EQ(waitFor(context_, wait(make(context_), time_.now() + seconds(1))).items.size(), 3U);
  EXPECT_EQ(waitFor(context_, noCancel(make(context_))).items.size(), 3U);
}

}  // namespace
}  // namespace kairos
