// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_SIMULATION_TAPES_H_
#define KAIROS_TESTS_SIMULATION_TAPES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kairos {

// A tape of `size` bytes that depends on `seed` alone.
std::vector<std::uint8_t> tapeOf(std::uint64_t seed, std::size_t size);

// "0001ab" and back; what is no such text gives an empty tape.
std::string hexOf(std::span<const std::uint8_t> tape);
std::vector<std::uint8_t> tapeOfHex(std::string_view hex);

}  // namespace kairos

#endif  // KAIROS_TESTS_SIMULATION_TAPES_H_
