// SPDX-License-Identifier: MIT OR Apache-2.0
// Exceptions from where they are not expected: values, arguments, callbacks.
#include <coroutine>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_event_queue.h"
#include "kairos/futures-addon/async_queue.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/future_stream.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/futures-addon/manual_operation.h"

namespace kairos {
namespace {

// A value whose copies and moves throw when the test says so: the one after so many.
class Fragile {
 public:
  explicit Fragile(int number) : number_(std::make_unique<int>(number)) {}
  Fragile(const Fragile& other) : number_(copyOf(other)) {}
  Fragile(Fragile&& other) noexcept(false) : number_(copyOf(other)) { other.number_.reset(); }
  Fragile& operator=(const Fragile&) = delete;

  int number() const { return number_ == nullptr ? -1 : *number_; }

  static void throwAfter(int transfers) { left = transfers; }
  static void throwNever() { left = -1; }
  static bool threw() { return left == -2; }

 private:
  static std::unique_ptr<int> copyOf(const Fragile& other) {
    if (left == 0) {
      left = -2;
      throw std::runtime_error("fragile");
    }
    if (left > 0) --left;
    return std::make_unique<int>(other.number());
  }

  static inline int left = -1;
  std::unique_ptr<int> number_;
};

class ExceptionTest : public FutureTest {
 protected:
  ~ExceptionTest() override { Fragile::throwNever(); }

  // Lets each transfer throw in turn, until `work`, which is given whether one threw, needs no
  // more.
  template <class Work>
  int sweep(Work work) {
    int moment = 0;
    do {
      Fragile::throwAfter(moment++);
      work();
    } while (Fragile::threw() && moment < 100);
    EXPECT_LT(moment, 100);
    Fragile::throwNever();
    return moment;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, ExceptionTest, backends(), backendName);

// F06: nothing has happened, and it may be tried again.
TEST_P(ExceptionTest, APromiseIsAsItWasWhenItsValueThrows) {
  Promise<Fragile> promise(context_);
  const Fragile value(3);
  Fragile::throwAfter(0);
  EXPECT_THROW(promise.complete(value), std::runtime_error);
  EXPECT_FALSE(promise.finished());
  EXPECT_TRUE(promise.complete(value));
  EXPECT_EQ(promise.future().read().number(), 3);
}

Future<Fragile> give(FutureContext& context, Fragile value) {
  co_await sleepAsync(context, milliseconds(1));
  co_return std::move(value);
}
Future<int> take(FutureContext&, Future<Fragile> future) {
  co_return (co_await std::move(future)).number();
}

template <class Make>
void expectValueOrError(FutureContext& context, Make make) {
  try {
    Future<int> future = make();
    EXPECT_EQ(waitFor(context, future), 5);
    EXPECT_FALSE(Fragile::threw());
  } catch (const std::runtime_error&) {
    EXPECT_TRUE(Fragile::threw());
  }
  EXPECT_TRUE(drain(context, seconds(10)));
}

// Of a coroutine: its argument on the way into the frame, what it returns, what is taken from it.
TEST_P(ExceptionTest, CoroutinesFailWithWhatTheirValuesThrow) {
  const int moments = sweep([&] {
    expectValueOrError(context_, [&] { return take(context_, give(context_, Fragile(5))); });
    EXPECT_EQ(context_.liveBlocks(), 0U);
  });
  EXPECT_GE(moments, 4);
}

TEST_P(ExceptionTest, WhatFollowsAFutureFailsWithWhatItsValueThrows) {
  const int moments = sweep([&] {
    expectValueOrError(context_, [&] {
      return take(context_, wait(noCancel(give(context_, Fragile(5))), seconds(1)));
    });
    EXPECT_EQ(context_.liveBlocks(), 0U);
  });
  EXPECT_GE(moments, 6);
}

TEST_P(ExceptionTest, QueuesLoseNothingAndLeakNothing) {
  sweep([&] {
    AsyncQueue<Fragile> queue(context_);
    int added = 0;
    try {
      for (; added < 20; ++added) queue.tryAddLast(Fragile(added));
    } catch (const std::runtime_error&) {
    }
    ASSERT_EQ(queue.size(), static_cast<std::size_t>(added));
    for (int i = 0; i < added; ++i) EXPECT_EQ(queue[static_cast<std::size_t>(i)].number(), i);
  });
}

TEST_P(ExceptionTest, AQueueKeepsWhatItCannotGive) {
  AsyncQueue<Fragile> queue(context_);
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(queue.tryAddLast(Fragile(i)));
  Fragile::throwAfter(0);
  EXPECT_THROW(queue.tryPopFirst(), std::runtime_error);
  Fragile::throwAfter(0);
  EXPECT_THROW(queue.tryPopLast(), std::runtime_error);
  ItemTurn<Fragile> turn;
  Fragile::throwAfter(0);
  EXPECT_THROW(queue.popFirst(turn, Probe::run, nullptr), std::runtime_error);
  Fragile::throwNever();
  EXPECT_EQ(queue.size(), 2U);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(queue.tryPopFirst()->number(), i);
}

// What was copied for a reader is read; what was not, is not.
TEST_P(ExceptionTest, AReaderOfEventsLosesNoneThatItCouldNotTake) {
  AsyncEventQueue<Fragile> events(context_);
  sweep([&] {
    AsyncEventQueue<Fragile>::Reader reader(events);
    const bool wasQuiet = !Fragile::threw();
    try {
      for (int i = 0; i < 3; ++i) events.emit(Fragile(i));
    } catch (const std::runtime_error&) {
      return;
    }
    EXPECT_TRUE(wasQuiet);
    const auto taking = [](FutureContext&, AsyncEventQueue<Fragile>::Reader& from) -> Future<int> {
      co_return static_cast<int>((co_await from.take(3)).size());
    };
    try {
      EXPECT_EQ(waitFor(context_, taking(context_, reader)), 3);
    } catch (const std::runtime_error&) {
      EXPECT_EQ(reader.size(), 3U);
    }
  });
  EXPECT_EQ(events.size(), 0U);
}

struct Guard {
  ~Guard() { --open; }
  int& open;
};

Future<> operate(ManualOperation*& running, int& open) {
  const Guard guard{++open};
  ManualOperation operation;
  running = &operation;
  co_await operation;
}

// Without a context its callbacks run at once. All do, and the first exception goes on from there.
TEST_P(ExceptionTest, ACallbackThatThrowsKeepsNoOtherFromRunning) {
  ManualOperation* running = nullptr;
  int open = 0;
  Probe throws([] { throw std::runtime_error("first"); });
  Probe throwsToo([] { throw std::logic_error("second"); });
  Probe after;
  {
    Future<> future = operate(running, open);
    future.addCallback(Probe::run, &throws);
    future.addCallback(Probe::run, &throwsToo);
    future.addCallback(Probe::run, &after);
    EXPECT_THROW(running->complete(), std::runtime_error);
    EXPECT_TRUE(future.completed());
  }
  EXPECT_EQ(after.runs(), 1U);
  EXPECT_EQ(open, 0);
}

Future<> operateAndWait(ManualOperation*& running, const Promise<>& after) {
  int open = 0;
  co_await operate(running, open);
  co_await wait(after.future(), seconds(1));
}
Future<> awaitQuietly(Future<> future) { static_cast<void>(co_await noThrow(std::move(future))); }

// The outer has met no context, and the inner not before the outer awaited it.
TEST_P(ExceptionTest, ACallbackMayThrowWhenALimitFails) {
  ManualOperation* running = nullptr;
  Promise<> promise(context_);
  Future<> future = awaitQuietly(operateAndWait(running, promise));
  Probe throws([] { throw std::logic_error("callback"); });
  future.addCallback(Probe::run, &throws);
  running->complete();
  promise.fail(std::runtime_error("failed"));
  EXPECT_THROW(settle(), std::logic_error);
  EXPECT_TRUE(future.completed());
}

TEST_P(ExceptionTest, ACallbackThatThrowsKeepsTheOrderOfTheRest) {
  std::string text;
  Letter letters[] = {{text, 'a'}, {text, 'b'}, {text, 'c'}};
  Probe throws([] { throw std::runtime_error("thrown"); });
  Probe adds([&] { context_.callSoon(Letter::write, &letters[2]); });
  context_.callSoon(Probe::run, &adds);
  context_.callSoon(Letter::write, &letters[0]);
  context_.callSoon(Probe::run, &throws);
  context_.callSoon(Letter::write, &letters[1]);
  EXPECT_THROW(reactor_.poll(Reactor::forever), std::runtime_error);
  EXPECT_EQ(text, "a");
  EXPECT_TRUE(context_.hasPendingOperations());
  settle();
  EXPECT_EQ(text, "abc");
}

// Also where a sleep's own callback drained.
TEST_P(ExceptionTest, ACallbackThatThrowsAfterASleepLosesNothing) {
  std::string text;
  Letter letter{text, 'a'};
  Probe throws([] { throw std::runtime_error("thrown"); });
  Future<> sleeping = sleepAsync(context_, milliseconds(1));
  Future<> other = sleepAsync(context_, milliseconds(1));
  sleeping.addCallback(Probe::run, &throws);
  sleeping.addCallback(Letter::write, &letter);
  other.addCallback(Letter::write, &letter);
  EXPECT_THROW(reactor_.poll(Reactor::forever), std::runtime_error);
  settle();
  EXPECT_EQ(text, "aa");
}

}  // namespace
}  // namespace kairos
