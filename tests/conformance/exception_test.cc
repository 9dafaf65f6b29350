// SPDX-License-Identifier: MIT OR Apache-2.0
// Callbacks that throw: the exception leaves poll, and nothing is lost or run twice.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "kairos/tests/conformance/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

struct Thrown {};

class ExceptionTest : public VirtualTimeTest {
 protected:
  bool pollThrows() {
    try {
      poll(0ms);
    } catch (const Thrown&) {
      return true;
    }
    return false;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, ExceptionTest, backends(), backendName);

// Ten readers that consume their event and ten due timers; the callback at one position of the
// batch throws.
class Batch {
 public:
  static constexpr std::size_t readers = 10;
  static constexpr std::size_t all = 20;

  Batch(const BackendKind& kind, std::size_t throwAt) : throwAt_(throwAt), time_(kind.open) {
    for (std::size_t i = 0; i < readers; ++i) counters_.push_back(counter(1));
    for (std::size_t i = 0; i < all; ++i) add(i);
  }

  PollResult poll() { return reactor_.poll(Clock::duration::zero()); }
  bool removeTimer(std::size_t i) { return reactor_.removeTimer(timers_[i - readers]); }
  // Which callbacks ran, in order: readers are 0 to 9, timers 10 to 19.
  const std::vector<std::size_t>& order() const { return order_; }

 private:
  void add(std::size_t i) {
    Probe& probe = probes_.emplace_back([this, i] { run(i); });
    if (i < readers) {
      EXPECT_FALSE(reactor_.addReader(counters_[i].get(), Probe::run, &probe));
    } else {
      // Deadlines in the past, in the order of the names.
      const auto deadline = time_.now() - 1h + i * 1ms;
      timers_.push_back(reactor_.addTimer(deadline, Probe::run, &probe));
    }
  }

  void run(std::size_t i) {
    if (i < readers) drain(counters_[i].get());
    order_.push_back(i);
    if (order_.size() == throwAt_ + 1) throw Thrown();
  }

  const std::size_t throwAt_;
  VirtualTime time_;
  Reactor reactor_{detail::ReactorAccess::create(time_.open())};
  std::deque<UniqueFd> counters_;
  std::deque<Probe> probes_;
  std::vector<TimerId> timers_;
  std::vector<std::size_t> order_;
};

// R20
TEST_P(ExceptionTest, LeavesPollAtAnyPositionAndTheNextPollRunsTheRest) {
  for (std::size_t position = 0; position < Batch::all; ++position) {
    SCOPED_TRACE(position);
    Batch batch(GetParam(), position);
    EXPECT_THROW(batch.poll(), Thrown);
    EXPECT_EQ(batch.order().size(), position + 1);
    const PollResult rest = batch.poll();
    EXPECT_FALSE(rest.error);
    EXPECT_EQ(rest.callbacks, Batch::all - position - 1);
    EXPECT_EQ(batch.poll().callbacks, 0u);

    std::vector<std::size_t> ran = batch.order();
    EXPECT_TRUE(std::is_sorted(ran.begin() + Batch::readers, ran.end())) << "timers by deadline";
    std::sort(ran.begin(), ran.end());
    ASSERT_EQ(ran.size(), Batch::all);
    for (std::size_t i = 0; i < Batch::all; ++i) EXPECT_EQ(ran[i], i) << "once each";
  }
}

// R20
TEST_P(ExceptionTest, LeavesTheTimersThatHaveNotRunAndNoOthers) {
  for (std::size_t position = 0; position < Batch::all; ++position) {
    SCOPED_TRACE(position);
    Batch batch(GetParam(), position);
    EXPECT_THROW(batch.poll(), Thrown);
    for (std::size_t i = Batch::readers; i < Batch::all; ++i) {
      EXPECT_EQ(batch.removeTimer(i), i > position) << i;
    }
  }
}

// R20
TEST_P(ExceptionTest, LeavesTheWriterOfAReaderThatThrewReady) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe reader([&] {
    drain(ends.near.get());
    throw Thrown();
  });
  Probe writer;
  addBoth(ends.near.get(), reader, writer);
  EXPECT_TRUE(pollThrows());
  EXPECT_EQ(writer.runs(), 0u);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(writer.runs(), 1u);
}

// R20
TEST_P(ExceptionTest, RunsAgainWhatThrewBeforeItConsumedItsEvent) {
  const UniqueFd ready = counter(1);
  Probe reader([] { throw Thrown(); });
  addReader(ready.get(), reader);
  for (std::size_t i = 1; i <= 3; ++i) {
    EXPECT_TRUE(pollThrows());
    EXPECT_EQ(reader.runs(), i);
  }
}

// R20
TEST_P(ExceptionTest, KeepsTheRemovalsAndAdditionsOfTheThrower) {
  const UniqueFd ready = counter(1);
  const UniqueFd other = counter(1);
  Probe added;
  Probe reader([&] {
    EXPECT_TRUE(reactor_.removeReader(ready.get()));
    addReader(other.get(), added);
    addTimer(0ms, added);
    throw Thrown();
  });
  addReader(ready.get(), reader);
  EXPECT_TRUE(pollThrows());
  EXPECT_EQ(added.runs(), 0u);
  EXPECT_EQ(poll(0ms), 2u);
  EXPECT_EQ(added.runs(), 2u);
  EXPECT_EQ(reader.runs(), 1u);
}

// R20
TEST_P(ExceptionTest, RunsWhatIsStillDueBeforeWhatTheThrowerDeferred) {
  std::vector<int> order;
  Probe deferred([&] { order.push_back(3); });
  Probe thrower([&] {
    addTimer(0ms, deferred);
    throw Thrown();
  });
  Probe first([&] { order.push_back(1); });
  Probe second([&] { order.push_back(2); });
  addTimer(0ms, thrower);
  addTimer(0ms, first);
  addTimer(time_.now(), second);
  EXPECT_TRUE(pollThrows());
  EXPECT_EQ(poll(Reactor::forever), 3u);
  EXPECT_EQ(time_.waits(), (Waits{0ms, 0ms}));
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

// R20
TEST_P(ExceptionTest, LeavesTheOtherDirectionOfAFailedChangeToBeTold) {
  Pair ends = pair();
  Probe reader([] { throw Thrown(); });
  Probe writer;
  addBoth(ends.near.get(), reader, writer);
  ends.near.reset();
  EXPECT_TRUE(pollThrows());
  EXPECT_EQ(poll(50ms), 1u);
  EXPECT_EQ(writer.runs(), 1u);
  EXPECT_EQ(poll(50ms), 0u);
  EXPECT_EQ(reader.runs(), 1u);
}

// R20
TEST_P(ExceptionTest, LeavesAllOtherFailedChangesToBeTold) {
  const Pair healthy = pair();
  Pair first = pair();
  Pair second = pair();
  Probe idle;
  Probe thrower([] { throw Thrown(); });
  Probe others;
  addReader(healthy.near.get(), idle);
  addBoth(first.near.get(), thrower, others);
  addBoth(second.near.get(), others, others);
  first.near.reset();
  second.near.reset();
  EXPECT_TRUE(pollThrows());
  EXPECT_EQ(poll(50ms), 3u);
  EXPECT_EQ(others.runs(), 3u);
  EXPECT_EQ(poll(50ms), 0u);
}

// R20
TEST_P(ExceptionTest, DoesNotHurryTheNextPollForADirectionThatNeedsNotBeToldAnyMore) {
  Pair ends = pair();
  const Fd number = ends.near.get();
  Probe writer;
  Probe reader([&] {
    EXPECT_TRUE(reactor_.removeReader(number));
    EXPECT_TRUE(reactor_.removeWriter(number));
    throw Thrown();
  });
  addBoth(number, reader, writer);
  ends.near.reset();
  EXPECT_TRUE(pollThrows());
  const Clock::duration before = time_.elapsed();
  EXPECT_EQ(poll(50ms), 0u);
  EXPECT_GE(time_.elapsed() - before, 50ms);
}

// R19 R20
TEST_P(ExceptionTest, EndsThePollSoThatAnotherIsNotRefused) {
  Probe timer([] { throw 1; });  // not even an object of a class
  addTimer(0ms, timer);
  EXPECT_THROW(reactor_.poll(0ms), int);
  EXPECT_EQ(poll(0ms), 0u);
}

}  // namespace
}  // namespace kairos
