// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/simulation.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "kairos/tests/support/probe.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class SimulationTest : public testing::Test {
 protected:
  void addReader(Fd fd, Probe& probe) {
    EXPECT_EQ(reactor_.addReader(fd, Probe::run, &probe), std::error_code());
  }
  PollResult poll(Clock::duration timeout = Reactor::forever) {
    const PollResult result = reactor_.poll(timeout);
    EXPECT_EQ(result.error, std::error_code());
    return result;
  }

  Simulation machine_;
  Reactor reactor_{machine_.makeReactor()};
};

TEST_F(SimulationTest, ATimerOfADayTakesOnePoll) {
  Probe probe;
  reactor_.addTimer(24h + 1ns, Probe::run, &probe);
  EXPECT_EQ(poll().callbacks, 1u);
  EXPECT_EQ(machine_.elapsed(), 24h + 1ns);
  EXPECT_EQ(probe.runs(), 1u);
}

TEST_F(SimulationTest, AFiniteWaitForNothingPasses) {
  EXPECT_EQ(poll(1500ns).callbacks, 0u);
  EXPECT_EQ(machine_.elapsed(), 1500ns);
}

TEST_F(SimulationTest, TheOutsideWorldEndsAWaitAtItsTime) {
  const Simulation::Pair ends = machine_.openPair();
  Probe reader;
  addReader(ends.near, reader);
  Probe sender([&] { EXPECT_EQ(machine_.send(ends.far, "abc").bytes, 3u); });
  Probe earlier([&] { EXPECT_EQ(sender.runs(), 0u); });
  machine_.at(machine_.now() + 7s, Probe::run, &earlier);
  machine_.at(machine_.now() + 7s, Probe::run, &sender);
  EXPECT_EQ(poll().callbacks, 1u);
  EXPECT_EQ(machine_.elapsed(), 7s);
  EXPECT_EQ(earlier.runs(), 1u);
  std::array<char, 8> bytes{};
  EXPECT_EQ(machine_.receive(ends.near, bytes).bytes, 3u);
  EXPECT_EQ(std::string(bytes.data(), 3), "abc");
  EXPECT_EQ(machine_.receive(ends.near, bytes).error, std::errc::resource_unavailable_try_again);
}

TEST_F(SimulationTest, AWaitThatNothingCanEndIsAnError) {
  Probe probe;
  addReader(machine_.openCounter(), probe);
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::timed_out);
  EXPECT_EQ(machine_.elapsed(), 0s);
}

TEST_F(SimulationTest, DescriptorsAreReadyAsTheirContentsSay) {
  const Fd counter = machine_.openCounter();
  Probe probe;
  addReader(counter, probe);
  EXPECT_EQ(poll(0s).callbacks, 0u);
  EXPECT_EQ(machine_.bump(counter), std::error_code());
  EXPECT_EQ(machine_.bump(counter), std::error_code());
  EXPECT_EQ(poll(0s).callbacks, 1u);
  EXPECT_EQ(poll(0s).callbacks, 1u) << "it is still ready";
  EXPECT_EQ(machine_.take(counter), 2u);
  EXPECT_EQ(poll(0s).callbacks, 0u);
  EXPECT_EQ(machine_.take(counter), 0u);
}

TEST_F(SimulationTest, AStreamTakesAsMuchAsItHolds) {
  const Simulation::Pair ends = machine_.openPair();
  Probe writer;
  EXPECT_EQ(reactor_.addWriter(ends.near, Probe::run, &writer), std::error_code());
  EXPECT_EQ(machine_.send(ends.near, std::string(5000, 'x')).bytes, 4096u);
  EXPECT_EQ(machine_.send(ends.near, "y").error, std::errc::resource_unavailable_try_again);
  EXPECT_EQ(poll(0s).callbacks, 0u);
  std::array<char, 100> bytes{};
  EXPECT_EQ(machine_.receive(ends.far, bytes).bytes, bytes.size());
  EXPECT_EQ(poll(0s).callbacks, 1u);
}

TEST_F(SimulationTest, StreamsEndAndBreak) {
  const Simulation::Pair ended = machine_.openPair();
  const Simulation::Pair broken = machine_.openPair();
  Probe readers[2];
  addReader(ended.near, readers[0]);
  addReader(broken.near, readers[1]);
  EXPECT_EQ(machine_.shutDown(ended.far), std::error_code());
  EXPECT_EQ(machine_.reset(broken.far), std::error_code());
  EXPECT_EQ(poll(0s).callbacks, 2u);
  std::array<char, 1> byte{};
  EXPECT_EQ(machine_.receive(ended.near, byte).error, std::error_code());
  EXPECT_EQ(machine_.receive(broken.near, byte).error, std::errc::connection_reset);
  EXPECT_EQ(machine_.receive(broken.near, byte).error, std::error_code()) << "told once";
  EXPECT_EQ(machine_.send(broken.near, "x").error, std::errc::broken_pipe);
}

TEST_F(SimulationTest, NumbersAreGivenLowestFirst) {
  EXPECT_EQ(machine_.openCounter(), 0);
  EXPECT_EQ(machine_.openRegularFile(), 1);
  EXPECT_EQ(machine_.duplicate(0), 2);
  EXPECT_TRUE(machine_.close(1));
  EXPECT_FALSE(machine_.close(1));
  EXPECT_EQ(machine_.duplicate(1), -1);
  EXPECT_EQ(machine_.openPair().far, 3);
}

TEST_F(SimulationTest, WhatCannotBeWatchedIsRefused) {
  Probe probe;
  const auto refusal = [&](Fd fd) { return reactor_.addReader(fd, Probe::run, &probe); };
  EXPECT_EQ(refusal(machine_.openRegularFile()), std::errc::operation_not_permitted);
  EXPECT_EQ(refusal(7), std::errc::bad_file_descriptor);
  EXPECT_EQ(machine_.send(7, "x").error, std::errc::bad_file_descriptor);
  EXPECT_EQ(machine_.bump(0), std::errc::invalid_argument);
}

TEST_F(SimulationTest, AnotherReactorComesAfterTheFirst) {
  const Fd counter = machine_.openCounter();
  machine_.bump(counter);
  Probe probe;
  {
    Reactor first = machine_.makeReactor();
    EXPECT_EQ(first.addReader(counter, Probe::run, &probe), std::error_code());
  }
  addReader(counter, probe);
  EXPECT_EQ(poll(0s).callbacks, 1u);
}

// IR3: the reactor leaves an ended registration behind, which the machine has as Linux has it.
TEST_F(SimulationTest, AFileThatWasClosedFirstIsReportedUntilTheReactorMoves) {
  const Fd counter = machine_.openCounter();
  machine_.bump(counter);
  Probe probe;
  addReader(counter, probe);
  machine_.duplicate(counter);
  machine_.close(counter);
  EXPECT_EQ(poll(0s).callbacks, 1u) << "the file is still open";
  EXPECT_TRUE(reactor_.removeReader(counter));
  EXPECT_EQ(poll(1s).callbacks, 0u);
  EXPECT_EQ(machine_.elapsed(), 0s);
  EXPECT_EQ(poll(1s).callbacks, 0u);
  EXPECT_EQ(machine_.elapsed(), 1s);
}

// ---- Choices

// What a machine makes of the same program.
struct Story {
  std::vector<Clock::duration> ends;  // of polls for 1 ms
  std::vector<Fd> order;
  friend bool operator==(const Story&, const Story&) = default;
};

Story tell(Simulation& machine) {
  Story story;
  Reactor reactor = machine.makeReactor();
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(reactor.poll(1ms).error, std::error_code());
    story.ends.push_back(machine.elapsed());
  }
  std::vector<Probe> probes(20);
  for (Probe& probe : probes) {
    const Fd counter = machine.openCounter();
    machine.bump(counter);
    probe.setAction([&story, counter] { story.order.push_back(counter); });
    EXPECT_EQ(reactor.addReader(counter, Probe::run, &probe), std::error_code());
  }
  for (int i = 0; i < 50; ++i) EXPECT_EQ(reactor.poll(0s).error, std::error_code());
  return story;
}

Story storyOf(std::uint64_t seed) {
  Simulation machine(seed);
  return tell(machine);
}

TEST(SimulationChoicesTest, TheSeedDecidesAll) {
  EXPECT_EQ(storyOf(7), storyOf(7));
  EXPECT_NE(storyOf(7), storyOf(8));
}

TEST(SimulationChoicesTest, WithoutChoicesNothingUnusualHappens) {
  Simulation machine;
  const Story calm = tell(machine);
  for (std::size_t i = 0; i < calm.ends.size(); ++i) EXPECT_EQ(calm.ends[i], (i + 1) * 1ms);
  for (std::size_t i = 0; i < calm.order.size(); ++i) EXPECT_EQ(calm.order[i], Fd(i % 20));
  EXPECT_EQ(calm.order.size(), 1000u);
  const std::vector<std::uint8_t> zeros(100);
  Simulation zero(zeros);
  EXPECT_EQ(tell(zero), calm);
}

TEST(SimulationChoicesTest, WithChoicesWaitsAndOrderVary) {
  const Story wild = storyOf(7);
  Clock::duration before{};
  int early = 0;
  int late = 0;
  for (const Clock::duration end : wild.ends) {
    early += end - before < 1ms;
    late += end - before > 1ms;
    EXPECT_LE(end - before, 18ms);
    before = end;
  }
  EXPECT_GT(early, 2);
  EXPECT_GT(late, 2);
  EXPECT_LT(wild.order.size(), 1000u) << "no batch was short, no wait interrupted";
  EXPECT_GT(wild.order.size(), 600u);
}

TEST(SimulationChoicesTest, TheTestChoosesFromTheSameTape) {
  const std::vector<std::uint8_t> tape{5, 1, 2, 255};
  Simulation machine(tape);
  EXPECT_EQ(machine.choose(256), 5u);
  EXPECT_EQ(machine.choose(1000), 0x102u % 1000);
  EXPECT_EQ(machine.choose(10), 5u);
  EXPECT_EQ(machine.choose(10), 0u) << "after the end";
}

TEST(SimulationChoicesTest, RefusalsAreMetByThoseWhoWantThem) {
  Simulation machine(3);
  SimulatedFaults faults;
  faults.refusedAddition = 1;
  faults.refusedWait = 1;
  machine.setFaults(faults);
  Reactor reactor = machine.makeReactor();
  const Fd counter = machine.openCounter();
  Probe probe;
  const std::error_code refused = reactor.addReader(counter, Probe::run, &probe);
  EXPECT_TRUE(refused == std::errc::not_enough_memory || refused == std::errc::no_space_on_device);
  EXPECT_EQ(reactor.poll(1ms).error, std::errc::not_enough_memory);
  machine.setFaults({});
  EXPECT_EQ(reactor.addReader(counter, Probe::run, &probe), std::error_code());
}

}  // namespace
}  // namespace kairos
