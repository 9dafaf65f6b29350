// SPDX-License-Identifier: MIT OR Apache-2.0
// Things that are idle for too long: never told early, told soon, touched at no cost.
#include "kairos/transports/idle_limit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kairos/tests/support/random_seed.h"
#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using Idle = Watched<IdleOperation>;

class IdleLimitTest : public StreamTest {
 protected:
  static void watch(IdleLimit& limit, Idle& idle) { ok(limit.watch(idle, Idle::done, &idle)); }

  // Polls on until so much time has passed since the start.
  void pollUntil(Clock::duration time) {
    while (time_.elapsed() < time) poll(time - time_.elapsed());
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, IdleLimitTest, backends(), backendName);

TEST_P(IdleLimitTest, TellsAfterTheLimitAndNotMuchLater) {
  for (const Clock::duration length :
       {Clock::duration(1ns), Clock::duration(1ms), Clock::duration(60s), Clock::duration(24h)}) {
    IdleLimit limit(context_, length);
    Idle idle;
    const auto since = time_.elapsed();
    watch(limit, idle);
    EXPECT_EQ(limit.size(), 1u);
    settleUntilDone(idle);
    EXPECT_EQ(idle.completions(), 1u);
    EXPECT_FALSE(idle.error);
    EXPECT_GE(time_.elapsed() - since, length);
    EXPECT_LE(time_.elapsed() - since, length + length / 10 + 16ns);
    EXPECT_EQ(limit.size(), 0u);
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur)
        << "no timer is left";
  }
}

TEST_P(IdleLimitTest, CountsFromTheLastTouch) {
  IdleLimit limit(context_, 60s);
  Idle idle;
  idle.touch();  // of what is not watched: nothing
  watch(limit, idle);
  for (int i = 1; i <= 100; ++i) {
    pollUntil(i * 50s);
    EXPECT_EQ(idle.completions(), 0u);
    idle.touch();
  }
  settleUntilDone(idle);
  EXPECT_GE(time_.elapsed(), 5060s);
  EXPECT_LE(time_.elapsed(), 5066s);
  idle.touch();
  EXPECT_EQ(idle.completions(), 1u);
  watch(limit, idle);
  settleUntilDone(idle);
  EXPECT_GE(time_.elapsed(), 5120s);
}

// Many of them, touched at random, against what each should do.
TEST_P(IdleLimitTest, JudgesEachByItsOwnTouches) {
  Random random;
  const Clock::duration length = 30s;
  IdleLimit limit(context_, length);
  struct Thing {
    Idle idle;
    Clock::duration touched{};
  };
  std::deque<Thing> things(500);
  for (Thing& thing : things) {
    watch(limit, thing.idle);
    thing.idle.setThen([this, &thing, length] {
      EXPECT_GE(time_.elapsed() - thing.touched, length);
      EXPECT_LE(time_.elapsed() - thing.touched, length + length / 10);
    });
  }
  for (int step = 0; step < 4000; ++step) {
    Thing& thing = things[random.below(random.oneIn(2) ? 50 : things.size())];
    if (thing.idle.isPending()) {
      thing.idle.touch();
      thing.touched = time_.elapsed();
    } else if (random.oneIn(2)) {
      thing.touched = time_.elapsed();
      watch(limit, thing.idle);
    }
    pollUntil(time_.elapsed() + random.below(200) * 1ms);
  }
  while (limit.size() > 0) poll(Reactor::forever);
  for (Thing& thing : things) EXPECT_GE(thing.idle.completions(), 1u);
}

// A touch reads no clock and moves no timer, and all share one timer.
TEST_P(IdleLimitTest, CostsATimerForAllAndNothingPerTouch) {
  IdleLimit limit(context_, 15s);
  std::deque<Idle> idles(10000);
  for (Idle& idle : idles) watch(limit, idle);
  time_.forget();
  for (Idle& idle : idles) {
    for (int i = 0; i < 10; ++i) idle.touch();
  }
  EXPECT_EQ(time_.clockReadings(), 0u);
  EXPECT_EQ(poll(), 0u);
  time_.forget();
  std::size_t callbacks = 0;
  while (time_.elapsed() < 14s) callbacks += poll(Reactor::forever);
  EXPECT_LE(callbacks, 15u) << "of the reactor, for ten thousand";
  EXPECT_LE(sizeof(IdleOperation), 72u);
}

// All at once are looked at in pieces, between which others are served.
TEST_P(IdleLimitTest, LooksAtABoundedNumberPerPoll) {
  IdleLimit limit(context_, 15s);
  std::deque<Idle> idles(10000);
  for (Idle& idle : idles) watch(limit, idle);
  pollUntil(14s);
  for (std::size_t i = 0; i < 5000; ++i) idles[i].touch();
  std::size_t done = 0;
  std::size_t most = 0;
  while (done < 5000) {
    const std::size_t before = limit.size();
    poll(Reactor::forever);
    most = std::max(most, before - limit.size());
    done += before - limit.size();
  }
  EXPECT_LE(most, IdleLimit::looksMax);
  EXPECT_LE(time_.elapsed(), 17s);
  settle();
  for (std::size_t i = 0; i < idles.size(); ++i) {
    EXPECT_EQ(idles[i].completions(), i < 5000 ? 0u : 1u) << i;
  }
  while (limit.size() > 0) poll(Reactor::forever);
  EXPECT_GE(time_.elapsed(), 29s);
  settle();
}

// The time that a callback takes is not held against those who could not be served meanwhile.
TEST_P(IdleLimitTest, EndsNothingEarlyAfterAStall) {
  IdleLimit limit(context_, 15s);
  Idle idle;
  watch(limit, idle);
  time_.advance(10s);
  poll();
  time_.advance(14s);
  idle.touch();
  const auto touched = time_.elapsed();
  settleUntilDone(idle);
  EXPECT_GE(time_.elapsed() - touched, 15s);
}

TEST_P(IdleLimitTest, IsOverWhenItsContextEndsWhileItIsMade) {
  std::optional<TransportContext> context(std::in_place, reactor_);
  TransportContext& ending = *context;
  IdleLimit limit(ending, 1s);
  std::optional<IdleLimit> late;
  Idle idle([&] { late.emplace(ending, 1s); });
  watch(limit, idle);
  context.reset();
  EXPECT_EQ(idle.completions(), 1u);
  EXPECT_EQ(late->watch(idle, Idle::done, &idle), TransportError::closed);
}

TEST_P(IdleLimitTest, EndsByCancellationDestructionAndTheEndOfTheContext) {
  std::optional<TransportContext> context(std::in_place, reactor_);
  IdleLimit ofContext(*context, 1s);
  Idle closed;
  Idle refused;
  closed.setThen(
      [&] { EXPECT_EQ(ofContext.watch(refused, Idle::done, &refused), TransportError::closed); });
  watch(ofContext, closed);
  context.reset();
  EXPECT_EQ(closed.completions(), 1u);
  EXPECT_EQ(closed.error, TransportError::closed);
  EXPECT_EQ(ofContext.watch(refused, Idle::done, &refused), TransportError::closed);

  std::optional<IdleLimit> limit(std::in_place, context_, 1s);
  Idle cancelled;
  auto dropped = std::make_unique<Idle>();
  watch(*limit, cancelled);
  watch(*limit, *dropped);
  watch(*limit, closed);
  EXPECT_EQ(limit->watch(closed, Idle::done, &closed), TransportError::busy);
  dropped.reset();
  EXPECT_TRUE(limit->cancel(cancelled));
  EXPECT_FALSE(limit->cancel(cancelled));
  EXPECT_EQ(limit->size(), 1u);
  limit.reset();
  EXPECT_EQ(cancelled.completions(), 0u) << "never inside the call";
  settle();
  EXPECT_EQ(cancelled.completions(), 1u);
  EXPECT_EQ(cancelled.error, std::errc::operation_canceled);
  EXPECT_EQ(closed.completions(), 2u);
  EXPECT_EQ(closed.error, TransportError::closed);
  closed.touch();
}

TEST_P(IdleLimitTest, MayEndInItsOwnCallback) {
  auto limit = std::make_unique<IdleLimit>(context_, 1s);
  auto first = std::make_unique<Idle>();
  Idle second;
  first->setThen([&] {
    limit.reset();
    first.reset();
  });
  watch(*limit, *first);
  watch(*limit, second);
  settleUntilDone(second);
  EXPECT_EQ(limit, nullptr);
  EXPECT_EQ(second.completions(), 1u);
}

// A connection that reads byte by byte, with a limit on silence and one in all.
class Guest {
 public:
  Guest(StreamTransport stream, IdleLimit& silence, IdleLimit& inAll) : stream_(std::move(stream)) {
    watch(silence, silence_);
    watch(inAll, inAll_);
    read_.setThen([this] {
      if (read_.error) return;
      silence_.touch();
      readOn();
    });
    readOn();
  }

  bool isOpen() const { return stream_.isOpen(); }
  std::error_code end() const { return read_.error; }

 private:
  void watch(IdleLimit& limit, Idle& idle) {
    idle.setThen([this] { stream_.close(); });
    EXPECT_FALSE(limit.watch(idle, Idle::done, &idle));
  }
  void readOn() { EXPECT_FALSE(stream_.readOnce(read_, into_, Read::done, &read_)); }

  StreamTransport stream_;
  std::array<char, 1> into_{};
  Read read_;
  Idle silence_;
  Idle inAll_;
};

// IT21: nobody tells of a peer that is gone, and one that sends a byte now and then is not silent.
TEST_P(IdleLimitTest, EndsPeersThatAreSilentOrTooSlow) {
  IdleLimit silence(context_, 10s);
  IdleLimit inAll(context_, 60s);
  Pair goneEnds = pair();
  Pair slowEnds = tcpPair();
  Guest gone(adopt(std::move(goneEnds.near)), silence, inAll);
  Guest slow(adopt(std::move(slowEnds.near)), silence, inAll);
  const auto dripUntil = [&](Clock::duration end) {
    while (time_.elapsed() < end) {
      if (slow.isOpen()) sendAll(slowEnds.far.get(), "x");
      pollUntil(std::min(end, time_.elapsed() + 8s));
    }
  };
  dripUntil(9s);
  EXPECT_TRUE(gone.isOpen());
  dripUntil(11s);
  EXPECT_FALSE(gone.isOpen());
  settle();
  EXPECT_EQ(gone.end(), TransportError::closed);
  char byte = 0;
  EXPECT_EQ(::read(goneEnds.far.get(), &byte, 1), 0) << "the peer sees it, should it be there";
  dripUntil(59s);
  EXPECT_TRUE(slow.isOpen());
  dripUntil(66s);
  EXPECT_FALSE(slow.isOpen()) << "it was never silent";
}

TEST_P(IdleLimitTest, RefusesWhatMakesNoSense) {
  Idle idle;
  for (const Clock::duration length : {Clock::duration(0), Clock::duration(-1)}) {
    IdleLimit none(context_, length);
    EXPECT_EQ(none.watch(idle, Idle::done, &idle), std::errc::invalid_argument);
  }
  IdleLimit never(context_, Reactor::forever);
  EXPECT_EQ(never.watch(idle, nullptr, nullptr), std::errc::invalid_argument);
  watch(never, idle);
  pollUntil(24h);
  EXPECT_EQ(idle.completions(), 0u);
}

}  // namespace
}  // namespace kairos
