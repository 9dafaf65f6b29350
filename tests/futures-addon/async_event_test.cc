// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/async_event.h"

#include <string>
#include <vector>

#include "kairos/futures-addon/as_future.h"
#include "kairos/futures-addon/error.h"
#include "kairos/tests/futures-addon/fixture.h"

namespace kairos {
namespace {

class AsyncEventTest : public FutureTest {
 protected:
  Future<> waitAndWrite(char letter) {
    co_await event_.wait();
    text_ += letter;
  }
  Future<> waitTwice() {
    co_await event_.wait();
    text_ += '1';
    co_await event_.wait();
    text_ += '2';
  }
  FutureContext& futureContext() { return context_; }

  AsyncEvent event_{context_};
  std::string text_;
};

INSTANTIATE_TEST_SUITE_P(Backends, AsyncEventTest, backends(), backendName);

// F66
TEST_P(AsyncEventTest, LetsAllGoOnInOneTick) {
  std::vector<Future<>> all;
  for (char letter = '0'; letter <= '9'; ++letter) all.push_back(waitAndWrite(letter));
  EXPECT_EQ(event_.waiters(), 10U);
  event_.fire();
  EXPECT_EQ(event_.waiters(), 0U);
  EXPECT_EQ(text_, "");
  tick();
  EXPECT_EQ(text_, "0123456789");
}

// F67
TEST_P(AsyncEventTest, StaysSetUntilItIsCleared) {
  event_.fire();
  event_.fire();
  EXPECT_TRUE(event_.isSet());
  EXPECT_TRUE(waitAndWrite('a').finished());
  event_.clear();
  EXPECT_FALSE(event_.isSet());
  Future<> waiting = waitAndWrite('b');
  settle();
  EXPECT_EQ(text_, "a");
  event_.fire();
  settle();
  EXPECT_EQ(text_, "ab");
}

// F67, F69
TEST_P(AsyncEventTest, FiredAndClearedLetsGoOnThoseWhoWaited) {
  Future<> both = waitTwice();
  event_.fire();
  event_.clear();
  Future<> late = waitAndWrite('x');
  settle();
  EXPECT_EQ(text_, "1");
  event_.fire();
  event_.clear();
  settle();
  EXPECT_EQ(text_, "1x2");
}

// F68
TEST_P(AsyncEventTest, ForgetsWhoIsCancelled) {
  Future<> first = waitAndWrite('1');
  Future<> second = waitAndWrite('2');
  EXPECT_TRUE(first.tryCancel());
  EXPECT_EQ(event_.waiters(), 1U);
  event_.fire();
  EXPECT_FALSE(second.tryCancel());
  settle();
  EXPECT_EQ(text_, "2");
  EXPECT_TRUE(first.cancelled());
}

// F69
struct Waits {
  static void again(void* udata) {
    auto& self = *static_cast<Waits*>(udata);
    ++self.times;
    self.event.wait(self.turn, again, udata);
  }

  AsyncEvent& event;
  int times = 0;
  Turn turn{};
};

TEST_P(AsyncEventTest, RunsACallbackThatWaitsAgainOnceInATick) {
  Waits waits{event_};
  event_.wait(waits.turn, Waits::again, &waits);
  event_.fire();
  for (int times = 1; times < 5; ++times) {
    tick();
    EXPECT_EQ(waits.times, times);
  }
  event_.clear();
  tick();
  EXPECT_EQ(waits.times, 5) << "it had waited already";
  tick();
  EXPECT_EQ(waits.times, 5);
  waits.turn.forget();
  EXPECT_EQ(event_.waiters(), 0U);
}

TEST_P(AsyncEventTest, LetsGoOnWhomItWasFiredForWhenItIsDestroyed) {
  Turn turn;
  Probe probe;
  Future<> waiting;
  {
    AsyncEvent event(context_);
    waiting = asFuture(context_, event.wait());
    event.wait(turn, Probe::run, &probe);
    event.fire();
  }
  settle();
  EXPECT_TRUE(waiting.completed());
  EXPECT_EQ(probe.runs(), 1U);
  EXPECT_TRUE(turn.isServed());
}

TEST_P(AsyncEventTest, RefusesThoseWhoWaitWhenItIsDestroyed) {
  Future<> waiting;
  {
    AsyncEvent event(context_);
    waiting = asFuture(context_, event.wait());
  }
  settle();
  EXPECT_THROW(waiting.read(), FutureError);
}

}  // namespace
}  // namespace kairos
