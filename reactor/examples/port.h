// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_REACTOR_EXAMPLES_PORT_H_
#define KAIROS_REACTOR_EXAMPLES_PORT_H_

#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kairos::examples {

// The port number that is all of `text`; 0 is one. getaddrinfo(3) would take 70000 for 4464.
inline std::optional<std::uint16_t> parsePort(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, port);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return port;
}

}  // namespace kairos::examples

#endif  // KAIROS_REACTOR_EXAMPLES_PORT_H_
