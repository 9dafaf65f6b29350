// SPDX-License-Identifier: MIT OR Apache-2.0
// Which system calls the reactor makes, and when. On the clock of the machine.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <vector>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/system_calls.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class SystemCallTest : public RealTimeTest {
 protected:
  // What the kernel watches the near end for, as EPOLL* bits; nothing without a kernel set.
  std::uint32_t watched() const {
    std::uint32_t mask = 0;
    for (const Fd epoll : epollFds()) {
      const auto set = kernelSet(epoll);
      const auto found = set.find(ends_.near.get());
      if (found != set.end()) mask |= found->second;
    }
    return mask & (EPOLLIN | EPOLLOUT);
  }
  // As much of a mask as this backend's kernel can know.
  std::uint32_t ifKernelSet(std::uint32_t mask) const { return GetParam().hasKernelSet ? mask : 0; }

  const Pair ends_ = pair();
  Probe reader_;
  Probe writer_;
};

INSTANTIATE_TEST_SUITE_P(Backends, SystemCallTest, backends(), backendName);

// R25
TEST_P(SystemCallTest, WaitsOncePerPollAndReadsTheClockTwiceAtMost) {
  if (underValgrind()) GTEST_SKIP() << "valgrind does not know epoll_pwait2, which is tried once";
  Probe timer;
  addReader(ends_.near.get(), reader_);
  const SystemCallCount without;
  for (const Clock::duration timeout :
       {Clock::duration(0), Clock::duration(1), Clock::duration(1us), Clock::duration(1ms)}) {
    for (int i = 0; i < 10; ++i) poll(timeout);
  }
  EXPECT_EQ(without.waits(), 40u);
  EXPECT_EQ(without[SystemCall::clock], 0u);
  addTimer(1h, timer);
  const SystemCallCount with;
  for (int i = 0; i < 20; ++i) poll(1us);
  EXPECT_EQ(with.waits(), 20u);
  EXPECT_LE(with[SystemCall::clock], 40u);
  EXPECT_GE(with[SystemCall::clock], 20u);
  EXPECT_EQ(with[SystemCall::epollCtl], 0u);
}

// R10 R19
TEST_P(SystemCallTest, DoesNotWaitWhenAPollIsRefused) {
  const SystemCallCount calls;
  EXPECT_TRUE(reactor_.poll(Reactor::forever).error);
  EXPECT_EQ(calls.waits(), 0u);
  Probe timer([&] { EXPECT_TRUE(reactor_.poll(0ms).error); });
  addTimer(0ms, timer);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(calls.waits(), 1u);
}

// R22
TEST_P(SystemCallTest, ReadsNoWallClock) {
  const SystemCallCount calls;
  Probe timer;
  addReader(ends_.near.get(), reader_);
  addTimer(1us, timer);
  addTimer(time_.now(), timer);
  while (timer.runs() < 2) poll(Reactor::forever);
  EXPECT_EQ(calls[SystemCall::wallClock], 0u);
  (void)std::chrono::system_clock::now();
  (void)std::time(nullptr);
  EXPECT_EQ(calls[SystemCall::wallClock], 2u) << "this count would have seen it";
}

// R66
TEST_P(SystemCallTest, TellsTheKernelOfAdditionAndRemovalAtOnce) {
  addReader(ends_.near.get(), reader_);
  EXPECT_EQ(watched(), ifKernelSet(EPOLLIN));
  EXPECT_TRUE(reactor_.removeReader(ends_.near.get()));
  EXPECT_EQ(watched(), 0u);
  addWriter(ends_.near.get(), writer_);
  EXPECT_EQ(watched(), ifKernelSet(EPOLLOUT));
  addReader(ends_.near.get(), reader_);
  EXPECT_TRUE(reactor_.removeWriter(ends_.near.get()));
  EXPECT_TRUE(reactor_.removeReader(ends_.near.get()));
  EXPECT_EQ(watched(), 0u);
  EXPECT_EQ(poll(0ms), 0u);
}

// R66
TEST_P(SystemCallTest, TellsTheKernelOfASecondDirectionInTheNextPoll) {
  addReader(ends_.near.get(), reader_);
  const SystemCallCount calls;
  for (int i = 0; i < 10; ++i) {
    addWriter(ends_.near.get(), writer_);
    EXPECT_TRUE(reactor_.removeWriter(ends_.near.get()));
  }
  EXPECT_EQ(poll(0ms), 0u);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
  addWriter(ends_.near.get(), writer_);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(calls[SystemCall::epollCtl], ifKernelSet(1));
  EXPECT_EQ(watched(), ifKernelSet(EPOLLIN | EPOLLOUT));
  EXPECT_TRUE(reactor_.removeReader(ends_.near.get()));
  EXPECT_EQ(poll(0ms), 1u);
  EXPECT_EQ(calls[SystemCall::epollCtl], ifKernelSet(2));
  EXPECT_EQ(watched(), ifKernelSet(EPOLLOUT));
}

// R67
TEST_P(SystemCallTest, TellsTheKernelNothingPerMessage) {
  Probe reader([&] { drain(ends_.near.get()); });
  addReader(ends_.near.get(), reader);
  const SystemCallCount calls;
  for (int i = 0; i < 10'000; ++i) {
    writeByte(ends_.far.get());
    poll(Reactor::forever);
  }
  EXPECT_EQ(reader.runs(), 10'000u);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
  EXPECT_EQ(calls.waits(), 10'000u);
}

// Ends the process at any system call but waiting, reading the clock, and exiting.
void allowWaitingOnly() {
  constexpr std::uint16_t load = BPF_LD | BPF_W | BPF_ABS;
  constexpr std::uint16_t ifEqual = BPF_JMP | BPF_JEQ | BPF_K;
  constexpr std::uint16_t answer = BPF_RET | BPF_K;
  std::vector<sock_filter> filter{{load, 0, 0, offsetof(seccomp_data, nr)}};
  for (const int call :
       {SYS_epoll_wait, SYS_epoll_pwait2, SYS_poll, SYS_clock_gettime, SYS_exit_group}) {
    filter.push_back({ifEqual, 0, 1, static_cast<std::uint32_t>(call)});
    filter.push_back({answer, 0, 0, SECCOMP_RET_ALLOW});
  }
  filter.push_back({answer, 0, 0, SECCOMP_RET_KILL_PROCESS});
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) ::_exit(2);
}

void pollInEveryWay(Reactor& reactor, Fd readable, Probe& probe) {
  for (int i = 0; i < 100; ++i) {
    reactor.addTimer(i * 1us, Probe::run, &probe);
    (void)reactor.addWriter(readable, Probe::run, &probe);
    reactor.removeWriter(readable);
    reactor.poll(i * 1us);
    reactor.poll(i * 1ms);
  }
}

// A child that polls, and calls `last` where only waiting is allowed; its status.
template <class Last>
int pollWhereOnlyWaitingIsAllowed(const BackendKind& kind, Last last) {
  const pid_t child = ::fork();
  if (child == 0) {
    Reactor reactor{detail::ReactorAccess::create(kind.open())};
    const Pair ends = pair();
    writeByte(ends.far.get());
    Probe probe;
    (void)reactor.addReader(ends.near.get(), Probe::run, &probe);
    pollInEveryWay(reactor, ends.near.get(), probe);  // what is needed once is there now
    allowWaitingOnly();
    pollInEveryWay(reactor, ends.near.get(), probe);
    last();
    ::syscall(SYS_exit_group, 0);  // _exit() is announced to a sanitizer, which then makes calls
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return status;
}

// R25
TEST_P(SystemCallTest, MakesNoSystemCallButWaiting) {
  if (underValgrind()) GTEST_SKIP() << "valgrind makes system calls of its own";
  const int status = pollWhereOnlyWaitingIsAllowed(GetParam(), [] {});
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  const int control = pollWhereOnlyWaitingIsAllowed(GetParam(), [] { ::getppid(); });
  EXPECT_TRUE(WIFSIGNALED(control)) << "another call would have been seen";
}

}  // namespace
}  // namespace kairos
