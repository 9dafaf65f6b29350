// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/simulation/history.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "kairos/tests/simulation/shrink.h"
#include "kairos/tests/simulation/tapes.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

constexpr std::size_t tapeBytes = 2000;

// All of the contract that a single thread can see; reactor_model.h says what.
TEST(HistoryTest, TheReactorKeepsItsContractInRandomHistories) {
  const int histories = underSanitizer() ? 300 : 2000;
  // Told at once, because a sanitizer ends the process.
  const unsigned seed = randomSeed();
  std::fprintf(stderr, "to repeat: KAIROS_SEED=%u\n", seed);
  Random random(seed);
  std::size_t callbacks = 0;
  std::size_t moves = 0;
  for (int i = 0; i < histories; ++i) {
    const TapeBytes tape = tapeOf(random.engine()(), tapeBytes);
    const HistoryResult result = runHistory(tape);
    ASSERT_EQ(result.failure, "") << explain(shrink(tape, hasFailed));
    callbacks += result.callbacks;
    moves += result.moves;
  }
  // Else the histories have become too dull to find anything.
  EXPECT_GT(callbacks, static_cast<std::size_t>(histories) * 10);
  EXPECT_GT(moves, static_cast<std::size_t>(histories) / 10);
}

// IR30
TEST(HistoryTest, TheSameTapeGivesTheSameHistory) {
  Random random;
  for (int i = 0; i < 100; ++i) {
    const TapeBytes tape = tapeOf(random.engine()(), tapeBytes);
    std::string steps;
    std::string again;
    const std::uint64_t digest = runHistory(tape, &steps).digest;
    EXPECT_EQ(runHistory(tape, &again).digest, digest);
    ASSERT_EQ(steps, again);
    EXPECT_GT(steps.size(), tapeBytes);
    EXPECT_EQ(runHistory(tape).digest, digest) << "telling the steps changes them";
  }
}

TEST(HistoryTest, ATapeOfZerosIsDull) {
  const HistoryResult result = runHistory(TapeBytes(tapeBytes));
  EXPECT_EQ(result.failure, "");
  EXPECT_EQ(result.callbacks, 0u);
  EXPECT_EQ(result.simulated, Clock::duration::zero());
}

TEST(HistoryTest, ATapeSurvivesBeingWrittenAsText) {
  const TapeBytes tape{0, 1, 15, 16, 171, 255};
  EXPECT_EQ(hexOf(tape), "00010f10abff");
  EXPECT_EQ(tapeOfHex(hexOf(tape)), tape);
  EXPECT_TRUE(tapeOfHex("0g").empty());
}

}  // namespace
}  // namespace kairos
