// SPDX-License-Identifier: MIT OR Apache-2.0
// The batch of one poll: its order, its fairness, and what callbacks do to it. On virtual time.
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/conformance/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class DispatchTest : public VirtualTimeTest {
 protected:
  // A descriptor that stays ready to read, with a probe on it.
  Probe& addReadyReader() {
    counters_.push_back(counter(1));
    probes_.emplace_back();
    addReader(counters_.back().get(), probes_.back());
    return probes_.back();
  }

  // Polls until the backend has grown its batch to what is ready.
  void warmUp() {
    for (int i = 0; i < 8; ++i) poll(0ms);
  }

  std::size_t runs() const {
    std::size_t sum = 0;
    for (const Probe& probe : probes_) sum += probe.runs();
    return sum;
  }

  std::deque<UniqueFd> counters_;
  std::deque<Probe> probes_;
};

INSTANTIATE_TEST_SUITE_P(Backends, DispatchTest, backends(), backendName);

// R06
TEST_P(DispatchTest, RunsAllThatIsReadyAndDueInOnePollAndNothingMore) {
  for (int i = 0; i < 100; ++i) addReadyReader();
  warmUp();
  Probe deferred;
  for (Probe& probe : probes_) probe.setAction([&] { addTimer(0ms, deferred); });
  Probe timer([&] { addTimer(time_.now(), deferred); });
  for (int i = 0; i < 100; ++i) addTimer(time_.now(), timer);
  const std::size_t before = runs();
  EXPECT_EQ(poll(0ms), 200u);
  EXPECT_EQ(runs() - before, 100u);
  EXPECT_EQ(timer.runs(), 100u);
  EXPECT_EQ(deferred.runs(), 0u);
  for (Probe& probe : probes_) probe.setAction({});
  EXPECT_EQ(poll(0ms), 300u);
  EXPECT_EQ(deferred.runs(), 200u);
}

// R16
TEST_P(DispatchTest, RunsDescriptorsInTheOrderOfTheOsAndThenTimersInTheirs) {
  std::vector<Fd> order;
  for (int i = 0; i < 10; ++i) {
    Probe& probe = addReadyReader();
    probe.setAction([&order, fd = counters_.back().get()] { order.push_back(fd); });
  }
  std::deque<Probe> timers;
  for (const int delay : {3, 1, 2}) {
    timers.emplace_back([&order, delay] { order.push_back(-delay); });
    addTimer(delay * 1ms, timers.back());
  }
  time_.advance(3ms);
  EXPECT_EQ(poll(0ms), 13u);
  std::vector<Fd> expected = time_.lastBatch();
  ASSERT_EQ(expected.size(), 10u);
  expected.insert(expected.end(), {-1, -2, -3});
  EXPECT_EQ(order, expected);
}

// R16
TEST_P(DispatchTest, DoesNotRunADueTimerThatAReaderRemoves) {
  Probe timeout;
  const TimerId timer = addTimer(time_.now(), timeout);
  Probe& reader = addReadyReader();
  reader.setAction([&] { EXPECT_TRUE(reactor_.removeTimer(timer)); });
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(timeout.runs(), 0u);
}

// R19
TEST_P(DispatchTest, RefusesAPollInsideAnyCallbackAndGoesOn) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  std::vector<std::string> log;
  const auto nested = [&](const char* name) {
    return [&, name] {
      log.push_back(name);
      for (const Clock::duration timeout : {Clock::duration(0), Reactor::forever}) {
        const PollResult result = reactor_.poll(timeout);
        EXPECT_EQ(result.error, std::errc::operation_in_progress);
        EXPECT_EQ(result.callbacks, 0u);
      }
    };
  };
  Probe reader(nested("reader"));
  Probe writer(nested("writer"));
  Probe first(nested("first timer"));
  Probe second(nested("second timer"));
  addBoth(ends.near.get(), reader, writer);
  addTimer(time_.now(), first);
  addTimer(time_.now(), second);
  EXPECT_EQ(poll(0ms), 4u);
  EXPECT_EQ(log, (std::vector<std::string>{"reader", "writer", "first timer", "second timer"}));
  EXPECT_EQ(time_.waits().size(), 1u);
  EXPECT_EQ(poll(0ms), 2u) << "no longer inside a callback";
}

// R21
TEST_P(DispatchTest, ServesMoreDescriptorsThanABatchInTurn) {
  const std::size_t wanted = 1500;
  const std::size_t many = std::min(wanted, raiseFdLimit() - 100);
  for (std::size_t i = 0; i < many; ++i) addReadyReader();
  std::size_t batch = many;
  std::size_t polls = 0;
  for (; polls < 50; ++polls) batch = std::min(batch, poll(0ms));
  std::size_t least = polls;
  std::size_t most = 0;
  for (const Probe& probe : probes_) {
    least = std::min(least, probe.runs());
    most = std::max(most, probe.runs());
  }
  EXPECT_GE(least, polls * batch / many);
  EXPECT_LE(most - least, 1u);
}

// R21
TEST_P(DispatchTest, GrowsABatchAndKeepsItBounded) {
  const std::size_t wanted = 3000;
  const std::size_t many = std::min(wanted, raiseFdLimit() - 100);
  for (std::size_t i = 0; i < many; ++i) addReadyReader();
  warmUp();
  const std::size_t batch = poll(0ms);
  EXPECT_GE(batch, std::min<std::size_t>(many, 1000));
  EXPECT_LE(batch, 1024u);
}

// R74
TEST_P(DispatchTest, RunsAHundredReadersInAFewPolls) {
  for (int i = 0; i < 100; ++i) {
    Probe& probe = addReadyReader();
    probe.setAction([this, fd = counters_.back().get()] { drain(fd); });
  }
  std::size_t polls = 0;
  while (poll(0ms) > 0) ++polls;
  EXPECT_EQ(runs(), 100u);
  EXPECT_LE(polls, 4u);
  for (const Probe& probe : probes_) EXPECT_EQ(probe.runs(), 1u);
}

TEST_P(DispatchTest, ServesItsBatchWhileACallbackAddsMany) {
  const std::size_t readyFromTheStart = 10;
  for (std::size_t i = 0; i < readyFromTheStart; ++i) addReadyReader();
  bool done = false;
  for (Probe& probe : probes_) {
    probe.setAction([&] {
      if (std::exchange(done, true)) return;
      for (int i = 0; i < 500; ++i) addReadyReader();
    });
  }
  EXPECT_EQ(poll(0ms), readyFromTheStart);
  for (std::size_t i = 0; i < readyFromTheStart; ++i) EXPECT_EQ(probes_[i].runs(), 1u);
  EXPECT_EQ(runs(), readyFromTheStart);
}

// R51
TEST_P(DispatchTest, DoesNotRunAReaderThatAnotherReaderOfItsBatchRemoved) {
  Probe& first = addReadyReader();
  Probe& second = addReadyReader();
  std::size_t removed = 0;
  const auto removeTheOther = [&](std::size_t other) {
    return [&, other] { removed += reactor_.removeReader(counters_[other].get()) ? 1u : 0u; };
  };
  first.setAction(removeTheOther(1));
  second.setAction(removeTheOther(0));
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(removed, 1u);
  EXPECT_EQ(std::max(first.runs(), second.runs()), 2u) << "the one that was first";
}

TEST_P(DispatchTest, TakesNoRemovalByACallbackForAnOrphan) {
  for (int i = 0; i < 3; ++i) addReadyReader();
  for (Probe& probe : probes_) {
    probe.setAction([&] {
      for (const UniqueFd& other : counters_) reactor_.removeReader(other.get());
    });
  }
  EXPECT_EQ(poll(50ms), 1u);
  EXPECT_EQ(poll(50ms), 0u);
  EXPECT_EQ(time_.reopenings(), 0u) << "no registration has to move";
}

// R52
TEST_P(DispatchTest, GivesNoEventToAReaderThatIsYoungerThanIt) {
  Probe& first = addReadyReader();
  Probe& second = addReadyReader();
  Probe young;
  bool done = false;
  const auto replaceTheOther = [&](std::size_t other) {
    return [&, other] {
      if (std::exchange(done, true)) return;
      EXPECT_TRUE(reactor_.removeReader(counters_[other].get()));
      addReader(counters_[other].get(), young);
    };
  };
  first.setAction(replaceTheOther(1));
  second.setAction(replaceTheOther(0));
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(young.runs(), 0u);
  EXPECT_EQ(poll(0ms), 2u);
  EXPECT_EQ(young.runs(), 1u);
  EXPECT_EQ(first.runs() + second.runs(), 2u) << "the replaced one never ran";
}

// R53
TEST_P(DispatchTest, GivesNoEventToANewFileThatGotTheNumberOfAnOldOne) {
  Probe& first = addReadyReader();
  Probe& second = addReadyReader();
  Probe young;
  bool done = false;
  const auto reopenTheOther = [&](std::size_t other) {
    return [&, other] {
      if (std::exchange(done, true)) return;
      const Fd number = counters_[other].get();
      EXPECT_TRUE(reactor_.removeReader(number));
      counters_[other].reset();
      counters_[other] = counter(1);  // the lowest free number
      ASSERT_EQ(counters_[other].get(), number);
      addReader(number, young);
    };
  };
  first.setAction(reopenTheOther(1));
  second.setAction(reopenTheOther(0));
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(young.runs(), 0u);
  EXPECT_EQ(poll(0ms), 2u) << "the new file is ready for itself";
  EXPECT_EQ(young.runs(), 1u);
  EXPECT_EQ(first.runs() + second.runs(), 2u);
}

// R53
TEST_P(DispatchTest, GivesNoEventToASilentFileThatGotTheNumberOfAReadyOne) {
  Probe& first = addReadyReader();
  Probe& second = addReadyReader();
  Probe young;
  const auto reopenTheOther = [&](std::size_t other) {
    return [&, other] {
      reactor_.removeReader(counters_[other].get());
      counters_[other].reset();
      counters_[other] = counter(0);
      addReader(counters_[other].get(), young);
      probes_[1 - other].setAction({});
    };
  };
  first.setAction(reopenTheOther(1));
  second.setAction(reopenTheOther(0));
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(young.runs(), 0u);
}

TEST_P(DispatchTest, GivesNoEventToTheOtherDirectionThatIsYoungerThanIt) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe writer;
  Probe reader;
  reader.setAction([&] {
    if (reader.runs() == 1) addWriter(ends.near.get(), writer);
  });
  addReader(ends.near.get(), reader);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(writer.runs(), 0u);
  EXPECT_EQ(poll(0ms), 2u);
  EXPECT_EQ(writer.runs(), 1u);
}

TEST_P(DispatchTest, GivesNoHangUpToTheOtherDirectionThatIsYoungerThanIt) {
  Pair ends = pair();
  ends.far.reset();
  Probe writer;
  Probe reader;
  reader.setAction([&] {
    if (reader.runs() == 1) addWriter(ends.near.get(), writer);
  });
  addReader(ends.near.get(), reader);
  EXPECT_EQ(poll(0ms), 1u) << "although a hang-up is an event of both";
  EXPECT_EQ(poll(0ms), 2u);
}

TEST_P(DispatchTest, GivesNoEventToAWriterThatItsReaderReplaced) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe old;
  Probe young;
  Probe reader;
  reader.setAction([&] {
    if (reader.runs() > 1) return;
    EXPECT_TRUE(reactor_.removeWriter(ends.near.get()));
    addWriter(ends.near.get(), young);
  });
  addBoth(ends.near.get(), reader, old);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(old.runs() + young.runs(), 0u);
  EXPECT_EQ(poll(0ms), 2u);
  EXPECT_EQ(young.runs(), 1u);
}

TEST_P(DispatchTest, DoesNotRunAWriterThatItsReaderRemoved) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe writer;
  Probe reader([&] { reactor_.removeWriter(ends.near.get()); });
  addBoth(ends.near.get(), reader, writer);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(writer.runs(), 0u);
}

TEST_P(DispatchTest, RunsTheWriterOfAReaderThatRemovedItself) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  Probe writer;
  Probe reader([&] { reactor_.removeReader(ends.near.get()); });
  addBoth(ends.near.get(), reader, writer);
  EXPECT_EQ(poll(0ms), 2u);
  EXPECT_EQ(writer.runs(), 1u);
}

TEST_P(DispatchTest, GivesNoEventToAReaderThatReaddedItself) {
  Probe& reader = addReadyReader();
  reader.setAction([&] {
    EXPECT_TRUE(reactor_.removeReader(counters_[0].get()));
    addReader(counters_[0].get(), reader);
  });
  for (std::size_t polls = 1; polls <= 3; ++polls) {
    EXPECT_EQ(poll(0ms), 1u);
    EXPECT_EQ(reader.runs(), polls);
  }
}

// Removes its registration and is gone before its callback returns.
struct SelfFreeing {
  Reactor& reactor;
  Fd fd;
  std::size_t& freed;

  static void run(void* udata) {
    const std::unique_ptr<SelfFreeing> self(static_cast<SelfFreeing*>(udata));
    ++self->freed;
    self->reactor.removeReader(self->fd);
    self->reactor.removeWriter(self->fd);
  }
};

TEST_P(DispatchTest, TouchesNoUserDataThatACallbackFreed) {
  const Pair read = pair();
  const Pair write = pair();
  writeByte(read.far.get());
  std::size_t freed = 0;
  const auto make = [&](const Pair& ends) {
    return new SelfFreeing{reactor_, ends.near.get(), freed};
  };
  EXPECT_FALSE(reactor_.addReader(read.near.get(), SelfFreeing::run, make(read)));
  EXPECT_FALSE(reactor_.addWriter(write.near.get(), SelfFreeing::run, make(write)));
  reactor_.addTimer(time_.now(), SelfFreeing::run, make(read));
  EXPECT_EQ(poll(0ms), 3u);
  EXPECT_EQ(freed, 3u);
  EXPECT_EQ(poll(0ms), 0u);
}

}  // namespace
}  // namespace kairos
