// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_EXAMPLES_ARGUMENTS_H_
#define KAIROS_REACTOR_EXAMPLES_ARGUMENTS_H_

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace kairos::examples {

// The number from `least` to the most of its type that is all of `text`; none if it is not one.
template <typename Number>
std::optional<Number> parseNumber(std::string_view text, Number least) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end || number < least) return std::nullopt;
  return number;
}

// 0 to 65535. getaddrinfo(3) would take 70000 for 4464.
inline std::optional<std::uint16_t> parsePort(std::string_view text) {
  return parseNumber<std::uint16_t>(text, 0);
}

// Takes "NAME VALUE" from the front of `words` and returns the value; none when they begin with
// something else.
inline std::optional<std::string> takeOption(std::vector<std::string>& words,
                                             std::string_view name) {
  if (words.size() < 2 || words[0] != name) return std::nullopt;
  std::string value = std::move(words[1]);
  words.erase(words.begin(), words.begin() + 2);
  return value;
}

}  // namespace kairos::examples

#endif  // KAIROS_REACTOR_EXAMPLES_ARGUMENTS_H_
