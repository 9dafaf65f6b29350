// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace kairos {
namespace {

// Before the name of a unix address.
constexpr std::size_t nameOffset = offsetof(sockaddr_un, sun_path);

template <class Sockaddr>
Sockaddr copyOf(const sockaddr* address) {
  Sockaddr copy{};
  std::memcpy(&copy, address, sizeof copy);
  return copy;
}

// FNV-1a, which wraps.
std::size_t mix(std::size_t hash, std::string_view bytes) {
  constexpr std::size_t prime = 1099511628211u;
  for (const char byte : bytes) {
    hash ^= static_cast<unsigned char>(byte);
    static_cast<void>(__builtin_mul_overflow(hash, prime, &hash));
  }
  return hash;
}

template <class Value>
std::string_view bytesOf(const Value& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

}  // namespace

Address Address::ipv4(Ipv4Bytes bytes, std::uint16_t port) noexcept {
  sockaddr_in made{};
  made.sin_family = AF_INET;
  made.sin_port = htons(port);
  std::memcpy(&made.sin_addr, bytes.data(), bytes.size());
  Address result;
  result.storage_.ipv4 = made;
  result.size_ = sizeof made;
  return result;
}

Address Address::ipv6(Ipv6Bytes bytes, std::uint16_t port, std::uint32_t scope) noexcept {
  sockaddr_in6 made{};
  made.sin6_family = AF_INET6;
  made.sin6_port = htons(port);
  made.sin6_scope_id = scope;
  std::memcpy(&made.sin6_addr, bytes.data(), bytes.size());
  Address result;
  result.storage_.ipv6 = made;
  result.size_ = sizeof made;
  return result;
}

Address Address::unixUnnamed() noexcept {
  Address result;
  result.storage_.local = {};
  result.storage_.local.sun_family = AF_UNIX;
  result.size_ = nameOffset;
  return result;
}

// The name begins at `offset` in sun_path. `name` fits.
Address Address::makeUnix(std::string_view name, std::size_t offset) noexcept {
  Address result = unixUnnamed();
  std::copy(name.begin(), name.end(), result.storage_.local.sun_path + offset);
  result.size_ = static_cast<socklen_t>(nameOffset + offset + name.size());
  return result;
}

std::error_code Address::unixPath(std::string_view path, Address& result) noexcept {
  if (path.empty() || path.find('\0') != path.npos) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  if (path.size() > unixPathBytesMax) return std::make_error_code(std::errc::filename_too_long);
  result = makeUnix(path, 0);
  // Ended by a zero byte where there is room for one: unix(7) recommends it.
  if (path.size() < unixPathBytesMax) ++result.size_;
  return {};
}

std::error_code Address::unixAbstract(std::string_view name, Address& result) noexcept {
  if (name.size() > abstractNameBytesMax) return std::make_error_code(std::errc::filename_too_long);
  result = makeUnix(name, 1);
  return {};
}

std::error_code Address::fromSockaddr(const sockaddr* address, socklen_t size,
                                      Address& result) noexcept {
  const auto invalid = std::make_error_code(std::errc::invalid_argument);
  if (address == nullptr || size < sizeof address->sa_family) return invalid;
  switch (address->sa_family) {
    case AF_INET:
      if (size < sizeof(sockaddr_in)) return invalid;
      result.storage_.ipv4 = copyOf<sockaddr_in>(address);
      std::fill(std::begin(result.storage_.ipv4.sin_zero), std::end(result.storage_.ipv4.sin_zero),
                0);
      result.size_ = sizeof(sockaddr_in);
      return {};
    case AF_INET6:
      if (size < sizeof(sockaddr_in6)) return invalid;
      result.storage_.ipv6 = copyOf<sockaddr_in6>(address);
      result.size_ = sizeof(sockaddr_in6);
      return {};
    case AF_UNIX:
      return fromUnix({reinterpret_cast<const char*>(address) + nameOffset, size - nameOffset},
                      result);
    default:
      return std::make_error_code(std::errc::address_family_not_supported);
  }
}

// `bytes` are those after the family. Linux counts a zero byte that ends a path, and may count it
// beyond the structure.
std::error_code Address::fromUnix(std::string_view bytes, Address& result) noexcept {
  if (bytes.empty()) {
    result = unixUnnamed();
    return {};
  }
  if (bytes.front() == '\0') return unixAbstract(bytes.substr(1), result);
  return unixPath(bytes.substr(0, bytes.find('\0')), result);
}

Address::Family Address::family() const noexcept {
  if (size_ == 0) return Family::none;
  if (storage_.generic.sa_family == AF_INET) return Family::ipv4;
  if (storage_.generic.sa_family == AF_INET6) return Family::ipv6;
  if (size_ == nameOffset) return Family::unixUnnamed;
  return storage_.local.sun_path[0] == '\0' ? Family::unixAbstract : Family::unixPath;
}

std::uint16_t Address::port() const noexcept {
  if (isIpv4()) return ntohs(storage_.ipv4.sin_port);
  return isIpv6() ? ntohs(storage_.ipv6.sin6_port) : std::uint16_t{0};
}

std::uint32_t Address::scope() const noexcept { return isIpv6() ? storage_.ipv6.sin6_scope_id : 0; }

Address::Ipv4Bytes Address::ipv4Bytes() const noexcept {
  Ipv4Bytes bytes{};
  if (isIpv4()) std::memcpy(bytes.data(), &storage_.ipv4.sin_addr, bytes.size());
  return bytes;
}

Address::Ipv6Bytes Address::ipv6Bytes() const noexcept {
  Ipv6Bytes bytes{};
  if (isIpv6()) std::memcpy(bytes.data(), &storage_.ipv6.sin6_addr, bytes.size());
  return bytes;
}

std::string_view Address::unixName() const noexcept {
  const char* const name = storage_.local.sun_path;
  if (family() == Family::unixAbstract) return {name + 1, size_ - nameOffset - 1};
  if (family() == Family::unixPath) return {name, ::strnlen(name, size_ - nameOffset)};
  return {};
}

Address Address::withPort(std::uint16_t port) const noexcept {
  Address result = *this;
  if (isIpv4()) result.storage_.ipv4.sin_port = htons(port);
  if (isIpv6()) result.storage_.ipv6.sin6_port = htons(port);
  return result;
}

Address Address::unmapped() const noexcept {
  if (!isIpv6() || !IN6_IS_ADDR_V4MAPPED(&storage_.ipv6.sin6_addr)) return *this;
  const Ipv6Bytes bytes = ipv6Bytes();
  return ipv4({bytes[12], bytes[13], bytes[14], bytes[15]}, port());
}

std::weak_ordering operator<=>(const Address& a, const Address& b) noexcept {
  if (const auto order = a.family() <=> b.family(); order != 0) return order;
  if (const auto order = a.ipv4Bytes() <=> b.ipv4Bytes(); order != 0) return order;
  if (const auto order = a.ipv6Bytes() <=> b.ipv6Bytes(); order != 0) return order;
  if (const auto order = a.scope() <=> b.scope(); order != 0) return order;
  if (const auto order = a.unixName() <=> b.unixName(); order != 0) return order;
  return a.port() <=> b.port();
}

}  // namespace kairos

std::size_t std::hash<kairos::Address>::operator()(const kairos::Address& address) const noexcept {
  using kairos::bytesOf;
  using kairos::mix;
  std::size_t value = mix(14695981039346656037u, bytesOf(address.family()));
  value = mix(value, bytesOf(address.port()));
  if (address.isIpv4()) return mix(value, bytesOf(address.ipv4Bytes()));
  if (address.isIpv6()) {
    return mix(mix(value, bytesOf(address.ipv6Bytes())), bytesOf(address.scope()));
  }
  return mix(value, address.unixName());
}
