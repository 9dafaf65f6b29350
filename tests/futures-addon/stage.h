// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_FUTURES_ADDON_STAGE_H_
#define KAIROS_TESTS_FUTURES_ADDON_STAGE_H_

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/tests/conformance/fixture.h"
#include "kairos/tests/support/virtual_time_backend.h"
#include "kairos/transports/stream_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos {

// What happens to a scenario when it has come to some step.
enum class Blow {
  cancelAtOnce,         // while its coroutine runs
  cancelInTheNextTick,  // and before anything else that is ready
  cancelInTheNextPoll,  // when all that was ready has run
  endFutures,           // their context ends before those of the transports
  endTransports,        // and the other way round, with the futures going on
  endBoth,              // as a Loop does it
};
inline constexpr Blow allBlows[] = {Blow::cancelAtOnce,        Blow::cancelInTheNextTick,
                                    Blow::cancelInTheNextPoll, Blow::endFutures,
                                    Blow::endTransports,       Blow::endBoth};

// One run of a scenario: coroutines, of which one, the root, is cancelled, or all of which lose
// their contexts, at a step of which the number is given. At the end nothing may be left of it.
class Stage {
 public:
  // `open`: of a backend, on virtual time or, for what takes the time it takes, not.
  Stage(VirtualTime::Open open, bool isVirtual, Blow blow, int at);
  ~Stage();

  FutureContext& futureContext() noexcept { return *futures_; }
  TransportContext& transports() noexcept { return *transports_; }
  Reactor& reactor() noexcept { return reactor_; }
  // In virtual time.
  Clock::duration elapsed() const { return time_.elapsed(); }

  // Called by the coroutines of a scenario wherever they go on.
  void step();
  bool wasHit() const noexcept { return steps_ >= at_; }
  // Nothing would have finished the root.
  bool wasStuck() const noexcept { return wasStuck_; }
  // Nothing takes part in what follows that is not cancelled: who waits for others must not count
  // on them.
  bool isOver() const noexcept { return isOver_; }

  void setRoot(Future<> root);
  // Others that go on whatever becomes of the root; cancelled at the end if they wait for it.
  void add(Future<> other);

  // Ends the futures, of which nobody may have a handle.
  void abort() {
    isOver_ = true;
    ownedFutures_.reset();
  }
  // Until nothing is pending, or can go on.
  void run();

  const Future<>& root() const noexcept { return root_; }
  const std::vector<Future<>>& others() const noexcept { return others_; }

  // A scope of a coroutine, which has to be left.
  class Scope {
   public:
    explicit Scope(Stage& stage) : open_(stage.open_) { ++open_; }
    ~Scope() { --open_; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    int& open_;
  };

  // What the coroutines have done, a letter each.
  std::string log;

 private:
  static void onTick(void* udata) { static_cast<Stage*>(udata)->root_.cancelSoon(); }
  static void onUnhandled(void*) {}
  // Also one that could not be started.
  bool isRootFinished() const { return !root_.isValid() || root_.finished(); }
  void strike();
  void strikeBetweenPolls();
  void end();
  bool goOn();

  VirtualTime time_;
  Reactor reactor_;
  std::unique_ptr<FutureContext> ownedFutures_;
  std::unique_ptr<TransportContext> ownedTransports_;
  FutureContext* const futures_;
  TransportContext* const transports_;
  const Blow blow_;
  const int at_;
  int steps_ = 0;
  int open_ = 0;
  bool mustStrike_ = false;
  bool isOver_ = false;
  bool wasStuck_ = false;
  Waiter inTheNextTick_;
  Future<> root_;
  std::vector<Future<>> others_;
};

// Starts the coroutines of a scenario, and afterwards says what is wrong; empty: nothing.
struct StageScenario {
  const char* name;
  void (*start)(Stage& stage);
  // Of a run that was cancelled, or not hit at all.
  void (*check)(Stage& stage) = [](Stage&) {};
};

// Of futures and what is made of them, of what is waited for in turn, of transports, and of those
// that are not in virtual time.
extern const std::vector<StageScenario> waitScenarios;
extern const std::vector<StageScenario> turnScenarios;
extern const std::vector<StageScenario> transportScenarios;
extern const std::vector<StageScenario> slowScenarios;

// Those of `letters` that were logged, and how the root's letter may be missing from some point on.
void expectInOrder(const Stage& stage, const std::string& letters, char root);

}  // namespace kairos

#endif  // KAIROS_TESTS_FUTURES_ADDON_STAGE_H_
