// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The programs of the soak, short: do they run, and does what they check hold?
#include <gtest/gtest.h>

#include <string>

#include "kairos/tests/soak/programs.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/process_state.h"

namespace kairos::soak {
namespace {

class SoakTest : public testing::TestWithParam<Program> {};

TEST_P(SoakTest, PassesForASecond) {
  raiseFdLimit();
  Figures figures = GetParam().run(Budget(1));
  // Sanitizers hold back what was freed; and in so short a time memory has not settled.
  figures.growthMax = underSanitizer() ? 1 << 20 : figures.growthMax + 4096;
  EXPECT_TRUE(figures.passed()) << figures.line();
}

INSTANTIATE_TEST_SUITE_P(All, SoakTest, testing::ValuesIn(programs().begin(), programs().end()),
                         [](const auto& each) { return std::string(each.param.name); });

TEST(FiguresTest, OfAnythingLostDoNotPass) {
  Figures figures{.name = "some", .ok = 1};
  EXPECT_TRUE(figures.passed());
  figures.lost = 1;
  EXPECT_FALSE(figures.passed());
}

TEST(FiguresTest, OfADescriptorThatStaysDoNotPass) {
  const Figures figures{.name = "some", .ok = 1, .fdsBefore = 5, .fdsAfter = 6};
  EXPECT_FALSE(figures.passed());
}

TEST(FiguresTest, OfMemoryThatGrowsDoNotPass) {
  const Figures figures{.name = "some", .ok = 1, .rssBefore = 5000, .rssAfter = 6025};
  EXPECT_FALSE(figures.passed());
}

TEST(FiguresTest, OfNothingDoneDoNotPass) { EXPECT_FALSE(Figures{.name = "some"}.passed()); }

}  // namespace
}  // namespace kairos::soak
