// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/reactor/simulation/tape.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace kairos::detail {
namespace {

TEST(TapeTest, IsReadOnceAndThenZero) {
  const std::array<std::uint8_t, 2> bytes{7, 255};
  Tape tape(bytes);
  EXPECT_FALSE(tape.isOver());
  EXPECT_EQ(tape.byte(), 7);
  EXPECT_EQ(tape.byte(), 255);
  EXPECT_TRUE(tape.isOver());
  EXPECT_EQ(tape.byte(), 0);
  EXPECT_EQ(tape.below(1'000'000), 0u);
  EXPECT_FALSE(tape.oneIn(1));
}

TEST(TapeTest, TakesAsManyBytesAsAChoiceNeeds) {
  const std::array<std::uint8_t, 4> bytes{1, 2, 3, 4};
  Tape tape(bytes);
  EXPECT_EQ(tape.below(1), 0u);
  EXPECT_EQ(tape.below(256), 2u);
  EXPECT_EQ(tape.below(257), 0x304u % 257);
  EXPECT_TRUE(tape.isOver());
}

// The highest bytes say yes, so that zero always says no.
TEST(TapeTest, OneInManyIsThatMany) {
  for (const unsigned n : {2u, 4u, 16u, 256u}) {
    unsigned yes = 0;
    for (unsigned value = 0; value < 256; ++value) {
      const std::array byte{static_cast<std::uint8_t>(value)};
      if (Tape(byte).oneIn(n)) ++yes;
    }
    EXPECT_EQ(yes, 256 / n);
  }
  const std::array<std::uint8_t, 1> most{255};
  EXPECT_FALSE(Tape(most).oneIn(0));
  EXPECT_TRUE(Tape(most).oneIn(1));
}

TEST(TapeTest, ASeedFillsItWithoutEnd) {
  Tape tape(std::uint64_t{1});
  Tape same(std::uint64_t{1});
  std::array<unsigned, 256> counts{};
  for (int i = 0; i < 256 * 1000; ++i) {
    const std::uint8_t byte = tape.byte();
    ASSERT_EQ(byte, same.byte());
    ++counts[byte];
  }
  EXPECT_FALSE(tape.isOver());
  for (const unsigned count : counts) EXPECT_NEAR(count, 1000, 200);
}

}  // namespace
}  // namespace kairos::detail
