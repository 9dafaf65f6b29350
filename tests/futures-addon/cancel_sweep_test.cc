// SPDX-License-Identifier: MIT OR Apache-2.0
// Cancelling, and the end of contexts, at every step of every kind of wait. F43, IF6, IF9, IF11
#include <set>

#include "kairos/tests/futures-addon/stage.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"

namespace kairos {
namespace {

// Whether it was hit.
bool play(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual, Blow blow,
          int at) {
  Stage stage(open, isVirtual, blow, at);
  scenario.start(stage);
  stage.run();
  EXPECT_FALSE(stage.wasStuck());
  if (!::testing::Test::HasFailure() && blow <= Blow::cancelInTheNextPoll) scenario.check(stage);
  return stage.wasHit();
}

// Plays it with each blow at each step, until it has no more. How many blows there were. The first
// time, without one, libraries take what they keep.
int sweep(const StageScenario& scenario, VirtualTime::Open open, bool isVirtual = true) {
  constexpr int stepsMax = 1000;
  EXPECT_FALSE(play(scenario, open, isVirtual, Blow::cancelAtOnce, stepsMax));
  int blows = 0;
  for (const Blow blow : allBlows) {
    for (int at = 1; at < stepsMax; ++at) {
      SCOPED_TRACE(testing::Message()
                   << scenario.name << ", blow " << static_cast<int>(blow) << " at step " << at);
      const std::set<Fd> fdsBefore = openFds();
      const AllocationCount memoryBefore;
      const bool wasHit = play(scenario, open, isVirtual, blow, at);
      if (::testing::Test::HasFailure()) return blows;
      EXPECT_EQ(memoryBefore.bytes(), 0);
      EXPECT_EQ(openFds(), fdsBefore);
      if (!wasHit) break;
      ++blows;
    }
  }
  return blows;
}

class CancelSweepTest : public testing::TestWithParam<BackendKind> {
 protected:
  void sweepAll(const std::vector<StageScenario>& scenarios, int blowsMin, bool isVirtual = true) {
    for (const StageScenario& scenario : scenarios) {
      EXPECT_GT(sweep(scenario, GetParam().open, isVirtual), blowsMin) << scenario.name;
      if (HasFailure()) return;
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, CancelSweepTest, backends(), backendName);

TEST_P(CancelSweepTest, NothingIsLeftBehindAndNobodyElseIsDisturbed) {
  sweepAll(waitScenarios, 20);
}

TEST_P(CancelSweepTest, NothingIsLeftBehindOfWhoWaitsForATurn) { sweepAll(turnScenarios, 20); }

TEST_P(CancelSweepTest, NothingIsLeftBehindOfTransports) { sweepAll(transportScenarios, 30); }

// IF6: TLS, resolving, dialling.
TEST_P(CancelSweepTest, NothingIsLeftBehindOfWhatNeedsALibrary) { sweepAll(libraryScenarios, 30); }

TEST_P(CancelSweepTest, NothingIsLeftBehindOfProcessesAndSignals) {
  sweepAll(slowScenarios, 20, false);
}

}  // namespace
}  // namespace kairos
