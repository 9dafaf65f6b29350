// SPDX-License-Identifier: MIT OR Apache-2.0
// What becomes of a request to cancel.
#include "kairos/futures-addon/cancel.h"

#include <stdexcept>
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class CancelTest : public FutureTest {
 protected:
  // One level of a chain: writes a letter when it goes on normally, a capital when it is cancelled.
  Future<> level(Future<> inner, char letter) {
    try {
      co_await inner;
      text_ += letter;
    } catch (const CancelledError&) {
      text_ += static_cast<char>(letter - 'a' + 'A');
      throw;
    }
  }

  Future<> chain(Future<> leaf) { return level(level(level(std::move(leaf), 'a'), 'b'), 'c'); }

  std::string text_;
};

INSTANTIATE_TEST_SUITE_P(Backends, CancelTest, backends(), backendName);

// F20, F38
TEST_P(CancelTest, TravelsToTheInnermostAndComesBackLevelByLevel) {
  Future<> sleep = sleepAsync(context_, seconds(1));
  Future<> outer = level(chain(sleep), 'd');
  EXPECT_TRUE(outer.tryCancel());
  EXPECT_TRUE(sleep.cancelled());
  EXPECT_FALSE(outer.finished());
  EXPECT_EQ(text_, "");
  EXPECT_THROW(waitFor(context_, outer), CancelledError);
  EXPECT_TRUE(outer.cancelled());
  EXPECT_EQ(text_, "ABCD");
  EXPECT_EQ(time_.elapsed(), Clock::duration::zero());
}

// F38: also where limits of time are in between.
TEST_P(CancelTest, ComesBackThroughLimitsLevelByLevel) {
  Future<> leaf = level(sleepAsync(context_, seconds(1)), 'a');
  Future<> second = level(wait(leaf, seconds(10)), 'b');
  Future<bool> limited = withTimeout(level(second, 'c'), seconds(10));
  const auto awaitLimit = [this](Future<bool> inner) -> Future<> {
    try {
      co_await inner;
    } catch (const CancelledError&) {
      text_ += 'D';
      throw;
    }
  };
  Future<> outer = level(awaitLimit(limited), 'e');
  EXPECT_TRUE(outer.tryCancel());
  EXPECT_FALSE(outer.finished());
  settle();
  EXPECT_TRUE(outer.cancelled());
  EXPECT_EQ(text_, "ABCDE");
  EXPECT_EQ(time_.elapsed(), Clock::duration::zero());
}

// F21
TEST_P(CancelTest, WaitsForTheWholeChain) {
  Future<> outer = chain(sleepAsync(context_, seconds(1)));
  Future<> done = cancelAndWait(outer);
  EXPECT_FALSE(done.finished());
  waitFor(context_, done);
  EXPECT_TRUE(outer.cancelled());
  EXPECT_EQ(text_, "ABC");
}

// F21
TEST_P(CancelTest, HasNothingToWaitForWhenAllIsFinished) {
  Promise<> promise(context_);
  promise.complete();
  EXPECT_TRUE(cancelAndWait(promise.future()).completed());
  EXPECT_FALSE(promise.future().tryCancel());
}

// F21
TEST_P(CancelTest, CancelsAllOfSeveralAndWaitsForThem) {
  EXPECT_TRUE(cancelAndWait(context_, std::vector<Future<>>()).completed());
  const std::vector<Future<>> both{chain(sleepAsync(context_, seconds(1))),
                                   chain(sleepAsync(context_, seconds(2)))};
  Future<> done = cancelAndWait(context_, both);
  EXPECT_FALSE(done.finished());
  EXPECT_FALSE(done.tryCancel());
  waitFor(context_, done);
  for (const Future<>& each : both) EXPECT_TRUE(each.cancelled());
  EXPECT_EQ(time_.elapsed(), Clock::duration::zero());
}

// F22
TEST_P(CancelTest, LeavesALeafThatIsFinished) {
  Promise<> completed(context_);
  completed.complete();
  Promise<> failed(context_);
  failed.fail(std::runtime_error("broken"));
  for (const bool isDeep : {false, true}) {
    Future<> good = isDeep ? chain(completed.future()) : completed.future();
    EXPECT_FALSE(good.tryCancel());
    EXPECT_TRUE(good.completed());
    Future<> bad = isDeep ? chain(failed.future()) : failed.future();
    EXPECT_FALSE(bad.tryCancel());
    EXPECT_THROW(bad.read(), std::runtime_error);
  }
}

// F22
TEST_P(CancelTest, CancelsALeafThatIsPendingOrFindsItCancelled) {
  for (const bool isDeep : {false, true}) {
    Promise<> pending(context_);
    Future<> future = isDeep ? chain(pending.future()) : pending.future();
    EXPECT_TRUE(future.tryCancel());
    settle();
    EXPECT_TRUE(future.cancelled());

    Promise<> cancelled(context_);
    cancelled.cancel();
    Future<> other = isDeep ? chain(cancelled.future()) : cancelled.future();
    EXPECT_FALSE(other.tryCancel());
    EXPECT_TRUE(other.cancelled());
  }
}

Future<int> swallow(Future<> inner) {
  try {
    co_await inner;
  } catch (const CancelledError&) {
    co_return 1;
  }
  co_return 0;
}

Future<> awaitBoth(Future<> first, const Future<>& second) {
  co_await std::move(first);
  co_await second;
}

// What waits for itself has no innermost, and a request ends all the same.
TEST_P(CancelTest, FindsNothingToCancelInACircle) {
  Promise<> promise(context_);
  Future<> around;
  Future<> self = awaitBoth(promise.future(), around);
  around = wait(self, Reactor::forever);
  promise.complete();
  settle();
  EXPECT_FALSE(self.tryCancel());
  self.cancelSoon();
  EXPECT_TRUE(around.tryCancel()) << "this can end by itself";
  settle();
  EXPECT_TRUE(self.cancelled() && around.cancelled());
}

// F23
TEST_P(CancelTest, MayBeTakenByWhoAwaits) {
  Future<int> future = swallow(sleepAsync(context_, seconds(1)));
  future.cancelSoon();
  EXPECT_EQ(waitFor(context_, future), 1);
  EXPECT_TRUE(future.completed());
}

Future<> inPhases(FutureContext& context, std::string& text) {
  co_await noCancel(sleepAsync(context, milliseconds(10)));
  text += '1';
  co_await noCancel(sleepAsync(context, milliseconds(10)));
  text += '2';
  co_await sleepAsync(context, milliseconds(10));
  text += '3';
}

Future<> endlessPhases(FutureContext& context, std::string& text) {
  for (;;) {
    co_await noCancel(sleepAsync(context, milliseconds(10)));
    text += 'n';
    co_await sleepAsync(context, milliseconds(10));
    text += 's';
  }
}

Future<> outside(Future<> inner) { co_await inner; }

// F24
TEST_P(CancelTest, WaitsForTheNextAwaitThatCanBeCancelled) {
  for (const bool isDeep : {false, true}) {
    text_.clear();
    Future<> future = inPhases(context_, text_);
    if (isDeep) future = outside(outside(std::move(future)));
    EXPECT_FALSE(future.tryCancel());
    future.cancelSoon();
    EXPECT_THROW(waitFor(context_, future), CancelledError);
    EXPECT_EQ(text_, "12");
  }
}

// F24
TEST_P(CancelTest, EndsALoopInASecondOne) {
  Future<> future = endlessPhases(context_, text_);
  settleUntil(sleepAsync(context_, milliseconds(45)));
  EXPECT_EQ(text_, "nsns");
  waitFor(context_, cancelAndWait(future));
  EXPECT_TRUE(future.cancelled());
  EXPECT_EQ(text_, "nsnsn");
}

// F24: an undelivered request passes from a coroutine that ends to the one that awaits it.
TEST_P(CancelTest, PassesFromAChildThatEndsToItsParent) {
  struct Local {
    static Future<> child(FutureContext& context) {
      co_await noCancel(sleepAsync(context, milliseconds(10)));
    }
    static Future<> parent(FutureContext& context, std::string& text) {
      co_await child(context);
      text += 'c';
      co_await sleepAsync(context, milliseconds(10));
      text += 'p';
    }
  };
  Future<> future = Local::parent(context_, text_);
  future.cancelSoon();
  EXPECT_THROW(waitFor(context_, future), CancelledError);
  EXPECT_EQ(text_, "c");
}

// F24: a request is delivered once, also where several coroutines have kept it.
TEST_P(CancelTest, IsDeliveredOnce) {
  struct Local {
    static Future<> child(FutureContext& context) {
      co_await noCancel(sleepAsync(context, milliseconds(10)));
      try {
        co_await sleepAsync(context, milliseconds(10));
      } catch (const CancelledError&) {
      }
    }
    static Future<int> parent(FutureContext& context) {
      co_await child(context);
      co_await sleepAsync(context, milliseconds(10));
      co_return 7;
    }
  };
  Future<int> future = Local::parent(context_);
  future.cancelSoon();
  EXPECT_EQ(waitFor(context_, future), 7);
}

// F25
TEST_P(CancelTest, DoesNotSpinWhileARequestIsKept) {
  Future<> future = outside(noCancel(sleepAsync(context_, milliseconds(100))));
  time_.forget();
  future.cancelSoon();
  waitFor(context_, future);
  EXPECT_LE(time_.waits().size(), 5U);
}

// F26
TEST_P(CancelTest, PassesOutcomesThroughNoCancel) {
  Promise<int> promise(context_);
  Future<int> protectedOne = noCancel(promise.future());
  EXPECT_FALSE(protectedOne.tryCancel());
  promise.complete(5);
  EXPECT_EQ(waitFor(context_, protectedOne), 5);

  Promise<int> failing(context_);
  Future<int> other = noCancel(failing.future());
  failing.fail(std::runtime_error("broken"));
  EXPECT_THROW(waitFor(context_, other), std::runtime_error);
  EXPECT_THROW(noCancel(failing.future()).read(), std::runtime_error);

  Promise<int> cancelled(context_);
  Future<int> third = noCancel(cancelled.future());
  cancelled.cancel();
  EXPECT_THROW(waitFor(context_, third), CancelledError) << "as others have done";
}

// F27
TEST_P(CancelTest, LeavesWhatIsJoined) {
  Promise<int> promise(context_);
  Future<> joined = join(promise.future());
  EXPECT_TRUE(joined.tryCancel());
  EXPECT_TRUE(joined.cancelled());
  EXPECT_FALSE(promise.finished());

  Promise<int> left(context_);
  Future<> cancelled = join(left.future());
  EXPECT_TRUE(cancelled.tryCancel());
  settle();
  left.complete(1);
  EXPECT_EQ(poll(), 0U) << "nothing of it is left there";

  Future<> again = join(promise.future());
  promise.fail(std::runtime_error("broken"));
  waitFor(context_, again);
  EXPECT_TRUE(again.completed());
  EXPECT_THROW(promise.future().read(), std::runtime_error);
}

// A producer that decides for itself.
class Decider {
 public:
  explicit Decider(FutureContext& context) : promise_(context) {
    promise_.setCancelCallback(onCancel, this);
  }
  Promise<int>& promise() { return promise_; }
  int asked() const { return asked_; }
  void setDecision(void (*decision)(Promise<int>&)) { decision_ = decision; }

 private:
  static void onCancel(void* udata) {
    auto& self = *static_cast<Decider*>(udata);
    ++self.asked_;
    if (self.decision_ != nullptr) self.decision_(self.promise_);
  }

  Promise<int> promise_;
  int asked_ = 0;
  void (*decision_)(Promise<int>&) = nullptr;
};

// F40, F41
TEST_P(CancelTest, LetsACancelCallbackDecide) {
  Decider completing(context_);
  completing.setDecision([](Promise<int>& promise) { promise.complete(1); });
  EXPECT_TRUE(completing.promise().future().tryCancel());
  EXPECT_EQ(completing.asked(), 1);
  EXPECT_EQ(completing.promise().future().read(), 1);

  Decider failing(context_);
  failing.setDecision([](Promise<int>& promise) { promise.fail(std::runtime_error("no")); });
  EXPECT_TRUE(failing.promise().future().tryCancel());
  EXPECT_THROW(failing.promise().future().read(), std::runtime_error);

  Decider cancelling(context_);
  cancelling.setDecision([](Promise<int>& promise) { promise.cancel(); });
  EXPECT_TRUE(cancelling.promise().future().tryCancel());
  EXPECT_TRUE(cancelling.promise().future().cancelled());
}

// F41: released when the future is finished, however that was.
TEST_P(CancelTest, ForgetsACallbackWhenItsFutureIsFinished) {
  Decider completed(context_);
  Decider failed(context_);
  Decider cancelled(context_);
  completed.promise().complete(1);
  failed.promise().fail(std::runtime_error("broken"));
  cancelled.promise().cancel();
  EXPECT_THROW(failed.promise().future().read(), std::runtime_error);
  for (Decider* decider : {&completed, &failed, &cancelled}) {
    decider->promise().setCancelCallback(Probe::run, nullptr);  // this is forgotten at once
    decider->promise().future().cancelSoon();
    EXPECT_FALSE(decider->promise().future().tryCancel());
    EXPECT_EQ(decider->asked(), 0);
  }
  EXPECT_EQ(completed.promise().future().read(), 1);
}

// F40, F41
TEST_P(CancelTest, WaitsForACallbackThatIgnoresTheRequest) {
  Decider ignoring(context_);
  Future<int> future = ignoring.promise().future();
  Future<> done = cancelAndWait(future);
  future.cancelSoon();
  settle();
  EXPECT_EQ(ignoring.asked(), 1);
  EXPECT_FALSE(future.finished());
  EXPECT_FALSE(done.finished());
  ignoring.promise().complete(2);
  waitFor(context_, done);
  EXPECT_EQ(future.read(), 2);
}

Future<int> handle(FutureContext& context, Future<int> first, std::string& text) {
  const int value = co_await first;
  text += static_cast<char>('0' + value);
  co_await sleepAsync(context, seconds(1));
  text += 'x';
  co_return value;
}

// F42
TEST_P(CancelTest, LetsAScheduledCoroutineSeeItsValueFirst) {
  Promise<int> promise(context_);
  Future<int> future = handle(context_, promise.future(), text_);
  promise.complete(4);
  EXPECT_FALSE(future.tryCancel());
  future.cancelSoon();
  EXPECT_THROW(waitFor(context_, future), CancelledError);
  EXPECT_EQ(text_, "4");
  EXPECT_EQ(time_.elapsed(), Clock::duration::zero());
}

// F24: the request was for the first that suspends, and is used up.
TEST_P(CancelTest, ARequestThatWasKeptIsDeliveredOnce) {
  struct Local {
    static Future<int> takeTwice(FutureContext& context, AsyncQueue<int>& queue) {
      co_await noCancel(sleepAsync(context, milliseconds(1)));
      try {
        co_await queue.popFirst();
      } catch (const CancelledError&) {
      }
      co_return co_await queue.popFirst();
    }
  };
  AsyncQueue<int> queue(context_);
  Future<int> future = Local::takeTwice(context_, queue);
  future.cancelSoon();
  poll(Reactor::forever);
  settle();
  ASSERT_EQ(queue.waiters(), 1U);
  EXPECT_TRUE(queue.tryAddLast(3));
  settle();
  EXPECT_EQ(future.read(), 3);
}

// F58
TEST_P(CancelTest, AwaitsWithoutThrowing) {
  struct Local {
    static Future<std::string> inspect(Future<int> future) {
      const Future<int> finished = co_await noThrow(future);
      EXPECT_TRUE(finished == future);
      co_return finished.completed() ? "completed" : finished.failed() ? "failed" : "cancelled";
    }
  };
  Promise<int> completed(context_);
  Promise<int> failed(context_);
  Promise<int> cancelled(context_);
  auto first = Local::inspect(completed.future());
  auto second = Local::inspect(failed.future());
  auto third = Local::inspect(cancelled.future());
  completed.complete(1);
  failed.fail(std::runtime_error("seen by nobody else"));
  cancelled.cancel();
  EXPECT_EQ(waitFor(context_, first), "completed");
  EXPECT_EQ(waitFor(context_, second), "failed");
  EXPECT_EQ(waitFor(context_, third), "cancelled");
  EXPECT_EQ(completed.future().read(), 1) << "the value is left in it";
}

}  // namespace
}  // namespace kairos
