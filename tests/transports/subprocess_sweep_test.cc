// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation, and each system call, of child processes fails in turn: with each redirection,
// until they end by themselves, or are killed at once, by a signal, or after a time.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <utility>

#include "kairos/tests/transports/scene.h"
#include "kairos/tests/transports/subprocess_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

constexpr const char* cat[] = {"/bin/cat"};
constexpr const char* sleep[] = {"/bin/sleep", "1000"};
constexpr std::string_view words = "through a child";

// What it is given comes back, by the output or what stands in for it.
class CatScene : public Scene {
 public:
  CatScene(const Stage& stage, SubprocessOptions options) : Scene(stage) {
    options.arguments = cat;
    options.input = options.output = Redirect::pipe();
    if (note(SubprocessTransport::start(context(), options, child_))) return;
    const bool isBegun = write_.begin([this](auto... with) {
      return child_.input().write(write_, words, with...);
    }) && end_.begin([this](auto... with) {
      return child_.input().shutdown(end_, with...);
    }) && read_.begin([this](auto... with) {
      return child_.output().readToEnd(read_, {.limit = 100}, with...);
    }) && exit_.begin([this](auto... with) { return child_.wait(exit_, 1h, with...); });
    if (!isBegun) close();
  }

  void close() { child_.close(); }

  void expectSuccess() const {
    EXPECT_TRUE(isWell());
    EXPECT_EQ(read_.data, words);
    EXPECT_TRUE(exit_.status.isSuccess());
  }

 private:
  void onDone(std::error_code error) {
    if (error) close();
  }
  bool mayFollow(std::error_code error) const override {
    return Scene::mayFollow(error) || error == std::errc::broken_pipe;
  }

  SubprocessTransport child_;
  Act<WriteOperation> write_{*this, [this] { onDone(write_.error); }};
  Act<WriteOperation> end_{*this, [this] { onDone(end_.error); }};
  Act<ReadOperation> read_{*this, [this] { onDone(read_.error); }};
  Act<ExitOperation> exit_{*this, [this] { onDone(exit_.error); }};
};

class PipeScene : public CatScene {
 public:
  explicit PipeScene(const Stage& stage) : CatScene(stage, {.error = Redirect::pipe()}) {}
};
class NullScene : public CatScene {
 public:
  explicit NullScene(const Stage& stage)
      : CatScene(stage, {.directory = "/", .error = Redirect::null(), .newGroup = true}) {}
};
class OutputScene : public CatScene {
 public:
  explicit OutputScene(const Stage& stage) : CatScene(stage, {.error = Redirect::toOutput()}) {}
};
const UniqueFd ofParent = duplicate(2);
const Fd passed[] = {ofParent.get()};

class DescriptorScene : public CatScene {
 public:
  explicit DescriptorScene(const Stage& stage)
      : CatScene(stage,
                 {.error = Redirect::to(ofParent.get()), .passed = passed, .newSession = true}) {}
};

// Children that do not end by themselves: one is killed, one gets a signal when a wait for it is
// over, one is killed by its time.
class KillScene : public Scene {
 public:
  explicit KillScene(const Stage& stage) : Scene(stage) {
    SubprocessOptions options = runs(sleep);
    options.input = options.output = options.error = Redirect::null();
    impatient_.setEnd(std::make_error_code(std::errc::timed_out));
    for (SubprocessTransport& child : children_) {
      if (note(SubprocessTransport::start(context(), options, child))) return;
    }
    const bool isBegun = wait(exits_[0], children_[0]) && !note(children_[0].kill()) &&
                         wait(exits_[1], children_[1]) && wait(exits_[2], children_[2]) &&
                         impatient_.begin([this](auto... with) {
                           return children_[1].wait(impatient_, 1ms, with...);
                         }) &&
                         !note(children_[2].killAfter(1ms));
    if (!isBegun) close();
  }

  void close() {
    for (SubprocessTransport& child : children_) child.close();
  }

  void expectSuccess() const {
    EXPECT_TRUE(isWell());
    EXPECT_EQ(exits_[0].status.signal, SIGKILL);
    EXPECT_EQ(exits_[1].status.signal, SIGTERM);
    EXPECT_EQ(exits_[2].status.signal, SIGKILL);
  }

 private:
  bool wait(Act<ExitOperation>& exit, SubprocessTransport& child) {
    return exit.begin([&](auto... with) { return child.wait(exit, with...); });
  }
  void onImpatient() {
    if (impatient_.error != std::errc::timed_out || note(children_[1].terminate())) close();
  }

  std::array<SubprocessTransport, 3> children_;
  Act<ExitOperation> impatient_{*this, [this] { onImpatient(); }};
  Act<ExitOperation> exits_[3]{Act<ExitOperation>(*this), Act<ExitOperation>(*this),
                               Act<ExitOperation>(*this)};
};

class SubprocessSweepTest : public testing::Test {
 protected:
  ~SubprocessSweepTest() override { EXPECT_TRUE(hasNoChildren()); }
};

TEST_F(SubprocessSweepTest, SurvivesTheWantOfMemory) {
  sweepAllocations<PipeScene>(5);
  sweepAllocations<NullScene>(5);
  sweepAllocations<KillScene>(5);
}

// T153
TEST_F(SubprocessSweepTest, ReportsErrorsOfTheOs) {
  sweepCalls<PipeScene>({{SystemCall::pipe, EMFILE},
                         {SystemCall::fcntl, EMFILE},
                         {SystemCall::clone, EAGAIN},
                         {SystemCall::epollAdd, ENOMEM},
                         {SystemCall::epollAdd, ENOSPC}});
  sweepCalls<NullScene>({{SystemCall::open, ENFILE}, {SystemCall::epollAdd, ENOSPC}});
  sweepCalls<OutputScene>({{SystemCall::fcntl, EMFILE}, {SystemCall::clone, ENOMEM}});
  sweepCalls<DescriptorScene>({{SystemCall::fcntl, EMFILE}, {SystemCall::clone, ENOMEM}});
  sweepCalls<KillScene>(
      {{SystemCall::open, ENFILE}, {SystemCall::clone, EAGAIN}, {SystemCall::epollAdd, ENOSPC}});
}

}  // namespace
}  // namespace kairos
