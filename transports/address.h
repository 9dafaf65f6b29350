// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_ADDRESS_H_
#define KAIROS_TRANSPORTS_ADDRESS_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

namespace kairos {

// Where a socket is, or is to be: IPv4, IPv6 with scope, a unix path, an abstract unix name. It
// resolves no names: text is numbers, or it is refused.
//
//   Ownership   a value of 116 bytes, freely copied
//   Errors      std::error_code, to be compared with std::errc; the result is then untouched
class Address {
 public:
  enum class Family : std::uint8_t {
    none,          // of a default-made address
    ipv4,          // ip(7)
    ipv6,          // ipv6(7)
    unixPath,      // unix(7), a name in the file system
    unixAbstract,  // any bytes, zero bytes included, in a space of their own
    unixUnnamed,   // of a socket that was not bound, such as most clients
  };

  using Ipv4Bytes = std::array<std::uint8_t, 4>;
  using Ipv6Bytes = std::array<std::uint8_t, 16>;

  static constexpr std::size_t unixPathBytesMax = sizeof(sockaddr_un::sun_path);
  static constexpr std::size_t abstractNameBytesMax = unixPathBytesMax - 1;

  Address() noexcept : storage_{}, size_(0) {}

  static Address ipv4(Ipv4Bytes bytes, std::uint16_t port) noexcept;
  static Address ipv6(Ipv6Bytes bytes, std::uint16_t port, std::uint32_t scope = 0) noexcept;
  static Address unixUnnamed() noexcept;

  // Errors    invalid_argument   empty, or with a zero byte in it
  //           filename_too_long  more than unixPathBytesMax: never cut to another name
  [[nodiscard]] static std::error_code unixPath(std::string_view path, Address& result) noexcept;

  // Errors    filename_too_long  more than abstractNameBytesMax
  [[nodiscard]] static std::error_code unixAbstract(std::string_view name,
                                                    Address& result) noexcept;

  // Reads one of these forms, all of `text`, and nothing that merely resembles them:
  //
  //     127.0.0.1:80                 four decimal parts without leading zeros, and a port
  //     [::1]:80  [fe80::1%eth0]:80  brackets are required; a scope is a number or an interface
  //     unix:/run/x.sock             a path
  //     unix-abstract:name           an abstract name
  //
  // A port is 0 to 65535 without leading zeros. In unix names a backslash begins an escape: \\ or
  // \xNN; control characters must be written so.
  //   Errors    invalid_argument; filename_too_long; no_such_device: no interface has that name
  //   Cost      no system call, but two or three to look up the name of an interface
  [[nodiscard]] static std::error_code parse(std::string_view text, Address& result) noexcept;

  // What getsockname(2), accept(2) and recvfrom(2) gave. Bytes beyond `size` are not read.
  //   Errors    address_family_not_supported; invalid_argument: too short for its family
  [[nodiscard]] static std::error_code fromSockaddr(const sockaddr* address, socklen_t size,
                                                    Address& result) noexcept;

  // For bind(2), connect(2) and the like. An address of no family has size 0.
  const sockaddr* sockaddrData() const noexcept { return &storage_.generic; }
  socklen_t sockaddrSize() const noexcept { return size_; }

  Family family() const noexcept;
  bool isIp() const noexcept { return isIpv4() || isIpv6(); }
  bool isIpv4() const noexcept { return family() == Family::ipv4; }
  bool isIpv6() const noexcept { return family() == Family::ipv6; }
  bool isUnix() const noexcept { return size_ > 0 && storage_.generic.sa_family == AF_UNIX; }

  // Zero, or empty, where the family has none.
  std::uint16_t port() const noexcept;
  std::uint32_t scope() const noexcept;
  Ipv4Bytes ipv4Bytes() const noexcept;
  Ipv6Bytes ipv6Bytes() const noexcept;
  std::string_view unixName() const noexcept;  // path or abstract name; points into this address

  // The same place with another port; unchanged where the family has none.
  Address withPort(std::uint16_t port) const noexcept;
  // ::ffff:1.2.3.4 as IPv4; everything else as it is.
  Address unmapped() const noexcept;

  // A form that parse() reads back to an equal address; scopes as numbers, IPv6 as RFC 5952 says.
  // "none" and "unix:" for what has no name, which parse() refuses.
  std::string toString() const;

  // By family, then address, scope and port; unix names byte by byte. The flow label of IPv6, which
  // is kept but names no place, does not count.
  friend bool operator==(const Address& a, const Address& b) noexcept {
    return (a <=> b) == std::weak_ordering::equivalent;
  }
  friend std::weak_ordering operator<=>(const Address& a, const Address& b) noexcept;

 private:
  union Storage {
    sockaddr generic;
    sockaddr_in ipv4;
    sockaddr_in6 ipv6;
    sockaddr_un local;
  };

  static Address makeUnix(std::string_view name, std::size_t offset) noexcept;
  static std::error_code fromUnix(std::string_view bytes, Address& result) noexcept;

  Storage storage_;
  socklen_t size_;
};

}  // namespace kairos

template <>
struct std::hash<kairos::Address> {
  std::size_t operator()(const kairos::Address& address) const noexcept;
};

#endif  // KAIROS_TRANSPORTS_ADDRESS_H_
