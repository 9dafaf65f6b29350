// SPDX-License-Identifier: MIT OR Apache-2.0
// Reads of all kinds, mixed, of bytes that come in any pieces; see framing_history.h.
#include "kairos/tests/transports/framing_history.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "kairos/tests/simulation/tapes.h"
#include "kairos/tests/support/random_seed.h"

namespace kairos {
namespace {

// T32
TEST(FramingHistoryTest, AgreesWithAReaderOfTheWholeText) {
  Random random;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t seed = random.below(std::uint64_t{1} << 32);
    ASSERT_EQ(runFraming(tapeOf(seed, 1500)), "") << seed;
  }
}

}  // namespace
}  // namespace kairos
