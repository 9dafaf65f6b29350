// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SIMULATION_SHRINK_H_
#define KAIROS_TESTS_SIMULATION_SHRINK_H_

#include <cstdint>
#include <functional>
#include <vector>

namespace kairos {

using TapeBytes = std::vector<std::uint8_t>;

// A tape that fails as well, and fails no more if any run of bytes is left out or any byte lowered
// by rapidcheck's steps. Requires a tape that fails.
TapeBytes shrink(TapeBytes tape, const std::function<bool(const TapeBytes&)>& fails);

}  // namespace kairos

#endif  // KAIROS_TESTS_SIMULATION_SHRINK_H_
