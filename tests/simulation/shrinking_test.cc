// SPDX-License-Identifier: MIT OR Apache-2.0
// The histories of history.h with tapes by rapidcheck, which makes a failing one as short and dull
// as it can.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "kairos/tests/simulation/history.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

using Bytes = std::vector<std::uint8_t>;

class ShrinkingTest : public testing::Test {
 protected:
  // rapidcheck reads them once.
  static void SetUpTestSuite() {
    const std::string histories = underSanitizer() ? "50" : "400";
    const std::string parameters =
        "seed=" + std::to_string(randomSeed()) + " max_size=600 max_success=" + histories;
    ::setenv("RC_PARAMS", parameters.c_str(), 1);
  }

  // Whether `isRight` holds of all tapes; else smallest_ is one of which it does not, and of which
  // no shorter or duller one was found.
  template <class Claim>
  bool holds(Claim isRight) {
    return rc::check([&](const Bytes& tape) {
      const bool holds = isRight(tape);
      if (!holds) smallest_ = tape;
      RC_ASSERT(holds);
    });
  }

  Bytes smallest_;
};

TEST_F(ShrinkingTest, TheReactorKeepsItsContract) {
  EXPECT_TRUE(holds([](const Bytes& tape) { return runHistory(tape).failure.empty(); }))
      << explain(smallest_);
}

// A claim that is false of the longer histories stands for a fault of the reactor.
TEST_F(ShrinkingTest, AFailureIsMadeSmall) {
  const auto isQuiet = [](const Bytes& tape) { return runHistory(tape).callbacks == 0; };
  EXPECT_FALSE(holds(isQuiet));
  EXPECT_FALSE(isQuiet(smallest_));
  EXPECT_LE(smallest_.size(), 60u) << explain(smallest_);
}

}  // namespace
}  // namespace kairos
