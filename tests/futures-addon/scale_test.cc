// SPDX-License-Identifier: MIT OR Apache-2.0
// Numbers that show what is not linear, and what is not given back.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "kairos/futures-addon/async_event_queue.h"
#include "kairos/futures-addon/cancel.h"
#include "kairos/futures-addon/group.h"
#include "kairos/futures-addon/timeout.h"
#include "kairos/tests/futures-addon/fixture.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/process_state.h"

namespace kairos {
namespace {

// Less of everything where everything takes ten times as long.
int scaled(int count) { return underSanitizer() ? count / 10 : count; }
const int million = scaled(1'000'000);
const int hundredThousand = scaled(100'000);

// What a test holds on to is not more than memory that is kept to be used again.
class ScaleTest : public FutureTest {
 protected:
  ~ScaleTest() override {
    settle();
    EXPECT_EQ(context_.liveBlocks(), 0U);
    for (int i = 0; i < 64; ++i) poll();  // without timers: their memory goes back
    time_.forget();
    EXPECT_LE(count_.bytes(), keptMax);
  }

  static constexpr std::ptrdiff_t keptMax = 8 << 20;

 private:
  const AllocationCount count_;
};

// Numbers of this layer: one backend is enough.
INSTANTIATE_TEST_SUITE_P(Backends, ScaleTest, testing::Values(epollKind), backendName);

// A limit and a completion that are due at the same time.
class Race {
 public:
  Race(FutureContext& context, bool isLimitFirst) : promise_(context) {
    if (isLimitFirst) limit();
    completion_ = context.reactor().addTimer(milliseconds(1), onTime, this);
    if (!isLimitFirst) limit();
  }
  Race(const Race&) = delete;
  Race& operator=(const Race&) = delete;

  bool wasInTime() { return inTime_.read(); }
  bool wasCompleted() const { return wasCompleted_; }

 private:
  static void onTime(void* udata) {
    auto& race = *static_cast<Race*>(udata);
    race.wasCompleted_ = race.promise_.complete(1);
  }
  void limit() { inTime_ = withTimeout(promise_.future(), milliseconds(1)); }

  Promise<int> promise_;
  Future<bool> inTime_;
  TimerId completion_{};
  bool wasCompleted_ = false;
};

// IF5, S14: the first of the two wins, each time.
TEST_P(ScaleTest, AMillionRacesAgainstTime) {
  constexpr int atOnce = 1000;
  for (int done = 0; done < million && !HasFailure(); done += atOnce) {
    std::vector<std::unique_ptr<Race>> races;
    for (int i = 0; i < atOnce; ++i) {
      races.push_back(std::make_unique<Race>(context_, i % 2 == 0));
    }
    poll(Reactor::forever);
    settle();
    int wrong = 0;
    for (int i = 0; i < atOnce; ++i) {
      Race& race = *races[static_cast<std::size_t>(i)];
      const bool isRight = race.wasInTime() == (i % 2 != 0) && race.wasCompleted() == (i % 2 != 0);
      wrong += isRight ? 0 : 1;
    }
    EXPECT_EQ(wrong, 0);
    time_.forget();
  }
}

Future<int> sleepTwice(FutureContext& context, int value) {
  for (int i = 0; i < 2; ++i) co_await sleepAsync(context, seconds(1));
  co_return value;
}

// S14
TEST_P(ScaleTest, AHundredThousandCancels) {
  std::vector<Future<bool>> all;
  for (int i = 0; i < hundredThousand; ++i) {
    all.push_back(withTimeout(sleepTwice(context_, i), seconds(10)));
  }
  for (std::size_t i = 0; i < all.size(); i += 2) EXPECT_TRUE(all[i].tryCancel());
  settle();
  for (std::size_t i = 1; i < all.size(); i += 2) all[i].cancelSoon();
  settle();
  EXPECT_TRUE(std::all_of(all.begin(), all.end(), [](auto& one) { return one.cancelled(); }));
}

// S14
TEST_P(ScaleTest, AHundredThousandLiveCoroutines) {
  std::vector<Future<int>> all;
  for (int i = 0; i < hundredThousand; ++i) all.push_back(sleepTwice(context_, i));
  EXPECT_GE(context_.liveBlocks(), all.size());
  while (context_.hasPendingOperations()) poll(Reactor::forever);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i].read(), static_cast<int>(i));
}

// IF10: what is raced against for ever keeps nothing of those who did.
TEST_P(ScaleTest, RacesAgainstOneThatLastsLeaveNothingOnIt) {
  Promise<> never(context_);
  const Future<> lasting = never.future();
  const auto race = [&](int times) {
    for (int i = 0; i < times; ++i) {
      Promise<> promise(context_);
      Future<> first = lasting or promise.future();
      Future<bool> inTime = withTimeout(lasting or promise.future(), seconds(1));
      promise.complete();
      settle();
      time_.forget();
    }
  };
  race(10);
  const AllocationCount count;
  race(hundredThousand / 2);
  EXPECT_EQ(count.allocations(), 0U);
  never.complete();
}

Future<int> readAll(FutureContext&, AsyncEventQueue<int>& events) {
  AsyncEventQueue<int>::Reader reader(events);
  int sum = 0;
  while (auto event = co_await reader.next()) sum += *event;
  co_return sum;
}

// F82
TEST_P(ScaleTest, AMillionEventsForTenReaders) {
  AsyncEventQueue<int> events(context_);
  AsyncEventQueue<int>::Reader slow(events);  // all of them are kept for this one
  std::vector<Future<int>> readers;
  for (int i = 0; i < 9; ++i) readers.push_back(readAll(context_, events));
  for (int i = 0; i < million; ++i) {
    events.emit(1);
    if (i % 100 == 0) settle();
  }
  settle();
  EXPECT_EQ(events.size(), static_cast<std::size_t>(million));
  int sum = 0;
  while (auto event = slow.tryNext()) sum += *event;
  EXPECT_EQ(sum, million);
  EXPECT_EQ(events.size(), 0U);
  slow.unregister();
  events.close();
  settle();
  for (Future<int>& reader : readers) EXPECT_EQ(reader.read(), million);
}

}  // namespace
}  // namespace kairos
