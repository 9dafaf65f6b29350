// SPDX-License-Identifier: MIT OR Apache-2.0
// What is pending, with the place where it was made, one by one and counted. Tracking is on.
#include "kairos/futures-addon/diagnostics.h"

#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "kairos/futures-addon/async_lock.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

static_assert(diagnosticsEnabled());

class DiagnosticsTest : public FutureTest {
 protected:
  ~DiagnosticsTest() override { EXPECT_EQ(counts().pending, 0U); }

  FutureCounts counts() const { return futureCounts(context_); }
  std::vector<FutureInfo> pending() const { return pendingFutures(context_); }
  std::vector<std::string> kinds() const {
    std::vector<std::string> kinds;
    for (const FutureInfo& future : pending()) kinds.emplace_back(future.kind);
    return kinds;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, DiagnosticsTest, backends(), backendName);

// F50
TEST_P(DiagnosticsTest, TellsThePlaceOfAPromise) {
  const unsigned line = __LINE__ + 1;
  Promise<> promise(context_);
  ASSERT_EQ(pending().size(), 1U);
  const FutureInfo future = pending()[0];
  EXPECT_STREQ(future.kind, "Promise");
  EXPECT_EQ(future.created.line, line);
  EXPECT_NE(std::string(future.created.file).find("diagnostics_test.cc"), std::string::npos);
  EXPECT_STREQ(future.created.function, "TestBody");
  EXPECT_EQ(future.awaitsAt.line, 0U);
  EXPECT_FALSE(future.isRunning);
  EXPECT_EQ(future.number, 1U);
  promise.complete();
}

// F50
TEST_P(DiagnosticsTest, CountsWhatIsMadeAndHowItEnds) {
  Promise<int> completed(context_);
  Promise<int> failed(context_);
  Promise<int> cancelled(context_);
  EXPECT_EQ(counts().created, 3U);
  EXPECT_EQ(counts().pending, 3U);
  const Future<int> unread = failed.future();
  completed.complete(1);
  EXPECT_EQ(counts().completed, 1U);
  EXPECT_EQ(counts().pending, 2U);
  failed.fail(std::runtime_error("broken"));
  EXPECT_EQ(counts().failed, 1U);
  EXPECT_EQ(counts().pending, 1U);
  cancelled.cancel();
  EXPECT_EQ(counts().cancelled, 1U);
  EXPECT_EQ(counts().pending, 0U);
  EXPECT_TRUE(pending().empty());
  EXPECT_THROW(std::rethrow_exception(unread.readError()), std::runtime_error);
}

TEST_P(DiagnosticsTest, CountsAPromiseThatNobodyCouldReadAsDropped) {
  { const Promise<> promise(context_); }
  EXPECT_EQ(counts().dropped, 1U);
  EXPECT_EQ(counts().pending, 0U);
}

constexpr unsigned firstAwait = __LINE__ + 2;
Future<> waitTwice(Future<> first, Future<> second) {
  co_await first;
  co_await second;
}

// F50: a coroutine is told by its function, and where it stands.
TEST_P(DiagnosticsTest, TellsWhereACoroutineAwaits) {
  Promise<> first(context_);
  Promise<> second(context_);
  const Future<> future = waitTwice(first.future(), second.future());
  ASSERT_EQ(kinds(), (std::vector<std::string>{"Promise", "Promise", "coroutine"}));
  EXPECT_STREQ(pending()[2].created.function, "waitTwice");
  EXPECT_EQ(pending()[2].awaitsAt.line, firstAwait);
  EXPECT_FALSE(pending()[2].isRunning);
  first.complete();
  settle();
  ASSERT_EQ(kinds(), (std::vector<std::string>{"Promise", "coroutine"}));
  EXPECT_EQ(pending()[1].awaitsAt.line, firstAwait + 1);
  second.complete();
  settle();
  EXPECT_TRUE(pending().empty());
  EXPECT_TRUE(future.completed());
}

Future<std::vector<FutureInfo>> lookAtItself(FutureContext& context) {
  co_return pendingFutures(context);
}

TEST_P(DiagnosticsTest, ShowsACoroutineThatRuns) {
  Future<std::vector<FutureInfo>> future = lookAtItself(context_);
  ASSERT_EQ(future.read().size(), 1U);
  EXPECT_TRUE(future.read()[0].isRunning);
  EXPECT_STREQ(future.read()[0].created.function, "lookAtItself");
  EXPECT_EQ(counts().completed, 1U);
}

TEST_P(DiagnosticsTest, ShowsARequestToCancelThatWaits) {
  const Future<> sleep = sleepAsync(context_, seconds(1));
  Future<> future = waitTwice(noCancel(sleep), sleep);
  future.cancelSoon();
  ASSERT_EQ(kinds().back(), "coroutine");
  EXPECT_TRUE(pending().back().isAskedToCancel);
  settleUntil(future);
}

TEST_P(DiagnosticsTest, NamesWhatMadeAFuture) {
  Promise<> promise(context_);
  const Future<> future = promise.future();
  const std::vector<FutureBase> all{
      sleepAsync(context_, seconds(1)),
      withTimeout(future, seconds(2)),
      wait(future, seconds(2)),
      noCancel(future),
      join(future),
      allFutures(future),
      allFinished(context_, std::vector<Future<>>{future}),
      one(context_, std::vector<Future<>>{future}),
      future and future,
      future or future,
  };
  EXPECT_EQ(kinds(),
            (std::vector<std::string>{"Promise", "sleepAsync", "withTimeout", "wait", "noCancel",
                                      "join", "allFutures", "allFinished", "one", "and", "or"}));
  promise.complete();
  settleUntil(allFutures(context_, all));
}

TEST_P(DiagnosticsTest, NamesARaceAndTheEndOfSeveral) {
  Promise<> promise(context_);
  const Future<FutureBase> first = race(context_, {promise.future(), promise.future()});
  EXPECT_EQ(kinds(), (std::vector<std::string>{"Promise", "race"}));
  const std::vector<Future<>> sleeps{sleepAsync(context_, seconds(1))};
  const Future<> ended = cancelAndWait(context_, sleeps);
  EXPECT_EQ(kinds(), (std::vector<std::string>{"Promise", "race", "cancelAndWait"}));
  promise.complete();
  settleUntil(ended);
  settleUntil(first);
}

// F50: also of what is made by an operator, or of any number of futures.
TEST_P(DiagnosticsTest, TellsThePlacesOfPairsAndGroups) {
  Promise<> promise(context_);
  const Future<> future = promise.future();
  const unsigned line = __LINE__ + 1;
  const Future<> both = future and future;
  const Future<> either = promise.future() or future;
  const Future<> joined = allFutures(future, promise.future());
  const std::vector<FutureInfo> all = pending();
  ASSERT_EQ(all.size(), 4U);
  for (unsigned i = 1; i < 4; ++i) {
    EXPECT_EQ(all[i].created.line, line + i - 1) << all[i].kind;
    EXPECT_STREQ(all[i].created.function, "TestBody");
  }
  promise.complete();
  settle();
  EXPECT_TRUE(both.completed() && either.completed() && joined.completed());
}

constexpr unsigned lockAwait = __LINE__ + 2;
Future<> lockForAWhile(FutureContext& context, AsyncLock& lock) {
  auto guard = co_await lock.guard();
  co_await sleepAsync(context, seconds(1));
}

// What is awaited need not be a future.
TEST_P(DiagnosticsTest, TellsWhoWaitsForALock) {
  AsyncLock lock(context_);
  const Future<> first = lockForAWhile(context_, lock);
  const Future<> second = lockForAWhile(context_, lock);
  EXPECT_EQ(pending()[0].awaitsAt.line, lockAwait + 1);
  EXPECT_EQ(pending().back().awaitsAt.line, lockAwait);
  settleUntil(second);
}

Future<> makeLater(Future<> future) { co_await future; }

TEST_P(DiagnosticsTest, CountsACoroutineWithoutContextFromTheTimeThatItHasOne) {
  const auto unbound = [](FutureContext** context) -> Future<> {
    EXPECT_EQ(futureCounts(**context).created, 0U);
    co_await sleepAsync(**context, seconds(1));
  };
  FutureContext* context = &context_;
  const Future<> future = unbound(&context);
  EXPECT_EQ(kinds(), (std::vector<std::string>{"sleepAsync", "coroutine"}));
  settleUntil(future);
  EXPECT_EQ(counts().created, 2U);
  EXPECT_EQ(counts().completed, 2U);
}

// F51
TEST_P(DiagnosticsTest, CountsByPlace) {
  std::vector<Future<>> sleeps;
  for (int i = 0; i < 5; ++i) sleeps.push_back(sleepAsync(context_, seconds(1)));
  sleeps.push_back(sleepAsync(context_, seconds(2)));
  const std::vector<FutureGroup> groups = futuresInProgress(context_);
  ASSERT_EQ(groups.size(), 2U);
  EXPECT_EQ(groups[0].count, 5U);
  EXPECT_EQ(groups[1].count, 1U);
  EXPECT_EQ(groups[1].created.line, groups[0].created.line + 1);
  EXPECT_STREQ(groups[0].kind, "sleepAsync");
  settleUntil(sleeps.back());
}

// F51: std's table keeps keys whose count has come to zero.
TEST_P(DiagnosticsTest, ForgetsAPlaceOfWhichNothingIsPending) {
  Future<> sleep = sleepAsync(context_, seconds(1));
  Promise<> promise(context_);
  EXPECT_EQ(futuresInProgress(context_).size(), 2U);
  EXPECT_TRUE(sleep.tryCancel());
  ASSERT_EQ(futuresInProgress(context_).size(), 1U);
  EXPECT_STREQ(futuresInProgress(context_)[0].kind, "Promise");
  promise.complete();
  EXPECT_TRUE(futuresInProgress(context_).empty());
}

TEST_P(DiagnosticsTest, OutlivesItsContext) {
  FutureBase held;
  {
    FutureContext other(reactor_);
    held = makeLater(noCancel(sleepAsync(other, seconds(1))));
    EXPECT_EQ(futureCounts(other).pending, 3U);
  }
  EXPECT_TRUE(held.finished());
  EXPECT_TRUE(awaitersOf(held).empty());
}

TEST_P(DiagnosticsTest, TellsPeopleWhatIsPending) {
  Promise<> promise(context_);
  const Future<> future = waitTwice(promise.future(), promise.future());
  const std::string text = toText(futuresInProgress(context_));
  EXPECT_NE(text.find("1 x coroutine waitTwice at "), std::string::npos) << text;
  EXPECT_NE(toText(pending()[1]).find(", awaits at line " + std::to_string(firstAwait)),
            std::string::npos);
  promise.complete();
  settle();
}

// F50: whatever happens, the sums are right.
TEST_P(DiagnosticsTest, CountsRandomHistories) {
  const unsigned seed = 20'240'517;
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  context_.setUnhandledErrorCallback([](void*) {}, nullptr);
  std::vector<Promise<>> promises;
  std::vector<Future<>> futures;
  std::uint64_t created = 0;
  for (int step = 0; step < 3000; ++step) {
    const std::size_t at = promises.empty() ? 0 : random() % promises.size();
    switch (promises.empty() ? 0 : random() % 6) {
      case 0:
      case 1:
        promises.emplace_back(context_);
        futures.push_back(makeLater(promises.back().future()));
        created += 2;
        break;
      case 2:
        if (!promises[at].finished()) promises[at].complete();
        break;
      case 3:
        if (!promises[at].finished()) promises[at].fail(std::runtime_error("broken"));
        break;
      case 4:
        futures[at].cancelSoon();
        break;
      default:
        promises.erase(promises.begin() + static_cast<std::ptrdiff_t>(at));
        futures.erase(futures.begin() + static_cast<std::ptrdiff_t>(at));
        settle();
    }
    const FutureCounts now = counts();
    ASSERT_EQ(now.created, created);
    if (step % 100 != 0) continue;
    ASSERT_EQ(now.pending, pending().size());
    std::size_t grouped = 0;
    for (const FutureGroup& group : futuresInProgress(context_)) grouped += group.count;
    ASSERT_EQ(grouped, now.pending);
  }
  promises.clear();
  futures.clear();
  settle();
  const FutureCounts last = counts();
  EXPECT_EQ(last.created, last.completed + last.failed + last.cancelled + last.dropped);
}

}  // namespace
}  // namespace kairos
