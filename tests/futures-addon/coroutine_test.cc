// SPDX-License-Identifier: MIT OR Apache-2.0
// Future as the return type of coroutines, and what they await.
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class CoroutineTest : public FutureTest {
 protected:
  // Writes a letter before and after it awaits `future`.
  Future<> around(Future<> future, char before, char after) {
    text_ += before;
    co_await future;
    text_ += after;
  }

  static Future<int> plusOne(Future<int> future) { co_return 1 + co_await std::move(future); }
  // A chain that is destroyed only when its outermost future is.
  static Future<int> plusOneKept(Future<int> future) { co_return 1 + co_await future; }

  std::string text_;
};

INSTANTIATE_TEST_SUITE_P(Backends, CoroutineTest, backends(), backendName);

// F54
TEST_P(CoroutineTest, RunsUpToTheFirstSuspensionInTheCall) {
  Promise<> promise(context_);
  Future<> future = around(promise.future(), 'a', 'b');
  EXPECT_EQ(text_, "a");
  promise.complete();
  EXPECT_EQ(text_, "a");
  settle();
  EXPECT_EQ(text_, "ab");
  EXPECT_TRUE(future.completed());
}

// F08
TEST_P(CoroutineTest, DoesNotGoThroughTheLoopForWhatIsReady) {
  Promise<int> promise(context_);
  promise.complete(1);
  Future<int> future = plusOne(plusOne(plusOne(promise.future())));
  ASSERT_TRUE(future.finished());
  EXPECT_EQ(future.read(), 4);
}

// F55
TEST_P(CoroutineTest, RunsSeveralAtOnce) {
  Future<> first = around(sleepAsync(context_, milliseconds(100)), 'a', 'A');
  Future<> second = around(sleepAsync(context_, milliseconds(100)), 'b', 'B');
  waitFor(context_, first);
  waitFor(context_, second);
  EXPECT_EQ(text_, "abAB");
  EXPECT_EQ(time_.elapsed(), milliseconds(100));
}

Future<std::unique_ptr<int>> boxed(FutureContext& context, int value) {
  co_await sleepAsync(context, milliseconds(1));
  co_return std::make_unique<int>(value);
}

int sum(int a, const std::unique_ptr<int>& b) { return a + *b; }

Future<int> expressions(FutureContext& context) {
  int total = sum(1, co_await boxed(context, 2));
  if (*co_await boxed(context, 1) == 1) total += 10;
  while (*co_await boxed(context, total) < 20) ++total;
  co_return total;
}

// F56
TEST_P(CoroutineTest, AwaitsAnywhereInAnExpression) {
  EXPECT_EQ(waitFor(context_, expressions(context_)), 20);
}

Future<int> level(FutureContext& context, int depth) {
  if (depth > 0) co_return 1 + co_await level(context, depth - 1);
  co_await sleepAsync(context, milliseconds(1));
  throw std::out_of_range("from below");
}

// F57
TEST_P(CoroutineTest, ThrowsAcrossLevels) {
  try {
    waitFor(context_, level(context_, 10));
    ADD_FAILURE() << "nothing was thrown";
  } catch (const std::out_of_range& error) {
    EXPECT_STREQ(error.what(), "from below");
  }
}

// F59b
TEST_P(CoroutineTest, ResumesAllWhoAwaitOneFutureInOrder) {
  Future<> sleep = sleepAsync(context_, milliseconds(5));
  std::vector<Future<>> all;
  for (char letter : {'1', '2', '3'}) all.push_back(around(sleep, letter, letter));
  settleUntil(sleep);
  settle();
  EXPECT_EQ(text_, "123123");
  for (Future<>& future : all) EXPECT_TRUE(future.completed());
}

// F07, IF8
TEST_P(CoroutineTest, NeedsNoStackForChainsOfAwaits) {
  constexpr int depth = 1'000'000;
  Promise<int> promise(context_);
  Future<int> future = promise.future();
  for (int i = 0; i < depth; ++i) future = plusOne(std::move(future));
  promise.complete(0);
  EXPECT_EQ(waitFor(context_, std::move(future)), depth);
}

// IF8
TEST_P(CoroutineTest, NeedsNoStackToDestroyAChain) {
  constexpr int depth = 1'000'000;
  Promise<int> promise(context_);
  Future<int> future = promise.future();
  for (int i = 0; i < depth; ++i) future = plusOneKept(std::move(future));
  promise.complete(0);
  EXPECT_EQ(waitFor(context_, std::move(future)), depth);
}

Future<int> awaitManyTimes(FutureContext& context, int times) {
  Promise<int> ready(context);
  ready.complete(1);
  Future<int> one = ready.future();
  int total = 0;
  for (int i = 0; i < times; ++i) total += co_await one;
  co_return total;
}

// F07
TEST_P(CoroutineTest, NeedsNoStackForManyReadyAwaits) {
  Future<int> future = awaitManyTimes(context_, 1'000'000);
  ASSERT_TRUE(future.finished());
  EXPECT_EQ(future.read(), 1'000'000);
}

}  // namespace
}  // namespace kairos
