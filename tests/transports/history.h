// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_HISTORY_H_
#define KAIROS_TESTS_TRANSPORTS_HISTORY_H_

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <vector>

#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/random_seed.h"
#include "kairos/transports/error.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/transport_context.h"

// What random histories of transports have in common: an account of all operations, and the loop.

namespace kairos {

class History;

// An operation of a history, from when it is started until it is forgotten.
class Step {
 public:
  Step() = default;
  virtual ~Step();
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  virtual const detail::Operation& operation() const = 0;
  // Its callback runs more than once.
  virtual bool isLoop() const { return false; }

  bool isPending() const { return operation().isPending(); }
  std::error_code error() const { return operation().error; }
  // cancel() has said that it has ended.
  bool isCancelled() const { return isCancelled_; }

 private:
  friend class History;

  // What callbacks get. It outlives the step, to tell of a callback that comes too late.
  struct Ticket {
    History& history;
    Step* step;
  };

  Ticket* ticket_ = nullptr;
  bool isStarted_ = false;
  bool isCancelled_ = false;
};

// Does at random what a user may do, in callbacks and outside, on a real backend and virtual time.
// Each operation that was started completes once, never inside the call that started it, and never
// after it was destroyed; what cancel() has ended is cancelled.
class History {
 public:
  History(Random& random, BackendKind backend);
  virtual ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  void run(int steps);

 protected:
  // One thing that a user does.
  virtual void act() = 0;
  // Its callback has run, or runs for the first time of several.
  virtual void onDone(Step& step) = 0;
  // It is destroyed, maybe while it is pending.
  virtual void onForgotten(Step&) {}
  // What keeps things from going on comes to an end.
  virtual void calm() {}
  // Whether something waits that could go on: the network may need a moment.
  virtual bool mayGoOn() { return false; }
  // Nothing is left to do.
  virtual void check() {}
  // Destroys all transports.
  virtual void dropAll() = 0;

  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()); }

  template <class Kind>
  Kind& add(std::unique_ptr<Kind> step) {
    Kind& added = *step;
    enter(std::move(step));
    return added;
  }

  // Starts a step by a call that gets a callback and its udata. One that is refused has touched
  // nothing, and is forgotten: false.
  template <class Start>
  bool start(Step& step, Start call) {
    isStarting_ = true;
    const std::error_code error = call(onCompletion, static_cast<void*>(step.ticket_));
    isStarting_ = false;
    return started(step, error);
  }

  // What cancel() has answered.
  void cancelled(Step& step, bool answer);
  void forget(Step& step);

  // Null: there is none.
  Step* anyStep();
  const std::vector<std::unique_ptr<Step>>& steps() const { return steps_; }

  // How many callbacks of the reactor ran.
  std::size_t poll(Clock::duration timeout = Clock::duration::zero());
  // Until nothing is left to do; callbacks start nothing meanwhile.
  void settle();

  // The context ends, or has ended.
  bool isEnding() const { return isEnding_; }
  // No descriptor fails to be watched, for now.
  void heal() { time_.failAddition({}, 0); }
  // Descriptors may fail to be watched, by no_space_on_device.
  bool maySeeFaults() const { return sawFaults_; }

  Random& random_;
  VirtualTime time_;
  Reactor reactor_;
  std::optional<TransportContext> contextsLife_;
  TransportContext& context_ = *contextsLife_;  // to be used while it ends, too

 private:
  static void onCompletion(void* udata);
  void completed(Step& step);
  void enter(std::unique_ptr<Step> step);
  bool started(Step& step, std::error_code error);
  void disturb();
  void finish();

  std::vector<std::unique_ptr<Step>> steps_;
  std::deque<Step::Ticket> tickets_;
  std::size_t completions_ = 0;
  bool isStarting_ = false;
  bool isSettling_ = false;
  bool isEnding_ = false;
  bool sawFaults_ = false;
};

// Plays some histories, or as many as KAIROS_HISTORIES says. They leave nothing behind.
template <class Kind>
void playHistories(BackendKind backend, int usual, int steps) {
  Random random;
  const std::set<Fd> before = openFds();
  for (int left = historyCount(usual); left > 0 && !testing::Test::HasFailure(); --left) {
    const AllocationCount memory;
    {
      Kind history(random, backend);
      history.run(historySteps(steps));
    }
    if (testing::Test::HasFailure()) break;
    EXPECT_EQ(memory.bytes(), 0);
    EXPECT_EQ(openedSince(before), std::set<Fd>());
  }
}

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_HISTORY_H_
