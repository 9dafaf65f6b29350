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

Future<> guarded(Future<> inner, std::string& text) {
  struct Guard {
    ~Guard() { text += 'g'; }
    std::string& text;
  };
  const Guard guard{text};
  try {
    co_await inner;
    text += '1';
  } catch (const std::runtime_error&) {
    text += 'e';
  }
  co_await inner;
  text += '2';
}

// F59
TEST_P(CoroutineTest, RunsGuardsOnceAndHandlersExactly) {
  Promise<> good(context_);
  Future<> future = guarded(good.future(), text_);
  good.complete();
  waitFor(context_, future);
  EXPECT_EQ(text_, "12g");

  text_.clear();
  Promise<> bad(context_);
  future = guarded(bad.future(), text_);
  bad.fail(std::runtime_error("broken"));
  EXPECT_THROW(waitFor(context_, future), std::runtime_error);
  EXPECT_EQ(text_, "eg");
}

// F44: what is dropped runs on.
TEST_P(CoroutineTest, RunsOnWhenItsHandleIsDropped) {
  Promise<> promise(context_);
  static_cast<void>(around(promise.future(), 'a', 'b'));
  promise.complete();
  settle();
  EXPECT_EQ(text_, "ab");
}

// F44: and is destroyed, with what is in it, when the last handle goes.
TEST_P(CoroutineTest, LivesAsLongAsAHandle) {
  struct Local {
    static Future<> keep(FutureContext& context, std::shared_ptr<int>) {
      co_await sleepAsync(context, milliseconds(1));
    }
  };
  auto parameter = std::make_shared<int>(1);
  Future<> future = Local::keep(context_, parameter);
  waitFor(context_, future);
  EXPECT_EQ(parameter.use_count(), 2);
  future = Future<>();
  EXPECT_EQ(parameter.use_count(), 1);
}

class Session {
 public:
  explicit Session(FutureContext& context) : context_(context) {}
  FutureContext& futureContext() const { return context_; }
  Future<int> answer(int value) { co_return value; }

 private:
  FutureContext& context_;
};

// The context of an object whose member it is, too.
TEST_P(CoroutineTest, FindsAContextInItsArguments) {
  const std::size_t before = context_.liveBlocks();
  Session session(context_);
  Future<int> member = session.answer(3);
  EXPECT_EQ(context_.liveBlocks(), before + 1);
  Future<int> ofFuture = plusOne(member);
  EXPECT_EQ(context_.liveBlocks(), before + 2);
  EXPECT_EQ(ofFuture.read(), 4);
}

}  // namespace
}  // namespace kairos
