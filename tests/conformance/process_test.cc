// SPDX-License-Identifier: MIT OR Apache-2.0
// A reactor in its process: what it opens and closes, fork, and misuse that aborts.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/process_state.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class ProcessTest : public testing::TestWithParam<BackendKind> {
 protected:
  static void SetUpTestSuite() { testing::GTEST_FLAG(death_test_style) = "threadsafe"; }

  // One that can be destroyed at will.
  std::unique_ptr<Reactor> makeReactor() const {
    return std::unique_ptr<Reactor>(new Reactor{detail::ReactorAccess::create(GetParam().open())});
  }

  // The status of a forked child that did this and exited.
  template <class Action>
  static int inChild(Action action) {
    const pid_t child = ::fork();
    if (child == 0) {
      action();
      ::_exit(0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, ProcessTest, backends(), backendName);

// R71
TEST_P(ProcessTest, ForgetsAllWithoutRunningOrClosingAnythingWhenDestroyed) {
  const std::set<Fd> before = openFds();
  {
    const Pair ends = pair();
    writeByte(ends.far.get());
    const std::set<Fd> users = openFds();
    Probe probe;
    auto reactor = makeReactor();
    EXPECT_FALSE(reactor->addReader(ends.near.get(), Probe::run, &probe));
    EXPECT_FALSE(reactor->addWriter(ends.near.get(), Probe::run, &probe));
    EXPECT_NE(reactor->addTimer(0ms, Probe::run, &probe), TimerId::none);
    EXPECT_NE(reactor->addTimer(1h, Probe::run, &probe), TimerId::none);
    reactor.reset();
    EXPECT_EQ(probe.runs(), 0u);
    EXPECT_EQ(openFds(), users);
    EXPECT_EQ(drain(ends.near.get()), 1u);
  }
  EXPECT_EQ(openFds(), before);
}

// R73
TEST_P(ProcessTest, OpensOnlyDescriptorsThatAreClosedOnExec) {
  const std::set<Fd> before = openFds();
  const auto reactor = makeReactor();
  const UniqueFd ready = counter(1);
  Probe probe;
  EXPECT_FALSE(reactor->addReader(ready.get(), Probe::run, &probe));
  EXPECT_EQ(reactor->poll(1ms).callbacks, 1u);
  std::set<Fd> opened = openedSince(before);
  opened.erase(ready.get());
  EXPECT_EQ(opened.size(), GetParam().hasKernelSet ? 1u : 0u);
  for (const Fd fd : opened) EXPECT_EQ(::fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

// R73
TEST_P(ProcessTest, IsUndisturbedWhenAForkedChildDestroysItsCopy) {
  const Pair ends = pair();
  writeByte(ends.far.get());
  const std::set<Fd> before = openFds();
  auto reactor = makeReactor();
  const std::set<Fd> own = openedSince(before);
  Probe reader;
  Probe timer;
  EXPECT_FALSE(reactor->addReader(ends.near.get(), Probe::run, &reader));
  EXPECT_NE(reactor->addTimer(0ms, Probe::run, &timer), TimerId::none);
  EXPECT_EQ(inChild([&] { reactor.reset(); }), 0);
  for (const Fd fd : own) EXPECT_EQ(kernelSet(fd).count(ends.near.get()), 1u);
  EXPECT_EQ(reactor->poll(0ms).callbacks, 2u);
  EXPECT_TRUE(reactor->removeReader(ends.near.get()));
  for (const Fd fd : own) EXPECT_TRUE(kernelSet(fd).empty());
}

// R73
TEST_P(ProcessTest, IsUndisturbedWhenAForkedChildKeepsItsDescriptorsOpen) {
  Pair ends = pair();
  const Fd number = ends.near.get();
  Pair hold = pair();
  const auto reactor = makeReactor();
  Probe reader;
  EXPECT_FALSE(reactor->addReader(number, Probe::run, &reader));
  const pid_t child = ::fork();
  if (child == 0) {
    hold.near.reset();
    ::fcntl(hold.far.get(), F_SETFL, 0);
    char byte = 0;
    (void)!::read(hold.far.get(), &byte, 1);
    ::_exit(0);
  }
  EXPECT_TRUE(reactor->removeReader(number));
  ends.near.reset();
  writeByte(ends.far.get());  // the child's copy is readable
  const auto start = Clock::now();
  EXPECT_EQ(reactor->poll(20ms).callbacks, 0u);
  EXPECT_GE(Clock::now() - start, 20ms);
  hold.near.reset();
  EXPECT_EQ(::waitpid(child, nullptr, 0), child);
}

TEST_P(ProcessTest, TellsInEachCallThatItsDescriptorCouldNotBeOpened) {
  const UniqueFd ready = counter(1);
  rlimit old{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &old), 0);
  const rlimit none{static_cast<rlim_t>(unusedFd()), old.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto reactor = makeReactor();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &old), 0);
  Probe probe;
  const std::error_code error = reactor->addReader(ready.get(), Probe::run, &probe);
  const PollResult polled = reactor->poll(0ms);
  if (GetParam().hasKernelSet) {
    EXPECT_EQ(error, std::errc::too_many_files_open);
    EXPECT_EQ(polled.error, std::errc::too_many_files_open);
    EXPECT_EQ(reactor->poll(Reactor::forever).error, std::errc::too_many_files_open);
  } else {
    EXPECT_FALSE(error);
    EXPECT_EQ(polled.callbacks, 1u);
  }
}

// The reactor that users make.
TEST(DefaultReactorTest, ServesDescriptorsAndTimersOnTheBestBackend) {
  const std::set<Fd> before = epollFds();
  Reactor reactor;
  EXPECT_EQ(epollFds().size(), before.size() + 1);
  const UniqueFd ready = counter(1);
  Probe reader;
  Probe timer;
  EXPECT_FALSE(reactor.addReader(ready.get(), Probe::run, &reader));
  EXPECT_NE(reactor.addTimer(Clock::now(), Probe::run, &timer), TimerId::none);
  EXPECT_EQ(timer.runs(), 0u);
  EXPECT_EQ(reactor.poll(Reactor::forever).callbacks, 2u);
  EXPECT_EQ(reader.runs(), 1u);
  EXPECT_EQ(timer.runs(), 1u);
}

// Misuse aborts with a sentence in builds with assertions only: in the others it is undefined.
class MisuseTest : public ProcessTest {
 protected:
  void SetUp() override {
    if (!misuseAborts) GTEST_SKIP() << "built without misuse checks";
  }

  static void callFromAnotherThread(Reactor& reactor) {
    EXPECT_FALSE(reactor.poll(0ms).error);
    std::thread([&] { reactor.poll(0ms); }).join();
  }

  // Ends as the child did.
  static void pollInForkedChild(Reactor& reactor) {
    EXPECT_FALSE(reactor.poll(0ms).error);
    if (WIFSIGNALED(inChild([&] { reactor.poll(0ms); }))) std::abort();
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, MisuseTest, backends(), backendName);

// R70
TEST_P(MisuseTest, AbortsInAnotherThreadAndNamesBoth) {
  const auto reactor = makeReactor();
  EXPECT_DEATH(callFromAnotherThread(*reactor), "poll from thread [0-9]+.* thread [0-9]+");
}

// R70
TEST_P(MisuseTest, AbortsInAnyCallFromAnotherThread) {
  const auto reactor = makeReactor();
  Probe probe;
  const auto dieIn = [&](auto call) {
    EXPECT_DEATH(
        {
          reactor->poll(0ms);
          std::thread(call).join();
        },
        "thread [0-9]+.* thread [0-9]+");
  };
  dieIn([&] { (void)reactor->addReader(0, Probe::run, &probe); });
  dieIn([&] { (void)reactor->addWriter(0, Probe::run, &probe); });
  dieIn([&] { reactor->removeReader(0); });
  dieIn([&] { reactor->removeWriter(0); });
  dieIn([&] { reactor->addTimer(0ms, Probe::run, &probe); });
  dieIn([&] { reactor->addTimer(Clock::time_point(), Probe::run, &probe); });
  dieIn([&] { reactor->removeTimer(TimerId::none); });
}

// R72
TEST_P(MisuseTest, AbortsWhenDestroyedInsideACallback) {
  auto reactor = makeReactor();
  Probe timer([&] { reactor.reset(); });
  reactor->addTimer(0ms, Probe::run, &timer);
  EXPECT_DEATH(reactor->poll(0ms), "destroyed inside");
}

// R72
TEST_P(MisuseTest, AbortsInAForkedChild) {
  const auto reactor = makeReactor();
  EXPECT_DEATH(pollInForkedChild(*reactor), "forked child");
}

}  // namespace
}  // namespace kairos
