// SPDX-License-Identifier: MIT OR Apache-2.0
// How addresses are read and written.
#include <arpa/inet.h>
#include <net/if.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "kairos/transports/address.h"

namespace kairos {
namespace {

constexpr std::string_view pathPrefix = "unix:";
constexpr std::string_view abstractPrefix = "unix-abstract:";

std::error_code invalid() { return std::make_error_code(std::errc::invalid_argument); }

// The decimal number that is all of `text`: digits alone, no leading zero.
template <class Number>
std::optional<Number> parseNumber(std::string_view text) {
  const bool hasLeadingZero = text.size() > 1 && text.front() == '0';
  if (text.empty() || hasLeadingZero || text.front() == '-') return std::nullopt;
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stopped != end) return std::nullopt;
  return number;
}

// inet_pton(3), which is strict, wants its text ended by a zero byte.
template <std::size_t size>
bool parseIp(int family, std::string_view text, std::array<std::uint8_t, size>& bytes) {
  std::array<char, INET6_ADDRSTRLEN> ended{};
  if (text.size() >= ended.size() || text.find('\0') != text.npos) return false;
  std::copy(text.begin(), text.end(), ended.begin());
  return ::inet_pton(family, ended.data(), bytes.data()) == 1;
}

std::error_code parseIpv4(std::string_view text, Address& result) {
  const std::size_t colon = text.find(':');
  if (colon == text.npos) return invalid();
  const auto port = parseNumber<std::uint16_t>(text.substr(colon + 1));
  Address::Ipv4Bytes bytes{};
  if (!port || !parseIp(AF_INET, text.substr(0, colon), bytes)) return invalid();
  result = Address::ipv4(bytes, *port);
  return {};
}

bool isDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::error_code parseScope(std::string_view text, std::uint32_t& scope) {
  if (text.empty() || text.find('\0') != text.npos) return invalid();
  if (isDigits(text)) {
    const auto number = parseNumber<std::uint32_t>(text);
    if (!number || *number == 0) return invalid();
    scope = *number;
    return {};
  }
  std::array<char, IF_NAMESIZE> name{};
  if (text.size() >= name.size()) return invalid();
  std::copy(text.begin(), text.end(), name.begin());
  scope = ::if_nametoindex(name.data());
  return scope != 0 ? std::error_code() : std::make_error_code(std::errc::no_such_device);
}

std::error_code parseIpv6(std::string_view text, Address& result) {
  const std::size_t close = text.find(']');
  if (close == text.npos || text.substr(close + 1, 1) != ":") return invalid();
  const auto port = parseNumber<std::uint16_t>(text.substr(close + 2));
  const std::string_view inside = text.substr(1, close - 1);
  const std::size_t percent = inside.find('%');
  Address::Ipv6Bytes bytes{};
  if (!port || !parseIp(AF_INET6, inside.substr(0, percent), bytes)) return invalid();
  std::uint32_t scope = 0;
  if (percent != inside.npos) {
    if (const auto error = parseScope(inside.substr(percent + 1), scope)) return error;
  }
  result = Address::ipv6(bytes, *port, scope);
  return {};
}

std::optional<char> parseHexByte(std::string_view digits) {
  unsigned char byte = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stopped, error] = std::from_chars(digits.data(), end, byte, 16);
  if (digits.size() != 2 || error != std::errc() || stopped != end) return std::nullopt;
  return static_cast<char>(byte);
}

bool isControl(char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }

// Takes one byte of a name, escaped or not, from the front of `text`.
std::optional<char> takeByte(std::string_view& text) {
  const char first = text.front();
  text.remove_prefix(1);
  if (isControl(first)) return std::nullopt;
  if (first != '\\') return first;
  const bool isHex = text.substr(0, 1) == "x";
  if (!isHex && text.substr(0, 1) != "\\") return std::nullopt;
  const auto byte = isHex ? parseHexByte(text.substr(1, 2)) : std::optional<char>('\\');
  if (byte) text.remove_prefix(isHex ? 3 : 1);
  return byte;
}

using MakeUnix = std::error_code (*)(std::string_view name, Address& result) noexcept;

std::error_code parseUnix(std::string_view text, MakeUnix make, Address& result) {
  std::array<char, Address::unixPathBytesMax + 1> name;
  std::size_t size = 0;
  while (!text.empty()) {
    const auto byte = takeByte(text);
    if (!byte) return invalid();
    // The first byte too many is kept, so that `make` sees that there are too many.
    if (size < name.size()) name[size++] = *byte;
  }
  return make({name.data(), size}, result);
}

std::string hostText(int family, const void* bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  // Cannot fail: the family is known and the room is enough.
  ::inet_ntop(family, bytes, text.data(), text.size());
  return text.data();
}

std::string escaped(std::string_view name) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : name) {
    if (c == '\\') {
      text += "\\\\";
    } else if (isControl(c)) {
      const auto byte = static_cast<unsigned char>(c);
      text += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::error_code Address::parse(std::string_view text, Address& result) noexcept {
  if (text.starts_with(pathPrefix)) {
    return parseUnix(text.substr(pathPrefix.size()), &Address::unixPath, result);
  }
  if (text.starts_with(abstractPrefix)) {
    return parseUnix(text.substr(abstractPrefix.size()), &Address::unixAbstract, result);
  }
  return text.starts_with('[') ? parseIpv6(text, result) : parseIpv4(text, result);
}

std::string Address::toString() const {
  switch (family()) {
    case Family::none:
      return "none";
    case Family::ipv4:
      return hostText(AF_INET, &storage_.ipv4.sin_addr) + ":" + std::to_string(port());
    case Family::ipv6: {
      const std::string scoped = scope() != 0 ? "%" + std::to_string(scope()) : std::string();
      return "[" + hostText(AF_INET6, &storage_.ipv6.sin6_addr) + scoped +
             "]:" + std::to_string(port());
    }
    case Family::unixPath:
    case Family::unixUnnamed:
      break;
    case Family::unixAbstract:
      return std::string(abstractPrefix) + escaped(unixName());
  }
  return std::string(pathPrefix) + escaped(unixName());
}

}  // namespace kairos
