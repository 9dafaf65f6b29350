// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/simulation/shrink.h"

#include <gtest/gtest.h>

#include "kairos/tests/simulation/history.h"
#include "kairos/tests/simulation/tapes.h"

namespace kairos {
namespace {

TEST(ShrinkTest, LeavesWhatCannotBeLeftOut) {
  const auto hasBoth = [](const TapeBytes& tape) {
    bool isLarge = false;
    for (const std::uint8_t byte : tape) {
      if (isLarge && byte == 7) return true;
      isLarge = isLarge || byte > 100;
    }
    return false;
  };
  TapeBytes tape = tapeOf(1, 500);
  tape[200] = 222;
  tape[300] = 7;
  EXPECT_EQ(shrink(tape, hasBoth), (TapeBytes{101, 7}));
}

// A claim that is false of some histories stands for a fault of the reactor.
TEST(ShrinkTest, AHistoryThatFailsBecomesShort) {
  const auto callsBack = [](const TapeBytes& tape) { return runHistory(tape).callbacks > 2; };
  std::uint64_t seed = 1;
  while (!callsBack(tapeOf(seed, 300))) ++seed;
  const TapeBytes small = shrink(tapeOf(seed, 300), callsBack);
  EXPECT_TRUE(callsBack(small));
  EXPECT_LE(small.size(), 60u) << explain(small);
}

}  // namespace
}  // namespace kairos
