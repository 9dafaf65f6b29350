// SPDX-License-Identifier: MIT OR Apache-2.0
// Random histories of child processes: all who wait are told the same end, which is one that the
// process was given; none is left, neither alive nor dead.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "kairos/tests/transports/history.h"
#include "kairos/tests/transports/subprocess_fixture.h"

namespace kairos {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t childrenAtOnce = 3;

// A process from its start on.
struct Offspring {
  SubprocessTransport process;
  pid_t pid = 0;
  bool isCat = false;  // ends with its input
  bool isDetached = false;
  bool isStopped = false;    // it does not take note of SIGTERM
  bool isToEnd = false;      // it ends by itself, or was killed
  std::set<int> mayEndBy{};  // signals, and ~code
  std::optional<ExitStatus> status{};
  std::size_t waitsBegun = 0;
};

struct WaitStep : Step {
  WaitStep(Offspring& of, bool timed) : child(of), number(of.waitsBegun++), isTimed(timed) {}
  const detail::Operation& operation() const override { return exit; }

  Offspring& child;
  const std::size_t number;
  const bool isTimed;
  ExitOperation exit;
};

class SubprocessHistory final : public History {
 public:
  SubprocessHistory(Random& random, BackendKind backend) : History(random, backend) {
    for (Offspring*& each : current_) start(each);
  }
  ~SubprocessHistory() override { reapDetached(); }

 private:
  // ---- What is done

  void act() override {
    Offspring& child = *current_[random_.below(childrenAtOnce)];
    switch (random_.below(16)) {
      case 0:
        return move(child);
      case 1:
        if (Step* const step = anyStep()) forget(*step);
        return;
      case 2:
        if (auto* const step = static_cast<WaitStep*>(anyStep())) {
          cancelled(*step, step->child.process.cancel(step->exit));
        }
        return;
      case 3:
        return end(child);
      case 4:
        return signal(child);
      case 5:
        return hangUp(child);
      case 6:
        return killLater(child);
      default:
        return wait(child);
    }
  }

  // `cat` ends when its input does, `exit 7` at once, and `sleep` only by a signal.
  void start(Offspring*& current) {
    static constexpr std::array<const char*, 1> cat = {"cat"};
    static constexpr std::array<const char*, 2> sleep = {"sleep", "1000"};
    static constexpr std::array<const char*, 4> exit7 = shellArguments("exit 7");
    Offspring& child = children_.emplace_back();
    SubprocessOptions options{.input = Redirect::pipe(), .newGroup = random_.oneIn(2)};
    options.output = random_.oneIn(2) ? Redirect::pipe() : Redirect::null();
    switch (random_.below(3)) {
      case 0:
        options.arguments = cat;
        child.isCat = true;
        break;
      case 1:
        options.arguments = sleep;
        break;
      default:
        options.arguments = exit7;
        child.isToEnd = true;
        child.mayEndBy = {~7};
    }
    heal();
    ok(SubprocessTransport::start(context_, options, child.process));
    child.pid = child.process.pid();
    current = &child;
  }

  static void move(Offspring& child) {
    SubprocessTransport moved = std::move(child.process);
    child.process = std::move(moved);
  }

  void wait(Offspring& child) {
    auto& step = add(std::make_unique<WaitStep>(child, random_.oneIn(3)));
    History::start(step, [&](CallbackFunc done, void* udata) {
      return step.isTimed ? child.process.wait(step.exit, someTime(), done, udata)
                          : child.process.wait(step.exit, done, udata);
    });
  }

  Clock::duration someTime() { return milliseconds(random_.below(300)); }

  // Another takes its place.
  void end(Offspring& child) {
    if (!random_.oneIn(3) || isEnding()) return;
    if (random_.oneIn(4)) {
      child.process.detach();
      child.isDetached = true;
      child.isToEnd = child.isToEnd || child.isCat;
    }
    if (random_.oneIn(2)) {
      child.process.close();
    } else {
      child.process = SubprocessTransport();
    }
    start(*std::find(current_.begin(), current_.end(), &child));
  }

  void signal(Offspring& child) {
    static constexpr int signals[] = {SIGTERM, SIGKILL, SIGSTOP, SIGCONT};
    const int number = signals[random_.below(std::size(signals))];
    const auto error = child.process.signal(number);
    if (error) {
      const bool isGone = error == TransportError::closed || error == TransportError::notConnected;
      EXPECT_TRUE(child.process.isOpen() ? error == std::errc::no_such_process : isGone);
      EXPECT_TRUE(child.isToEnd || !child.process.isOpen() || isEnding()) << "it was not to end";
      return;
    }
    if (number == SIGSTOP) child.isStopped = true;
    if (number == SIGCONT) child.isStopped = false;
    if (number != SIGTERM && number != SIGKILL) return;
    child.mayEndBy.insert(number);
    child.isToEnd = true;
  }

  void hangUp(Offspring& child) {
    if (!random_.oneIn(3) || !child.process.isOpen()) return;
    child.process.input().close();
    if (!child.isCat) return;
    child.mayEndBy.insert(~0);
    child.isToEnd = true;
  }

  void killLater(Offspring& child) {
    if (child.process.killAfter(someTime())) return;
    child.mayEndBy.insert(SIGKILL);
    child.isToEnd = true;
  }

  // ---- What comes of it

  void onDone(Step& each) override {
    auto& step = static_cast<WaitStep&>(each);
    if (step.isCancelled() || step.error() == TransportError::closed) return;
    if (step.error() == std::errc::timed_out) {
      EXPECT_TRUE(step.isTimed);
      return;
    }
    ok(step.error());
    expectTurn(step);
    const ExitStatus& status = step.exit.status;
    Offspring& child = step.child;
    EXPECT_TRUE(child.mayEndBy.contains(status.signal != 0 ? status.signal : ~status.code))
        << "by " << status.signal << ", with " << status.code;
    EXPECT_EQ(child.status.value_or(status), status) << "ended twice";
    child.status = status;
    EXPECT_FALSE(child.process.isRunning());
  }

  // Those who began to wait earlier know already.
  void expectTurn(const WaitStep& step) const {
    for (const auto& each : steps()) {
      const auto& other = static_cast<const WaitStep&>(*each);
      if (&other.child != &step.child || !other.isPending() || other.isCancelled()) continue;
      EXPECT_GT(other.number, step.number) << "out of order";
    }
  }

  // ---- What must hold

  // Time does not stand still for processes: those that are to end need some.
  bool mayGoOn() override {
    for (const auto& each : steps()) {
      const auto& step = static_cast<const WaitStep&>(*each);
      if (step.isPending() && step.child.isToEnd) {
        expectEnd(step.child);
        return true;
      }
    }
    return false;
  }

  // A stopped one ends when it goes on.
  void expectEnd(Offspring& child) {
    if (std::exchange(child.isStopped, false)) static_cast<void>(child.process.resume());
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOWAIT), 0);
  }

  void check() override {
    for (const auto& each : steps()) {
      const auto& step = static_cast<const WaitStep&>(*each);
      EXPECT_FALSE(step.isPending() && !step.child.process.isRunning());
    }
  }

  void dropAll() override {
    for (Offspring& child : children_) child.process = SubprocessTransport();
  }

  // They are this process's, not the context's any more.
  void reapDetached() {
    for (const Offspring& child : children_) {
      if (!child.isDetached || ::waitpid(child.pid, nullptr, WNOHANG) != 0) continue;
      ::kill(child.pid, SIGKILL);
      ::waitpid(child.pid, nullptr, 0);
    }
    EXPECT_TRUE(hasNoChildren());
  }

  std::deque<Offspring> children_;
  std::array<Offspring*, childrenAtOnce> current_{};
};

class SubprocessHistoryTest : public testing::TestWithParam<BackendKind> {};

INSTANTIATE_TEST_SUITE_P(Backends, SubprocessHistoryTest, backends(), backendName);

// T145, T147, T148
TEST_P(SubprocessHistoryTest, TellsAllWhoWaitTheSameEnd) {
  playHistories<SubprocessHistory>(GetParam(), 3, 100);
}

}  // namespace
}  // namespace kairos
