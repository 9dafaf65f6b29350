// SPDX-License-Identifier: MIT OR Apache-2.0
// All orders of cancel against complete inside one tick, and cancelling at every point where a
// coroutine can be suspended.
#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class CancelOrderTest : public FutureTest {
 protected:
  // False: that was not to be waited for.
  bool drainFor(milliseconds time) {
    Future<> sleep = sleepAsync(context_, time);
    settleUntil(sleep);
    return sleep.completed();
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, CancelOrderTest, backends(), backendName);

// What happens to a promise, and to the coroutine that awaits it, inside one tick.
enum class Event { complete, fail, producerCancels, cancelLeaf, cancelOuter };
constexpr std::array allEvents{Event::complete, Event::fail, Event::producerCancels,
                               Event::cancelLeaf, Event::cancelOuter};

class Race {
 public:
  explicit Race(FutureContext& context)
      : promise_(context), leaf_(promise_.future()), outer_(awaitLeaf(*this)) {
    leaf_.addCallback(Probe::run, &callback_);
    outer_.addCallback(Probe::run, &outerCallback_);
  }

  void happens(Event event) {
    switch (event) {
      case Event::complete:
        return refusable([this] { promise_.complete(1); });
      case Event::fail:
        return refusable([this] { promise_.fail(std::runtime_error("f")); });
      case Event::producerCancels:
        return refusable([this] { promise_.cancel(); });
      case Event::cancelLeaf:
        leaf_.tryCancel();
        return;
      case Event::cancelOuter:
        outer_.tryCancel();
        return;
    }
  }

  // How the leaf ended and what the coroutine made of it, then how often the callbacks ran.
  std::string outcome() {
    return seen_ +
           (outer_.completed() ? "C"
            : outer_.failed()  ? "F"
                               : "X") +
           std::to_string(callback_.runs()) + std::to_string(outerCallback_.runs());
  }

 private:
  static Future<> awaitLeaf(Race& race) {
    try {
      co_await race.leaf_;
      race.seen_ += 'c';
    } catch (const CancelledError&) {
      race.seen_ += 'x';
      throw;
    } catch (const std::runtime_error&) {
      race.seen_ += 'f';
    }
  }

  template <class Call>
  void refusable(Call call) {
    try {
      call();
    } catch (const FinishedTwiceError&) {
    }
  }

  Promise<int> promise_;
  Future<int> leaf_;
  std::string seen_;
  Probe callback_;
  Probe outerCallback_;
  Future<> outer_;
};

// The first one decides.
std::string expected(Event first) {
  if (first == Event::complete) return "cC11";
  if (first == Event::fail) return "fC11";
  return "xX11";
}

// IF1, IF2, IF3
TEST_P(CancelOrderTest, TheFirstOfTwoWins) {
  for (const bool isInCallback : {false, true}) {
    for (const Event first : allEvents) {
      for (const Event second : allEvents) {
        Race race(context_);
        Probe both([&] { race.happens(first), race.happens(second); });
        if (isInCallback)
          context_.callSoon(Probe::run, &both);
        else
          Probe::run(&both);
        settle();
        EXPECT_EQ(race.outcome(), expected(first));
      }
    }
  }
}

// IF3: also where each is in a callback of its own in the same tick, and a third follows.
TEST_P(CancelOrderTest, TheFirstOfThreeCallbacksInATickWins) {
  for (const Event first : allEvents) {
    for (const Event second : allEvents) {
      for (const Event third : allEvents) {
        Race race(context_);
        Probe events[] = {Probe([&] { race.happens(first); }), Probe([&] { race.happens(second); }),
                          Probe([&] { race.happens(third); })};
        for (Probe& event : events) context_.callSoon(Probe::run, &event);
        settle();
        EXPECT_EQ(race.outcome(), expected(first));
      }
    }
  }
}

// Counts the scopes that are left, and so the frames that are destroyed.
struct Guard {
  explicit Guard(int& ofOpen) : open(ofOpen) { ++open; }
  ~Guard() { --open; }
  int& open;
};

// IF6: scenarios with suspension points of all kinds.
class Scenario {
 public:
  explicit Scenario(FutureContext& context) : context_(context) {}
  int open() const { return open_; }
  int steps() const { return steps_; }

  Future<> sleeps(int times) {
    const Guard guard(open_);
    for (int i = 0; i < times; ++i) {
      co_await sleepAsync(context_, milliseconds(1));
      ++steps_;
    }
  }
  Future<> nested() {
    const Guard guard(open_);
    co_await sleeps(2);
    co_await noCancel(sleeps(1));
    co_await (sleeps(1) and sleeps(2));
    co_await (sleeps(1) or sleepAsync(context_, milliseconds(2)));
    static_cast<void>(co_await withTimeout(sleeps(2), milliseconds(1)));
    static_cast<void>(co_await withTimeout(sleeps(1), seconds(1)));
    co_await wait(sleeps(1), seconds(1));
    co_await join(sleeps(1));
    co_await allFutures(sleeps(1), sleeps(2));
    std::vector<Future<>> both{sleeps(1), sleeps(2)};
    static_cast<void>(co_await one(context_, both));
    co_await cancelAndWait(both[1]);
    ++steps_;
  }

 private:
  FutureContext& context_;
  int open_ = 0;
  int steps_ = 0;
};

// IF6, IF11
TEST_P(CancelOrderTest, LeavesNothingBehindWhereverItIsCancelled) {
  int ticks = 0;
  bool wasCancelled = true;
  while (wasCancelled && ticks < 1000) {
    Scenario scenario(context_);
    Future<> future = scenario.nested();
    for (int i = 0; i < ticks; ++i) poll(Reactor::forever);
    future.cancelSoon();
    settleUntil(future);
    wasCancelled = future.cancelled();
    EXPECT_TRUE(drain(context_, seconds(1)));  // members of groups, which go on
    EXPECT_EQ(scenario.open(), 0);
    EXPECT_FALSE(context_.hasPendingOperations());
    future = Future<>();
    EXPECT_EQ(context_.liveBlocks(), 0U);
    ++ticks;
  }
  EXPECT_GT(ticks, 15);
  EXPECT_LT(ticks, 1000);
}

// What a coroutine can await of a future, each of them.
enum class Shape { bare, withTimeout, wait, noCancel, join, allFutures, one, both, either };
constexpr std::array allShapes{Shape::bare,     Shape::withTimeout, Shape::wait,
                               Shape::noCancel, Shape::join,        Shape::allFutures,
                               Shape::one,      Shape::both,        Shape::either};

// Two requests to a coroutine that awaits work of this shape, and takes its time to clean up, as
// the work itself does.
class Requested {
 public:
  explicit Requested(FutureContext& context, Shape shape)
      : context_(context), work_(work()), outer_(awaits(shape)) {}

  void request(bool soon) {
    if (soon) return outer_.cancelSoon();
    static_cast<void>(outer_.tryCancel());
  }
  Future<>& outer() { return outer_; }
  Future<>& innermost() { return work_; }
  bool hasCleanedUp() const { return hasCleanedUp_; }
  bool hasWorkCleanedUp() const { return hasWorkCleanedUp_; }
  bool wentOn() const { return wentOn_; }

 private:
  Future<> work() {
    bool isCancelled = false;
    try {
      co_await sleepAsync(context_, milliseconds(20));
    } catch (const CancelledError&) {
      isCancelled = true;
    }
    if (!isCancelled) co_return;
    co_await sleepAsync(context_, milliseconds(40));
    hasWorkCleanedUp_ = true;
    throw CancelledError();
  }

  Future<> shaped(Shape shape) {
    switch (shape) {
      case Shape::bare:
        co_return co_await work_;
      case Shape::withTimeout:
        EXPECT_TRUE(co_await withTimeout(work_, milliseconds(25)));
        co_return;
      case Shape::wait:
        co_return co_await wait(work_, milliseconds(25));
      case Shape::noCancel:
        co_return co_await noCancel(work_);
      case Shape::join:
        co_return co_await join(work_);
      case Shape::allFutures:
        co_return co_await allFutures(work_, work_);
      case Shape::one:
        static_cast<void>(co_await one(context_, std::vector<Future<>>(2, work_)));
        co_return;
      case Shape::both:
        co_return co_await (work_ and work_);
      case Shape::either:
        co_return co_await (work_ or work_);
    }
  }

  Future<> awaits(Shape shape) {
    bool isCancelled = false;
    try {
      co_await shaped(shape);
      co_await sleepAsync(context_, milliseconds(1));
      wentOn_ = true;
    } catch (const CancelledError&) {
      isCancelled = true;
    }
    if (!isCancelled) co_return;
    co_await sleepAsync(context_, milliseconds(1));
    hasCleanedUp_ = true;
    throw CancelledError();
  }

  FutureContext& context_;
  bool hasCleanedUp_ = false;
  bool hasWorkCleanedUp_ = false;
  bool wentOn_ = false;
  Future<> work_;
  Future<> outer_;
};

bool passesItOn(Shape shape) {
  return shape == Shape::bare || shape == Shape::withTimeout || shape == Shape::wait;
}

// F34, IF3: two requests before the first has come back are one, whatever is awaited, and no limit
// disturbs who cleans up.
TEST_P(CancelOrderTest, TwoRequestsInOneTickAreOne) {
  for (const Shape shape : allShapes) {
    for (const int requests : {0, 1, 2, 3}) {
      SCOPED_TRACE(testing::Message() << static_cast<int>(shape) << ' ' << requests);
      Requested race(context_, shape);
      race.request(requests & 1);
      race.request(requests & 2);
      settleUntil(race.outer());
      const bool isKept = shape == Shape::noCancel && requests == 0;
      EXPECT_EQ(race.outer().cancelled(), !isKept);
      EXPECT_EQ(race.hasCleanedUp(), !isKept);
      EXPECT_EQ(race.wentOn(), isKept);
      EXPECT_EQ(race.hasWorkCleanedUp(), passesItOn(shape));
      settleUntil(race.innermost());
    }
  }
}

// F34: a request when the time is over goes on to the work, which was asked before, at once or as
// soon as it can be.
TEST_P(CancelOrderTest, ARequestAfterTheLimitIsDelivered) {
  for (const bool isLimitKept : {false, true}) {
    for (const bool throws : {false, true}) {
      SCOPED_TRACE(testing::Message() << isLimitKept << ' ' << throws);
      bool wentOn = false;
      const auto work = [&]() -> Future<> {
        if (isLimitKept) co_await noCancel(sleepAsync(context_, milliseconds(20)));
        try {
          co_await sleepAsync(context_, seconds(1));
        } catch (const CancelledError&) {
          if (isLimitKept) throw;
        }
        co_await sleepAsync(context_, seconds(1));  // it takes the limit's for itself
      };
      const auto outer = [&]() -> Future<> {
        if (throws) {
          co_await wait(work(), milliseconds(10));
        } else {
          static_cast<void>(co_await withTimeout(work(), milliseconds(10)));
        }
        co_await sleepAsync(context_, milliseconds(1));
        wentOn = true;
      };
      Future<> future = outer();
      EXPECT_TRUE(drainFor(milliseconds(15)));
      EXPECT_EQ(future.tryCancel(), !isLimitKept);
      if (isLimitKept) future.cancelSoon();
      settleUntil(future);
      EXPECT_TRUE(future.cancelled());
      EXPECT_FALSE(wentOn);
    }
  }
}

// F34: what was cancelled before the time was over is not asked once more when it is.
TEST_P(CancelOrderTest, ALimitLeavesTheCleanUpOfTheCancelledAlone) {
  for (const bool isKept : {false, true}) {
    bool isCleanedUp = false;
    const auto work = [&]() -> Future<> {
      co_await noCancel(sleepAsync(context_, milliseconds(isKept ? 5 : 0)));
      bool isCancelled = false;
      try {
        co_await sleepAsync(context_, seconds(1));
      } catch (const CancelledError&) {
        isCancelled = true;
      }
      co_await sleepAsync(context_, milliseconds(isCancelled ? 40 : 0));
      isCleanedUp = true;
      throw CancelledError();
    };
    Future<bool> inTime = withTimeout(work(), milliseconds(20));
    EXPECT_TRUE(drainFor(milliseconds(2)));
    inTime.cancelSoon();
    settleUntil(inTime);
    EXPECT_TRUE(inTime.cancelled());
    EXPECT_TRUE(isCleanedUp);
  }
}

}  // namespace
}  // namespace kairos
