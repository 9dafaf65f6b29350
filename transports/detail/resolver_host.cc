// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/detail/resolver_host.h"

#include <algorithm>
#include <charconv>

namespace kairos::detail {
namespace {

constexpr std::string_view local = "localhost";

bool isDigit(char letter) { return letter >= '0' && letter <= '9'; }

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool isLetter(char letter) { return lower(letter) >= 'a' && lower(letter) <= 'z'; }

bool isInName(char letter) {
  return isLetter(letter) || isDigit(letter) || letter == '-' || letter == '_' || letter == '.';
}

// The last part of a name, which no top level domain has as a number (RFC 3696): what ends so was
// meant as an address, in a form that others take for one of several.
bool endsInNumber(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  const bool isHexadecimal = last.size() > 1 && last[0] == '0' && lower(last[1]) == 'x';
  return isHexadecimal || std::all_of(last.begin(), last.end(), isDigit);
}

// RFC 6761 section 6.3: it never leaves the machine.
bool isLocalName(std::string_view name) {
  if (name.size() < local.size()) return false;
  const std::string_view end = name.substr(name.size() - local.size());
  const auto same = [](char a, char b) { return lower(a) == b; };
  if (!std::equal(end.begin(), end.end(), local.begin(), same)) return false;
  return name.size() == local.size() || name[name.size() - local.size() - 1] == '.';
}

// As Address::parse() takes it, with a port.
bool parseNumeric(std::string_view host, Address& result) {
  std::array<char, ResolverHost::textBytesMax + 4> text;
  const bool isIpv6 = host.find(':') != host.npos;
  char* end = text.data();
  if (isIpv6) *end++ = '[';
  end = std::copy(host.begin(), host.end(), end);
  if (isIpv6) *end++ = ']';
  *end++ = ':';
  *end++ = '0';
  const std::string_view all(text.data(), static_cast<std::size_t>(end - text.data()));
  return !Address::parse(all, result) && result.isIp();
}

}  // namespace

bool ResolverHost::assign(std::string_view host) noexcept {
  if (host.empty() || host.size() > textBytesMax) return false;
  *std::copy(host.begin(), host.end(), text_.begin()) = '\0';
  if (parseNumeric(host, address_)) return true;
  const std::string_view name = host.substr(0, host.size() - (host.ends_with('.') ? 1 : 0));
  if (name.empty() || !std::all_of(name.begin(), name.end(), isInName)) return false;
  if (name.starts_with('.') || name.find("..") != name.npos || endsInNumber(name)) return false;
  isLocal_ = isLocalName(name);
  return true;
}

bool ResolverService::assign(std::string_view text) noexcept {
  if (text.empty() || text.size() > nameBytesMax) return false;
  if (std::all_of(text.begin(), text.end(), isDigit)) {
    if (text.size() > 1 && text.front() == '0') return false;
    const char* const end = text.data() + text.size();
    return std::from_chars(text.data(), end, port_).ec == std::errc();
  }
  // RFC 6335 section 5.1
  if (!std::all_of(text.begin(), text.end(), isInName) || text.front() == '-') return false;
  if (std::none_of(text.begin(), text.end(), isLetter)) return false;
  *std::copy(text.begin(), text.end(), name_.begin()) = '\0';
  isName_ = true;
  return true;
}

}  // namespace kairos::detail
