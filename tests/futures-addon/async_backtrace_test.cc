// SPDX-License-Identifier: MIT OR Apache-2.0
// Who waits for a future, up to the outermost. Tracking is on.
#include <string>
#include <vector>

#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/diagnostics.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class AsyncBacktraceTest : public FutureTest {
 protected:
  // A line for each: its level, its kind and, of a coroutine, the function.
  static std::vector<std::string> backtrace(const FutureBase& future) {
    std::vector<std::string> lines;
    for (const AwaiterInfo& awaiter : awaitersOf(future)) {
      std::string line = std::to_string(awaiter.level) + ' ' + awaiter.future.kind;
      if (line.ends_with("coroutine")) line += std::string(" ") + awaiter.future.created.function;
      lines.push_back(line);
    }
    return lines;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, AsyncBacktraceTest, backends(), backendName);

using Lines = std::vector<std::string>;

Future<> inner(Future<> future) { co_await future; }
Future<> middle(Future<> future) { co_await withTimeout(inner(future), seconds(9)); }
Future<> outer(Future<> future) { co_await allFutures(middle(future)); }

// F52
TEST_P(AsyncBacktraceTest, ListsAwaitersUpToTheRoot) {
  Promise<> promise(context_);
  const Future<> root = join(noCancel(wait(outer(promise.future()), seconds(9))));
  EXPECT_EQ(backtrace(promise.future()),
            (Lines{"1 coroutine inner", "2 withTimeout", "3 coroutine middle", "4 allFutures",
                   "5 coroutine outer", "6 wait", "7 noCancel", "8 join"}));
  EXPECT_TRUE(backtrace(root).empty());
  promise.complete();
  EXPECT_TRUE(backtrace(promise.future()).empty());
  settleUntil(root);
}

// F52: where each of them stands.
TEST_P(AsyncBacktraceTest, TellsWhereEachAwaits) {
  Promise<> promise(context_);
  const Future<> root = inner(inner(promise.future()));
  const std::vector<AwaiterInfo> awaiters = awaitersOf(promise.future());
  ASSERT_EQ(awaiters.size(), 2U);
  for (const AwaiterInfo& awaiter : awaiters) {
    EXPECT_EQ(awaiter.future.awaitsAt.line, awaiter.future.created.line);  // it has one line
    EXPECT_FALSE(awaiter.future.isRunning);
  }
  const std::string text = toText(awaiters);
  EXPECT_EQ(text.find("1: coroutine inner at "), 0U) << text;
  EXPECT_NE(text.find("\n2: coroutine inner at "), std::string::npos) << text;
  promise.complete();
  settleUntil(root);
}

TEST_P(AsyncBacktraceTest, FollowsEachOfSeveral) {
  Promise<> promise(context_);
  const Future<> first = inner(inner(promise.future()));
  const Future<> second = middle(promise.future());
  EXPECT_EQ(backtrace(promise.future()),
            (Lines{"1 coroutine inner", "2 coroutine inner", "1 coroutine inner", "2 withTimeout",
                   "3 coroutine middle"}));
  promise.complete();
  settleUntil(second);
  EXPECT_TRUE(first.completed());
}

TEST_P(AsyncBacktraceTest, ShowsWhatIsBehindASharedAwaiterOnce) {
  Promise<> promise(context_);
  const Future<> root = inner(promise.future() and promise.future());
  EXPECT_EQ(backtrace(promise.future()), (Lines{"1 and", "2 coroutine inner", "1 and"}));
  promise.complete();
  settleUntil(root);
}

TEST_P(AsyncBacktraceTest, NamesThePairs) {
  Promise<> promise(context_);
  const Future<> other = sleepAsync(context_, seconds(1));
  const Future<> root = inner((promise.future() or other) and other);
  EXPECT_EQ(backtrace(promise.future()), (Lines{"1 or", "2 and", "3 coroutine inner"}));
  promise.complete();
  settleUntil(root);
}

TEST_P(AsyncBacktraceTest, EndsAtCallbacks) {
  Promise<> promise(context_);
  std::string text;
  Letter letter{text, 'a'};
  promise.future().addCallback(Letter::write, &letter);
  EXPECT_EQ(backtrace(promise.future()), Lines{"1 callback"});
  EXPECT_EQ(toText(awaitersOf(promise.future())), "1: callback\n");
  promise.complete();
  settle();
  EXPECT_EQ(text, "a");
}

TEST_P(AsyncBacktraceTest, LeavesOutWhoHasGone) {
  Promise<> promise(context_);
  Future<> limited = join(promise.future());
  const Future<> stays = inner(promise.future());
  EXPECT_TRUE(limited.tryCancel());
  EXPECT_EQ(backtrace(promise.future()), Lines{"1 coroutine inner"});
  promise.complete();
  settleUntil(stays);
}

TEST_P(AsyncBacktraceTest, NeedsNoStackForADeepChain) {
  constexpr std::size_t depth = 100'000;
  Promise<> promise(context_);
  Future<> root = promise.future();
  for (std::size_t i = 0; i < depth; ++i) root = inner(std::move(root));
  const std::vector<AwaiterInfo> awaiters = awaitersOf(promise.future());
  ASSERT_EQ(awaiters.size(), depth);
  EXPECT_EQ(awaiters.back().level, depth);
  promise.complete();
  settleUntil(root);
}

}  // namespace
}  // namespace kairos
