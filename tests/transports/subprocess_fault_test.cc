// SPDX-License-Identifier: MIT OR Apache-2.0
// A start whose every step fails in turn, here and in the child. T153.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <string>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/child_process.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/subprocess_fixture.h"

namespace kairos {
namespace {

class SubprocessFaultTest : public SubprocessTest {
 protected:
  // All that a start can do.
  std::error_code startAll(SubprocessTransport& child) {
    static constexpr const char* arguments[] = {"/bin/true"};
    SubprocessOptions options = runs(arguments);
    options.input = options.output = Redirect::pipe();
    options.error = Redirect::null();
    options.directory = "/";
    options.newGroup = true;
    options.passed = {&passed_, 1};
    return SubprocessTransport::start(context_, options, child, &failed_);
  }

  // Fails one call after the other, until there is none left to fail. Returns how many failed.
  int failEach(SystemCall call, std::size_t tolerated) {
    for (std::size_t nth = 0;; ++nth) {
      const std::set<Fd> before = openFds();
      SubprocessTransport child;
      failCalls(call, EIO, 1, nth);
      const std::error_code error = startAll(child);
      const bool isOver = !hasFailed(call);
      failCalls(call, 0, 0);
      if (!error) waitForExit(child);
      child.close();
      settle();
      EXPECT_TRUE(hasNoChildren()) << nth;
      EXPECT_TRUE(openedSince(before).empty()) << nth;
      if (isOver) {
        EXPECT_EQ(error, std::error_code());
        EXPECT_EQ(tolerated_, tolerated);
        return static_cast<int>(nth);
      }
      if (!error) ++tolerated_;
      EXPECT_TRUE(!error || error == std::errc::io_error) << nth;
      EXPECT_EQ(!error, failed_ == SpawnStep::none) << nth;
    }
  }

  std::string reportOfDescriptors() {
    const std::string program = runfile("tests/transports/child_report");
    const std::string report =
        outputOf({.input = Redirect::null(), .error = Redirect::null()}, {program.c_str()});
    return report.substr(0, report.find("SigBlk"));
  }

  const UniqueFd keptOpen_ = duplicate(0);
  const Fd passed_ = keptOpen_.get();
  SpawnStep failed_ = SpawnStep::none;
  std::size_t tolerated_ = 0;
};

INSTANTIATE_TEST_SUITE_P(Backends, SubprocessFaultTest, testing::Values(epollKind), backendName);

TEST_P(SubprocessFaultTest, FailsWithPipesAndFiles) {
  EXPECT_EQ(failEach(SystemCall::pipe, 0), 2);
  EXPECT_EQ(failEach(SystemCall::open, 0), 1);
  EXPECT_GE(failEach(SystemCall::fcntl, 0), 4);
}

TEST_P(SubprocessFaultTest, FailsWithTheClone) { EXPECT_EQ(failEach(SystemCall::clone, 0), 1); }

// The process runs already: it is killed and reaped.
TEST_P(SubprocessFaultTest, FailsWhenTheProcessCannotBeWatched) {
  EXPECT_EQ(failEach(SystemCall::epollCtl, 0), 1);
}

// Of the calls in the child only close_range(2) can be done without.
TEST_P(SubprocessFaultTest, FailsWithEachCallInTheChild) {
  EXPECT_EQ(failEach(SystemCall::byNumber, 1), 8);
}

TEST_P(SubprocessFaultTest, NamesTheStep) {
  using Steps = std::vector<SpawnStep>;
  Steps steps;
  for (std::size_t nth = 0; nth < 8; ++nth) {
    SubprocessTransport child;
    failCalls(SystemCall::byNumber, EIO, 1, nth);
    static_cast<void>(startAll(child));
    steps.push_back(failed_);
  }
  const auto place = SpawnStep::descriptors;
  EXPECT_EQ(steps, (Steps{SpawnStep::group, SpawnStep::directory, place, place, place,
                          SpawnStep::none, place, SpawnStep::program}));
}

// Before Linux 5.11 the descriptors are listed; without /proc they are counted through.
TEST_P(SubprocessFaultTest, ClosesDescriptorsOnOldKernels) {
  const UniqueFd inherited(::dup(0));
  const UniqueFd high(::dup(0));
  duplicateTo(0, 900);
  for (const std::size_t failures : {1u, 2u}) {
    // The null device and the pipe are in place: three calls for the standard streams.
    failCalls(SystemCall::byNumber, ENOSYS, failures, 3);
    EXPECT_EQ(reportOfDescriptors(), "fd 0\nfd 1\nfd 2\n") << failures;
    EXPECT_TRUE(hasFailed(SystemCall::byNumber));
  }
  ::close(900);
}

// T162: before Linux 6.9 the number of a group is all there is, which is nobody else's as long as
// its leader is not reaped, by us or behind our back.
TEST_P(SubprocessFaultTest, SignalsNoGroupThatMayBeAnothersOnOldKernels) {
  SubprocessTransport child;
  const auto signalGroup = [&child](int number) {
    failCalls(SystemCall::byNumber, EINVAL);
    const std::error_code error = child.signalGroup(number);
    failCalls(SystemCall::byNumber, 0, 0);
    return error;
  };
  const SubprocessOptions options{
      .input = Redirect::pipe(), .output = Redirect::pipe(), .newGroup = true};
  startShell(child, "sleep 1000 & echo ready; read line; exit 0", options);
  EXPECT_EQ(readLine(child.output()), "ready");
  const pid_t group = child.pid();
  ok(signalGroup(SIGCONT));
  child.input().close();  // the leader ends now, and not in a poll before
  EXPECT_EQ(::waitpid(group, nullptr, 0), group);
  EXPECT_EQ(signalGroup(SIGCONT), std::errc::no_such_process);
  EXPECT_EQ(::kill(-group, SIGKILL), 0) << "the grandchild is there";
  EXPECT_EQ(readAll(child.output()), "");
}

TEST_P(SubprocessFaultTest, FailsWithEachAllocation) {
  for (std::size_t nth = 1;; ++nth) {
    const std::set<Fd> before = openFds();
    SubprocessTransport child;
    bool isOver = false;
    std::error_code error;
    {
      const OutOfMemory outOfMemory(nth, 1);
      error = startAll(child);
      isOver = !outOfMemory.happened();
    }
    if (isOver) {
      EXPECT_FALSE(error);
      EXPECT_GT(nth, 5u);
      waitForExit(child);
      return;
    }
    EXPECT_EQ(error, std::errc::not_enough_memory) << nth;
    EXPECT_TRUE(hasNoChildren());
    EXPECT_TRUE(openedSince(before).empty());
  }
}

TEST_P(SubprocessFaultTest, RefusesATimeLimitWithoutMemory) {
  SubprocessTransport child;
  ok(startAll(child));
  Exit exit;
  // One timer after the other until memory is needed, which then is not there.
  std::vector<Exit> exits(2000);
  std::error_code error;
  {
    const OutOfMemory outOfMemory;
    for (Exit& each : exits) {
      error = child.wait(each, std::chrono::hours(1), Exit::done, &each);
      if (error) break;
    }
  }
  EXPECT_EQ(error, std::errc::not_enough_memory);
  waitForExit(child);
}

}  // namespace
}  // namespace kairos
