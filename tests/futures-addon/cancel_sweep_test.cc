// SPDX-License-Identifier: MIT OR Apache-2.0
// Cancelling, and the end of contexts, at every step of every kind of wait. F43, IF6, IF9, IF11
#include "kairos/tests/futures-addon/sweep.h"

namespace kairos {
namespace {

INSTANTIATE_TEST_SUITE_P(Backends, CancelSweepTest, backends(), backendName);

TEST_P(CancelSweepTest, NothingIsLeftBehindAndNobodyElseIsDisturbed) {
  sweepAll(waitScenarios, 20);
}

TEST_P(CancelSweepTest, NothingIsLeftBehindOfWhoWaitsForATurn) { sweepAll(turnScenarios, 20); }

TEST_P(CancelSweepTest, NothingIsLeftBehindOfTransports) { sweepAll(transportScenarios, 30); }

TEST_P(CancelSweepTest, NothingIsLeftBehindOfProcessesAndSignals) {
  sweepAll(slowScenarios, 20, false);
}

}  // namespace
}  // namespace kairos
