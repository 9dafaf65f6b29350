// SPDX-License-Identifier: MIT OR Apache-2.0
// How a process ends, is waited for, and is told to end.
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <set>
#include <thread>
#include <vector>

#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/transports/subprocess_fixture.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class SubprocessExitTest : public SubprocessTest {
 protected:
  // Runs until it is told to end, and has begun to.
  void startSleeper(SubprocessTransport& child, const char* command,
                    SubprocessOptions options = {}) {
    options.output = Redirect::pipe();
    startShell(child, command, options);
    EXPECT_EQ(readLine(child.output()), "ready");
  }
  static constexpr char sleeper[] = "echo ready; exec sleep 1000";
};

INSTANTIATE_TEST_SUITE_P(Backends, SubprocessExitTest, backends(), backendName);

// T145
TEST_P(SubprocessExitTest, ReportsExitCodesExactly) {
  for (const int code : {0, 5, 13, 64, 100, 126, 127, 128, 130, 255}) {
    SubprocessTransport child;
    const std::string command = "exit " + std::to_string(code);
    startShell(child, command.c_str());
    EXPECT_EQ(waitForExit(child), (ExitStatus{.code = code}));
    EXPECT_FALSE(child.isRunning());
  }
}

// T148
TEST_P(SubprocessExitTest, TellsSignalsFromCodes) {
  for (const int signal : {SIGHUP, SIGTERM, SIGKILL, SIGUSR1, SIGRTMIN}) {
    SubprocessTransport child;
    startSleeper(child, sleeper);
    ok(child.signal(signal));
    const ExitStatus status = waitForExit(child);
    EXPECT_EQ(status.signal, signal);
    EXPECT_EQ(status.code, -1);
    EXPECT_FALSE(status.isSuccess());
  }
}

// T147
TEST_P(SubprocessExitTest, CompletesEveryWait) {
  SubprocessTransport child;
  startShell(child, "exit 3");
  std::array<Exit, 3> waits;
  for (Exit& each : waits) wait(child, each);
  for (const Exit& each : waits) {
    pollUntilDone(each);
    EXPECT_EQ(each.status.code, 3);
    EXPECT_EQ(each.completions(), 1u);
  }
  EXPECT_EQ(waitForExit(child).code, 3) << "also after that";
}

// T150
TEST_P(SubprocessExitTest, GoesOnWaitingForAStoppedProcess) {
  SubprocessTransport child;
  startSleeper(child, "echo ready; read line; exit 4", {.input = Redirect::pipe()});
  Exit exit;
  wait(child, exit);
  ok(child.suspend());
  siginfo_t status{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &status, WSTOPPED | WNOWAIT), 0);
  Write write;
  ok(child.input().write(write, "\n", Write::done, &write));
  settle();
  EXPECT_TRUE(exit.isPending());
  EXPECT_TRUE(child.isRunning());
  ok(child.resume());
  pollUntilDone(exit);
  EXPECT_EQ(exit.status.code, 4);
}

// T158, T167
TEST_P(SubprocessExitTest, LeavesAProcessAloneThatIsWaitedForInVain) {
  SubprocessTransport child;
  startSleeper(child, "trap '' TERM; echo ready; exec sleep 1000");
  ok(child.terminate());
  Exit exit;
  wait(child, exit, 20ms);
  const auto start = Clock::now();
  pollUntilDone(exit);
  EXPECT_EQ(exit.error, std::errc::timed_out);
  EXPECT_GE(Clock::now() - start, 19ms);
  EXPECT_TRUE(child.isRunning());
  wait(child, exit, patience);
  ok(child.kill());
  pollUntilDone(exit);
  EXPECT_FALSE(exit.error);
  EXPECT_EQ(exit.status.signal, SIGKILL);
}

// T158
TEST_P(SubprocessExitTest, KillsAfterATime) {
  SubprocessTransport child;
  startSleeper(child, sleeper);
  ok(child.killAfter(0ms));
  ok(child.killAfter(Reactor::forever));
  settle();
  EXPECT_FALSE(child.signal(0)) << "the last call counts";
  ok(child.killAfter(1h));
  ok(child.killAfter(10ms));
  EXPECT_EQ(waitForExit(child).signal, SIGKILL);
  EXPECT_EQ(child.killAfter(1ms), std::errc::no_such_process);
}

// T159: from its end on, also while nobody has reaped it.
TEST_P(SubprocessExitTest, SendsNoSignalToAProcessThatHasEnded) {
  SubprocessTransport child;
  startShell(child, "exit 0");
  siginfo_t status{};
  ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &status, WEXITED | WNOWAIT), 0);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(child.terminate(), std::errc::no_such_process);
    EXPECT_EQ(child.kill(), std::errc::no_such_process);
    EXPECT_EQ(child.suspend(), std::errc::no_such_process);
    EXPECT_EQ(child.resume(), std::errc::no_such_process);
    EXPECT_EQ(child.signalGroup(SIGTERM), std::errc::invalid_argument);
    waitForExit(child);
  }
  startSleeper(child, sleeper);
  EXPECT_EQ(child.signal(200), std::errc::invalid_argument);
  ok(child.signal(0));
}

// A process that only waits to be killed, and has exactly this number, which must be free.
// Negative: we may not choose it, or the kernel is older than 5.5.
pid_t makeProcess(pid_t number) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uintptr_t>(&number);
  arguments.set_tid_size = 1;
  const long made = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  while (made == 0) ::syscall(SYS_ppoll, nullptr, 0, nullptr, nullptr, 0);
  return static_cast<pid_t>(made);
}

// T159, IP4: somebody else has taken the status, so that the number is given away.
TEST_P(SubprocessExitTest, SendsNoSignalToAnotherThatHasItsNumber) {
  SubprocessTransport child;
  startShell(child, "exit 0", {.newGroup = true});
  const pid_t pid = child.pid();
  ok(child.killAfter(1h));
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
  const pid_t other = makeProcess(pid);
  if (other < 0) GTEST_SKIP() << "no process can be given the number";
  ASSERT_EQ(other, pid);
  for (int round = 0; round < 2; ++round) {
    EXPECT_EQ(child.kill(), std::errc::no_such_process);
    EXPECT_EQ(child.suspend(), std::errc::no_such_process);
    EXPECT_EQ(child.signalGroup(SIGKILL), std::errc::no_such_process);
    settle();
  }
  child.close();
  settle();
  siginfo_t status{};
  ASSERT_EQ(
      ::waitid(P_PID, static_cast<id_t>(pid), &status, WEXITED | WSTOPPED | WNOHANG | WNOWAIT), 0);
  EXPECT_EQ(status.si_pid, 0) << "the other runs";
  ::kill(pid, SIGKILL);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
}

// T160, IP1
TEST_P(SubprocessExitTest, ReportsManyThatEndAtOnce) {
  const std::set<Fd> before = openFds();
  std::vector<SubprocessTransport> children(50);
  std::vector<Exit> exits(children.size());
  for (std::size_t i = 0; i < children.size(); ++i) {
    const std::string command = "read line; exit " + std::to_string(i);
    startShell(children[i], command.c_str(), {.input = Redirect::pipe()});
    wait(children[i], exits[i]);
  }
  for (SubprocessTransport& each : children) each.input().close();
  for (std::size_t i = 0; i < children.size(); ++i) {
    pollUntilDone(exits[i]);
    EXPECT_EQ(exits[i].status, (ExitStatus{.code = static_cast<int>(i)}));
  }
  settle();
  for (const Exit& each : exits) EXPECT_EQ(each.completions(), 1u);
  EXPECT_TRUE(hasNoChildren());
  EXPECT_TRUE(openedSince(before).empty());
}

// T160: the program's own handler runs; one that takes every status is survived.
volatile sig_atomic_t childSignals = 0;

TEST_P(SubprocessExitTest, LivesWithAHandlerOfSigchld) {
  struct sigaction before {};
  struct sigaction counting {};
  counting.sa_handler = [](int) { childSignals = childSignals + 1; };
  ASSERT_EQ(::sigaction(SIGCHLD, &counting, &before), 0);
  childSignals = 0;
  SubprocessTransport child;
  startShell(child, "exit 7");
  EXPECT_EQ(waitForExit(child).code, 7);
  while (childSignals == 0 && elapsed() < patience) settle();
  EXPECT_EQ(childSignals, 1);
  ::sigaction(SIGCHLD, &before, nullptr);
}

TEST_P(SubprocessExitTest, LivesWithSomebodyWhoTakesTheStatus) {
  SubprocessTransport child;
  startShell(child, "exit 7");
  ASSERT_EQ(::waitpid(-1, nullptr, 0), child.pid());
  EXPECT_EQ(child.kill(), std::errc::no_such_process);
  Exit exit;
  wait(child, exit);
  pollUntilDone(exit);
  EXPECT_EQ(exit.error, std::errc::no_child_process);
  EXPECT_FALSE(child.isRunning());
  struct sigaction before {};
  struct sigaction ignoring {};
  ignoring.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGCHLD, &ignoring, &before), 0);
  startShell(child, "exit 7");
  wait(child, exit);
  pollUntilDone(exit);
  EXPECT_EQ(exit.error, std::errc::no_child_process);
  ::sigaction(SIGCHLD, &before, nullptr);
}

// T161
TEST_P(SubprocessExitTest, NoticesAnEndBeforeAnybodyLooks) {
  const char* const arguments[] = {"true"};
  for (int i = 0; i < 500; ++i) {
    SubprocessTransport child;
    ok(SubprocessTransport::start(context_, runs(arguments), child));
    ASSERT_EQ(waitForExit(child), (ExitStatus{.code = 0}));
  }
}

// T162: also when the leader has ended, and its number may be another's.
TEST_P(SubprocessExitTest, ReachesTheGroup) {
  for (const bool isSession : {false, true}) {
    SubprocessTransport child;
    startSleeper(child, "sleep 1000 & echo ready; exit 2",
                 {.newGroup = !isSession, .newSession = isSession});
    EXPECT_EQ(waitForExit(child).code, 2);
    const std::error_code error = child.signalGroup(SIGTERM);
    if (error == std::errc::no_such_process) GTEST_SKIP() << "the kernel is older than 6.9";
    ok(error);
    EXPECT_EQ(readAll(child.output()), "") << "the grandchild has let go of the pipe";
  }
}

TEST_P(SubprocessExitTest, ReachesTheGroupOfARunningLeader) {
  SubprocessTransport child;
  startSleeper(child, "sleep 1000 & echo ready; wait", {.newGroup = true});
  ok(child.signalGroup(SIGTERM));
  EXPECT_EQ(waitForExit(child).signal, SIGTERM);
  EXPECT_EQ(readAll(child.output()), "");
}

// ---- Ends of handles and contexts

TEST_P(SubprocessExitTest, CancelsAndForgetsWaits) {
  SubprocessTransport child;
  startSleeper(child, sleeper);
  Exit cancelled;
  Exit timed;
  wait(child, cancelled);
  EXPECT_TRUE(child.cancel(cancelled));
  EXPECT_FALSE(child.cancel(cancelled));
  wait(child, timed, 1h);
  EXPECT_TRUE(child.cancel(timed));
  {
    Exit destroyed([] { ADD_FAILURE(); });
    wait(child, destroyed, 0ms);
  }
  settle();
  EXPECT_EQ(cancelled.error, std::errc::operation_canceled);
  EXPECT_EQ(timed.error, std::errc::operation_canceled);
  ok(child.kill());
  EXPECT_EQ(waitForExit(child).signal, SIGKILL);
}

// T166: closing kills, and the context reaps.
TEST_P(SubprocessExitTest, EndsWithItsHandle) {
  const std::set<Fd> before = openFds();
  SubprocessTransport child;
  startSleeper(child, sleeper);
  Exit exit;
  wait(child, exit);
  child.close();
  child.close();
  EXPECT_EQ(child.pid(), 0);
  settle();
  EXPECT_EQ(exit.error, TransportError::closed);
  for (int timed = 0; timed < 2; ++timed) {
    timed == 0 ? wait(child, exit) : wait(child, exit, 1h);
    settle();
    EXPECT_EQ(exit.error, TransportError::closed);
    EXPECT_EQ(exit.completions(), 2u + static_cast<std::size_t>(timed));
  }
  EXPECT_EQ(child.kill(), TransportError::closed);
  EXPECT_EQ(child.signalGroup(SIGTERM), TransportError::closed);
  EXPECT_EQ(child.killAfter(1s), TransportError::closed);
  EXPECT_FALSE(child.isOpen());
  EXPECT_FALSE(child.isRunning());
  pollUntil(hasNoChildren);
  EXPECT_TRUE(openedSince(before).empty());
}

TEST_P(SubprocessExitTest, EndsWithItsContext) {
  const std::set<Fd> before = openFds();
  SubprocessTransport kept;
  startSleeper(kept, sleeper);
  {
    SubprocessTransport dropped;
    startSleeper(dropped, sleeper);
  }
  Exit exit;
  wait(kept, exit, 1h);
  ok(kept.killAfter(1h));
  endContext();
  EXPECT_TRUE(hasNoChildren());
  EXPECT_EQ(exit.error, TransportError::closed);
  EXPECT_EQ(exit.completions(), 1u);
  EXPECT_FALSE(kept.isRunning());
  EXPECT_EQ(kept.wait(exit, Exit::done, &exit), TransportError::closed);
  EXPECT_EQ(kept.kill(), std::errc::no_such_process);
  kept.close();
  EXPECT_TRUE(openedSince(before).empty());
  EXPECT_EQ(reactor_.poll(Reactor::forever).error, std::errc::resource_deadlock_would_occur);
}

// A detached process outlives its handle and is reaped, and outlives the context.
TEST_P(SubprocessExitTest, RunsOnWhenDetached) {
  const std::set<Fd> before = openFds();
  SubprocessTransport child;
  startSleeper(child, "echo ready; read line; exit 0", {.input = Redirect::pipe()});
  StreamTransport input = std::move(child.input());
  child.detach();
  child.close();
  settle();
  EXPECT_FALSE(hasNoChildren());
  input.close();
  pollUntil(hasNoChildren);
  startSleeper(child, "echo ready; exec sleep 1000");
  const pid_t pid = child.pid();
  child.detach();
  child.close();
  endContext();
  EXPECT_TRUE(openedSince(before).empty());
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  EXPECT_EQ(::waitpid(pid, nullptr, 0), pid) << "it is the program's now";
}

TEST_P(SubprocessExitTest, LetsACallbackDestroyTheHandle) {
  SubprocessTransport child;
  startShell(child, "exit 0");
  Exit first([&] { child = SubprocessTransport(); });
  Exit second;
  wait(child, first);
  wait(child, second);
  pollUntilDone(second);
  EXPECT_EQ(second.status.code, 0);
}

TEST_P(SubprocessExitTest, RefusesMisuse) {
  SubprocessTransport child;
  Exit exit;
  EXPECT_EQ(child.wait(exit, Exit::done, &exit), TransportError::notConnected);
  EXPECT_EQ(child.kill(), TransportError::notConnected);
  EXPECT_EQ(child.signalGroup(SIGTERM), TransportError::notConnected);
  EXPECT_EQ(child.killAfter(1s), TransportError::notConnected);
  EXPECT_FALSE(child.cancel(exit));
  child.detach();
  child.close();
  startSleeper(child, sleeper);
  EXPECT_EQ(child.wait(exit, nullptr, nullptr), std::errc::invalid_argument);
  wait(child, exit);
  EXPECT_EQ(child.wait(exit, Exit::done, &exit), TransportError::busy);
}

// Two loops on two threads do not take each other's children.
TEST(SubprocessThreadTest, KeepsTheChildrenOfTwoLoopsApart) {
  const auto run = [](int base) {
    OwnLoop loop;
    for (int i = 0; i < 100; ++i) {
      const std::string command = "exit " + std::to_string(base + i);
      const auto arguments = shellArguments(command.c_str());
      SubprocessTransport child;
      ASSERT_FALSE(SubprocessTransport::start(loop.context, runs(arguments), child));
      Exit exit;
      ASSERT_FALSE(child.wait(exit, Exit::done, &exit));
      loop.pollUntilDone(exit);
      EXPECT_EQ(exit.status.code, base + i);
    }
  };
  std::thread other(run, 0);
  run(100);
  other.join();
}

}  // namespace
}  // namespace kairos
