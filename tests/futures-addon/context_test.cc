// SPDX-License-Identifier: MIT OR Apache-2.0
// The end of a FutureContext, and coroutines with and without one.
#include <coroutine>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_event.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/futures-addon/manual_operation.h"

namespace kairos {
namespace {

// One whose context a test can end.
class ContextTest : public FutureTest {
 protected:
  ContextTest() { ended_.emplace(reactor_); }
  FutureContext& ended() { return *ended_; }
  void end() { ended_.reset(); }
  void beginAgain() { ended_.emplace(reactor_); }

 private:
  std::optional<FutureContext> ended_;
};

INSTANTIATE_TEST_SUITE_P(Backends, ContextTest, backends(), backendName);

struct Guard {
  explicit Guard(std::string& ofText, char ofSign) : text(ofText), sign(ofSign) {}
  ~Guard() { text += sign; }
  std::string& text;
  char sign;
};

Future<> sleepGuarded(FutureContext& context, std::string& text) {
  const Guard guard(text, 'g');
  co_await sleepAsync(context, seconds(1));
  text += 'x';
}

// F45
TEST_P(ContextTest, CancelsWhatIsPendingWhenItEnds) {
  std::string text;
  Letter letter{text, 'l'};
  Future<> held = sleepGuarded(ended(), text);
  asyncCheck(sleepGuarded(ended(), text));
  Promise<int> promise(ended());
  Future<int> future = promise.future();
  future.addCallback(Letter::write, &letter);
  Future<bool> inTime = withTimeout(future, seconds(1));
  Future<> both = future and held;
  end();
  EXPECT_EQ(std::count(text.begin(), text.end(), 'g'), 2);
  EXPECT_EQ(std::count(text.begin(), text.end(), 'l'), 1);
  EXPECT_EQ(text.find('x'), std::string::npos);
  EXPECT_TRUE(held.cancelled() && future.cancelled() && inTime.cancelled() && both.cancelled());
  EXPECT_FALSE(promise.complete(1));
}

// F45: the producer's callback is heard, and may leave the future to the context.
TEST_P(ContextTest, AsksProducersWhenItEnds) {
  for (const bool answers : {false, true}) {
    Promise<int> promise(ended());
    Probe asked([&] {
      if (answers) promise.complete(3);
    });
    Probe told;
    promise.setCancelCallback(Probe::run, &asked);
    Future<int> future = promise.future();
    future.addCallback(Probe::run, &told);
    end();
    EXPECT_EQ(asked.runs(), 1);
    EXPECT_EQ(told.runs(), 1);
    EXPECT_EQ(future.completed(), answers);
    EXPECT_EQ(future.cancelled(), !answers);
    beginAgain();
  }
}

// A Promise that nobody waits for stays as it is, though somebody has.
TEST_P(ContextTest, LeavesWhatNobodyWaitsForAnyMore) {
  Promise<int> raced(ended());
  Promise<int> heard(ended());
  Promise<int> awaited(ended());
  const std::vector<FutureBase> either{raced.future(), awaited.future()};
  Future<FutureBase> first = race(ended(), either);
  heard.future().addCallback(Probe::run, nullptr);
  EXPECT_EQ(heard.future().removeCallback(Probe::run, nullptr), 1U);
  EXPECT_TRUE(ended().hasPendingOperations());
  awaited.complete(1);
  settleUntil(first);
  EXPECT_FALSE(ended().hasPendingOperations());
  EXPECT_TRUE(drain(ended(), seconds(1)));
  Waiter waiter;
  heard.future().addCallback(waiter, Probe::run, nullptr);
  EXPECT_TRUE(ended().hasPendingOperations()) << "again";
  waiter.forget();
  end();
  EXPECT_TRUE(raced.complete(2));
  EXPECT_TRUE(heard.complete(3));
}

Future<int> awaitOnOther(FutureContext*, Future<int> future) { co_return co_await future; }
Future<int> awaitOnOther(FutureContext&, Future<int> future) { co_return co_await future; }

// F45: nobody waits for ever for a future whose context has gone, whatever context he has himself.
TEST_P(ContextTest, CancelsWhatIsAwaitedOnOthersWhenItEnds) {
  Promise<int> promise(ended());
  Future<int> before = awaitOnOther(context_, promise.future());
  Promise<int> awaitedLater(ended());
  Promise<int> finishedLater(ended());
  end();
  EXPECT_TRUE(before.cancelled());
  EXPECT_FALSE(promise.complete(1));

  Future<int> unread = awaitedLater.future();
  EXPECT_THROW(unread.addCallback(Probe::run, nullptr), FutureError);
  EXPECT_THROW(static_cast<void>(noCancel(unread)), FutureError);
  EXPECT_TRUE(finishedLater.complete(5));
  EXPECT_EQ(awaitOnOther(context_, finishedLater.future()).read(), 5);
  EXPECT_TRUE(awaitOnOther(context_, unread).cancelled());
  EXPECT_FALSE(awaitedLater.complete(1));
}

TEST_P(ContextTest, CancelsLateWhatIsAwaitedWithoutAnyOrInAGroup) {
  Promise<int> first(ended());
  Promise<int> second(ended());
  end();
  EXPECT_TRUE(awaitOnOther(nullptr, first.future()).cancelled());
  Future<> all = allFutures(context_, std::vector<FutureBase>{second.future()});
  EXPECT_TRUE(all.completed());
  EXPECT_TRUE(second.future().cancelled());
}

TEST_P(ContextTest, LeavesFinishedFuturesReadable) {
  Promise<std::unique_ptr<int>> promise(ended());
  promise.complete(std::make_unique<int>(5));
  Future<std::unique_ptr<int>> future = promise.future();
  end();
  EXPECT_EQ(*future.read(), 5);
}

// IF11: where it stands, when nothing else helps.
TEST_P(ContextTest, EndsACoroutineThatCannotBeCancelled) {
  std::string text;
  struct Local {
    static Future<> stubborn(Future<> never, std::string& text) {
      const Guard guard(text, 'g');
      co_await std::suspend_always();
      co_await never;
    }
  };
  Promise<> promise(ended());
  Future<> held = Local::stubborn(promise.future(), text);
  held.attach(ended());
  static_cast<void>(Local::stubborn(promise.future(), text));
  Future<> waiting = noCancel(held);
  end();
  EXPECT_TRUE(held.cancelled());
  EXPECT_TRUE(waiting.cancelled());
}

Future<> startAgain(FutureContext& context, int& starts) {
  ++starts;
  try {
    co_await sleepAsync(context, seconds(1));
  } catch (const CancelledError&) {
  }
  if (starts < 1'000'000) asyncCheck(startAgain(context, starts));
}

TEST_P(ContextTest, EndsThoughItsFuturesGoOnForever) {
  int starts = 0;
  asyncCheck(startAgain(ended(), starts));
  end();
  EXPECT_GT(starts, 1);
  EXPECT_LT(starts, 1000);
}

// Callbacks that begin new work whenever the last has ended.
struct Beginner {
  static void begin(void* udata) {
    auto& self = *static_cast<Beginner*>(udata);
    try {
      sleepAsync(self.context, seconds(1)).addCallback(begin, udata);
    } catch (const FutureError&) {
      self.isRefused = true;
    }
  }

  FutureContext& context;
  bool isRefused = false;
};

TEST_P(ContextTest, RefusesNewWorkToCallbacksThatBeginItAtItsEnd) {
  Beginner beginner{ended()};
  Beginner::begin(&beginner);
  end();
  EXPECT_TRUE(beginner.isRefused);
}

template <class Wait>
Future<> waitAgain(FutureContext&, Wait wait, std::string& text) {
  const Guard guard(text, 'g');
  for (;;) {
    try {
      co_await wait();
    } catch (const std::exception&) {
    }
  }
}

// IF11: one that takes every error for itself, the refusal of new work too.
TEST_P(ContextTest, EndsWhatCatchesEveryError) {
  std::string text;
  AsyncEvent event(ended());
  asyncCheck(waitAgain(
      ended(), [&context = ended()] { return sleepAsync(context, seconds(1)); }, text));
  asyncCheck(waitAgain(
      ended(), [&event] { return event.wait(); }, text));
  end();
  EXPECT_EQ(text, "gg");
}

Future<int> operate(ManualOperation*& running, int value) {
  ManualOperation operation;
  running = &operation;
  co_await operation;
  co_return value;
}

Future<int> operateTwice(ManualOperation*& running) {
  const int first = co_await operate(running, 1);
  co_return first + co_await operate(running, 2);
}

// A lone coroutine goes on in the very callback of the operation, through all levels.
TEST_P(ContextTest, IsNotNeededForOperations) {
  ManualOperation* running = nullptr;
  Future<int> future = operateTwice(running);
  running->complete();
  EXPECT_FALSE(future.finished());
  running->complete();
  ASSERT_TRUE(future.completed());
  EXPECT_EQ(future.read(), 3);
}

TEST_P(ContextTest, IsNotNeededForCancelling) {
  ManualOperation* running = nullptr;
  Future<int> future = operateTwice(running);
  EXPECT_TRUE(future.tryCancel());
  EXPECT_FALSE(future.finished());
  running->complete();
  EXPECT_TRUE(future.cancelled());
}

TEST_P(ContextTest, IsNeededForCallbacksOfWhatIsFinished) {
  std::string text;
  Letter letter{text, 'a'};
  ManualOperation* running = nullptr;
  Future<int> future = operate(running, 1);
  future.addCallback(Letter::write, &letter);
  running->complete();
  EXPECT_EQ(text, "a");
  EXPECT_THROW(future.addCallback(Letter::write, &letter), FutureError);
  EXPECT_THROW(static_cast<void>(join(future)), FutureError);
  future.attach(context_);
  future.addCallback(Letter::write, &letter);
  settle();
  EXPECT_EQ(text, "aa");
}

// An awaitable that knows nothing of this layer, and resumes by itself.
struct Foreign {
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> coroutine) noexcept { waiting = coroutine; }
  int await_resume() const noexcept { return 4; }
  std::coroutine_handle<>& waiting;
};

Future<int> awaitForeign(std::coroutine_handle<>& waiting) { co_return co_await Foreign{waiting}; }
Future<int> awaitFuture(Future<int> future) { co_return 1 + co_await std::move(future); }

TEST_P(ContextTest, AwaitsWhatOtherLibrariesMake) {
  std::coroutine_handle<> waiting;
  Future<int> future = awaitFuture(awaitFuture(awaitForeign(waiting)));
  EXPECT_FALSE(future.tryCancel());
  waiting.resume();
  ASSERT_TRUE(future.completed());
  EXPECT_EQ(future.read(), 6);
}

struct Unmovable : Foreign {
  Unmovable(std::coroutine_handle<>& resumable, const Unmovable*& place) : Foreign{resumable} {
    place = this;
  }
  Unmovable(const Unmovable&) = delete;
  const Unmovable* await_resume() const noexcept { return this; }
};
struct MakesUnmovable {
  Unmovable operator co_await() const { return {waiting, place}; }
  std::coroutine_handle<>& waiting;
  const Unmovable*& place;
};

Future<const Unmovable*> awaitUnmovable(MakesUnmovable awaitable) { co_return co_await awaitable; }

TEST_P(ContextTest, AwaitsWhatCannotBeMoved) {
  std::coroutine_handle<> waiting;
  const Unmovable* place = nullptr;
  Future<const Unmovable*> future = awaitUnmovable({waiting, place});
  waiting.resume();
  EXPECT_EQ(future.read(), place);
}

Future<int> awaitForeignOn(FutureContext&, std::coroutine_handle<>& waiting,
                           std::shared_ptr<int> = nullptr) {
  co_return co_await Foreign{waiting};
}

// Its frame is there as long as a future of it is, and another library may not know better.
TEST_P(ContextTest, StaysCancelledWhatAnotherLibraryResumesAfterTheEnd) {
  std::coroutine_handle<> waiting;
  const auto inFrame = std::make_shared<int>();
  Future<int> future = awaitForeignOn(ended(), waiting, inFrame);
  {
    Future<int> outer = awaitFuture(future);
    end();
    EXPECT_TRUE(future.cancelled());
    EXPECT_TRUE(outer.cancelled());
  }
  waiting.resume();
  EXPECT_EQ(inFrame.use_count(), 2);
  EXPECT_TRUE(future.cancelled());
  EXPECT_THROW(future.read(), CancelledError);
}

Future<> failAfterForeign(FutureContext&, std::coroutine_handle<>& waiting,
                          std::shared_ptr<int> inError) {
  static_cast<void>(co_await Foreign{waiting});
  throw inError;
}

// The same, while its context ends: what comes of it then is nobody's.
TEST_P(ContextTest, StaysCancelledWhatFailsAfterItWasCancelledWhereItStands) {
  std::coroutine_handle<> waiting;
  Probe resuming([&] { waiting.resume(); });
  Probe unhandled;
  const auto inError = std::make_shared<int>();
  ended().setUnhandledErrorCallback(Probe::run, &unhandled);
  {
    Future<> future = failAfterForeign(ended(), waiting, inError);
    asyncCheck(future);
    future.addCallback(Probe::run, &resuming);
    end();
    EXPECT_EQ(resuming.runs(), 1U);
    EXPECT_TRUE(future.cancelled());
  }
  EXPECT_EQ(unhandled.runs(), 0U);
  EXPECT_EQ(inError.use_count(), 1) << "the error has gone";
}

// A coroutine type that knows nothing of this layer, and awaits its futures.
struct ForeignCoroutine {
  struct promise_type {
    ForeignCoroutine get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

ForeignCoroutine awaitFromOutside(Future<int> future, int& result) { result = co_await future; }

TEST_P(ContextTest, IsAwaitedByWhatOtherLibrariesMake) {
  Promise<int> promise(context_);
  int result = 0;
  awaitFromOutside(promise.future(), result);
  promise.complete(8);
  settle();
  EXPECT_EQ(result, 8);
}

}  // namespace
}  // namespace kairos
