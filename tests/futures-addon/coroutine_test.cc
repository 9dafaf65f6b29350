// SPDX-License-Identifier: MIT OR Apache-2.0
// Future as the return type of coroutines, and what they await.
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
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

// Counts when its block is left.
struct Counts {
  ~Counts() { ++count; }
  int& count;
};

Future<int> returnInside(Future<> future, int& flags) {
  const Counts outside{flags};
  try {
    const Counts inside{flags};
    co_await future;
    ++flags;
    co_return flags;
  } catch (const std::exception&) {
    flags = -1;
  }
  co_return flags;
}

// F59: a return between guards passes all of them, and gives what there was before.
TEST_P(CoroutineTest, RunsTheGuardsAroundAReturn) {
  for (const bool isReady : {false, true}) {
    int flags = 0;
    Promise<> promise(context_);
    if (isReady) promise.complete();
    Future<int> future = returnInside(promise.future(), flags);
    if (!isReady) promise.complete();
    EXPECT_EQ(waitFor(context_, future), 1);
    EXPECT_EQ(flags, 3);
  }
}

// What a language with a finally writes into that.
Future<> cleanUpAfter(Future<> work, Future<> cleaning, int& flags) {
  std::exception_ptr error;
  try {
    co_await work;
  } catch (...) {
    ++flags;
    error = std::current_exception();
  }
  ++flags;
  co_await cleaning;
  ++flags;
  if (error) std::rethrow_exception(error);
}

// F59
TEST_P(CoroutineTest, AwaitsWhileItCleansUpAndKeepsItsError) {
  for (const bool isCancelled : {false, true}) {
    int flags = 0;
    Promise<> work(context_);
    Promise<> cleaning(context_);
    Future<> future = cleanUpAfter(work.future(), cleaning.future(), flags);
    isCancelled ? future.cancelSoon() : static_cast<void>(work.fail(std::out_of_range("work")));
    settle();
    EXPECT_EQ(flags, 2);
    EXPECT_FALSE(future.finished());
    cleaning.complete();
    settle();
    EXPECT_EQ(flags, 3);
    if (isCancelled) {
      EXPECT_THROW(future.read(), CancelledError);
    } else {
      EXPECT_THROW(future.read(), std::out_of_range);
    }
  }
}

using Threads = std::vector<std::thread::id>;

// Says where it is destroyed.
struct TellsItsThread {
  ~TellsItsThread() { threads.push_back(std::this_thread::get_id()); }
  Threads& threads;
};

Future<> guardLevels(FutureContext& context, int levels, Threads& threads) {
  const TellsItsThread guard{threads};
  if (levels > 1) co_return co_await guardLevels(context, levels - 1, threads);
  co_await sleepAsync(context, seconds(1));
}

// F59: by a request, by the end of the context, with handles that stay and without.
TEST_P(CoroutineTest, RunsTheGuardsOfCancelledFramesOnceOnTheThreadOfTheLoop) {
  const Threads here(3, std::this_thread::get_id());
  Threads threads;
  {
    Future<> cancelled = guardLevels(context_, 3, threads);
    EXPECT_TRUE(cancelled.tryCancel());
    EXPECT_EQ(threads, Threads()) << "never inside the call";
    settle();
    EXPECT_TRUE(cancelled.cancelled());
    EXPECT_EQ(threads, here);
  }
  EXPECT_EQ(threads, here);
  threads.clear();
  {
    std::optional<FutureContext> ended(reactor_);
    const Future<> kept = guardLevels(*ended, 2, threads);
    static_cast<void>(guardLevels(*ended, 1, threads));
    ended.reset();
    EXPECT_EQ(threads, here);
  }
  EXPECT_EQ(threads, here);
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
