// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/simulation/tapes.h"

#include "kairos/reactor/simulation/tape.h"

namespace kairos {
namespace {

constexpr std::string_view digits = "0123456789abcdef";

}  // namespace

std::vector<std::uint8_t> tapeOf(std::uint64_t seed, std::size_t size) {
  detail::Tape random(seed);
  std::vector<std::uint8_t> tape(size);
  for (std::uint8_t& byte : tape) byte = random.byte();
  return tape;
}

std::string hexOf(std::span<const std::uint8_t> tape) {
  std::string text;
  for (const std::uint8_t byte : tape) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::vector<std::uint8_t> tapeOfHex(std::string_view hex) {
  std::vector<std::uint8_t> tape;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const std::size_t high = digits.find(hex[i]);
    const std::size_t low = digits.find(hex[i + 1]);
    if (high == digits.npos || low == digits.npos) return {};
    tape.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return tape;
}

}  // namespace kairos
