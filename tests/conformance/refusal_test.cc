// SPDX-License-Identifier: MIT OR Apache-2.0
// What the reactor does when the OS refuses a call or lacks it.
#include <gtest/gtest.h>

#include <cerrno>
#include <limits>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/system_calls.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// On the seam: the same on every backend.
using RefusalTest = VirtualTimeTest;

INSTANTIATE_TEST_SUITE_P(Backends, RefusalTest, backends(), backendName);

// R79
TEST_P(RefusalTest, LeavesTheSlotEmptyWhenTheOsRefusesToWatch) {
  const UniqueFd ready = counter(1);
  Probe probe;
  for (const std::errc error : {std::errc::no_space_on_device, std::errc::not_enough_memory}) {
    time_.failWatch(error);
    EXPECT_EQ(reactor_.addReader(ready.get(), Probe::run, &probe), error);
    EXPECT_FALSE(reactor_.removeReader(ready.get()));
    time_.failWatch(error);
    EXPECT_EQ(reactor_.addWriter(ready.get(), Probe::run, &probe), error);
    EXPECT_FALSE(reactor_.removeWriter(ready.get()));
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
  }
  addReader(ready.get(), probe);
  EXPECT_EQ(poll(0ms), 1u);
}

// R79
TEST_P(RefusalTest, LeavesTheOthersAloneWhenTheOsRefusesToWatchOne) {
  const UniqueFd ready = counter(1);
  const UniqueFd refused = counter(1);
  Probe probe;
  addReader(ready.get(), probe);
  time_.failWatch(std::errc::no_space_on_device);
  EXPECT_EQ(reactor_.addReader(refused.get(), Probe::run, &probe), std::errc::no_space_on_device);
  EXPECT_EQ(poll(0ms), 1u);
}

// The errors of the calls themselves.
class EpollCallTest : public ConformanceTest<RealTime> {};

INSTANTIATE_TEST_SUITE_P(Backends, EpollCallTest, testing::Values(epollKind), backendName);

// R79
TEST_P(EpollCallTest, ReportsTheErrorOfEpollCtl) {
  const UniqueFd ready = counter(1);
  Probe probe;
  for (const int error : {ENOSPC, ENOMEM}) {
    failCalls(SystemCall::epollCtl, error);
    EXPECT_EQ(reactor_.addReader(ready.get(), Probe::run, &probe),
              std::error_condition(error, std::generic_category()));
    EXPECT_FALSE(reactor_.removeReader(ready.get()));
  }
  addReader(ready.get(), probe);
  EXPECT_EQ(poll(0ms), 1u);
}

// R79
TEST_P(EpollCallTest, ReportsTheErrorOfItsSecondTry) {
  const UniqueFd ready = counter(1);
  Probe probe;
  failCalls(SystemCall::epollCtl, EEXIST);  // a change, which it then tries, finds nothing
  EXPECT_EQ(reactor_.addReader(ready.get(), Probe::run, &probe),
            std::errc::no_such_file_or_directory);
  EXPECT_FALSE(reactor_.removeReader(ready.get()));
}

// Two calls for each registration that moves: whether it is still good, and its addition.
TEST_P(EpollCallTest, LosesNothingWhenTheMoveToANewSetIsRefused) {
  const UniqueFd counters[] = {counter(), counter()};
  Probe probes[2];
  for (const std::size_t i : {0u, 1u}) addReader(counters[i].get(), probes[i]);
  for (const std::size_t additionsBefore : {0u, 1u}) {
    Pair orphan = pair();
    const UniqueFd copy = duplicate(orphan.near.get());
    Probe probe;
    addReader(orphan.near.get(), probe);
    const Fd number = orphan.near.get();
    writeByte(orphan.far.get());
    orphan.near.reset();
    EXPECT_TRUE(reactor_.removeReader(number));
    EXPECT_EQ(poll(0ms), 0u) << "the orphan is noticed";
    failCalls(SystemCall::epollCtl, ENOMEM, 1, 2 * additionsBefore + 1);
    EXPECT_EQ(poll(0ms), 0u);
    EXPECT_TRUE(hasFailed(SystemCall::epollCtl));
    for (const UniqueFd& silent : counters) bump(silent.get());
    EXPECT_EQ(poll(0ms), 2u);
    for (const UniqueFd& ready : counters) drain(ready.get());
  }
}

TEST_P(EpollCallTest, WaitsInMillisecondsRoundedUpWhereTheOsHasNothingFiner) {
  const UniqueFd silent = counter();
  Probe probe;
  addReader(silent.get(), probe);
  for (const int error : {ENOSYS, EPERM}) {
    Reactor reactor{detail::ReactorAccess::create(time_.open())};
    failCalls(SystemCall::epollPwait2, error, 1000);
    const SystemCallCount calls;
    for (const auto timeout : {1ns, 999'999ns, 1'000'001ns}) {
      const auto before = time_.elapsed();
      EXPECT_FALSE(reactor.poll(timeout).error);
      EXPECT_GE(time_.elapsed() - before, timeout);
      EXPECT_EQ(lastTimeoutMs(), timeout <= 1ms ? 1 : 2);
    }
    EXPECT_EQ(calls[SystemCall::epollPwait2], 1u) << "asked for once";
    EXPECT_EQ(calls[SystemCall::epollWait], 3u);
    failCalls(SystemCall::epollPwait2, 0, 0);
  }
}

class WaitCallTest : public ConformanceTest<RealTime> {
 protected:
  static void failWaits(int error, std::size_t times) {
    for (const SystemCall call :
         {SystemCall::epollWait, SystemCall::epollPwait2, SystemCall::poll}) {
      failCalls(call, error, times);
    }
  }
  ~WaitCallTest() override { failWaits(0, 0); }

  const UniqueFd ready_ = counter(1);
  Probe reader_;
};

INSTANTIATE_TEST_SUITE_P(Backends, WaitCallTest, backends(), backendName);

TEST_P(WaitCallTest, ReportsTheErrorOfTheCallInEachPoll) {
  addReader(ready_.get(), reader_);
  failWaits(ENOMEM, 3);
  std::size_t polls = 0;
  for (; polls < 3; ++polls) {
    EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::not_enough_memory);
  }
  EXPECT_EQ(reader_.runs(), 0u);
  failWaits(0, 0);
  EXPECT_EQ(poll(Reactor::forever), 1u);
}

// R23
TEST_P(WaitCallTest, IsCutWhereItIsLongerThanTheOsTakes) {
  addReader(ready_.get(), reader_);
  failCalls(SystemCall::epollPwait2, ENOSYS);
  for (const Clock::duration timeout :
       {Reactor::forever - 1ns, std::numeric_limits<int>::max() * Clock::duration(1ms) + 1ns}) {
    EXPECT_EQ(poll(timeout), 1u);
    EXPECT_EQ(lastTimeoutMs(), std::numeric_limits<int>::max());
  }
}

TEST_P(WaitCallTest, TakesAnInterruptionForAnEarlyEnd) {
  addReader(ready_.get(), reader_);
  Probe timer;
  addTimer(0ms, timer);
  failWaits(EINTR, 1);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(timer.runs(), 1u);
  failWaits(0, 0);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(reader_.runs(), 1u);
}

}  // namespace
}  // namespace kairos
