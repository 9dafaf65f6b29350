// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_RESOLVER_HOST_H_
#define KAIROS_TRANSPORTS_DETAIL_RESOLVER_HOST_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <system_error>

#include "kairos/transports/address.h"

namespace kairos::detail {

// What a resolver is asked for, taken apart.
class ResolverHost {
 public:
  static constexpr std::size_t textBytesMax = 254;  // a name and the dot that may end it, RFC 1035

  // False: it cannot be a host.
  bool assign(std::string_view host) noexcept;

  // Of no family: it is a name.
  const Address& address() const noexcept { return address_; }
  bool isLocal() const noexcept { return isLocal_; }
  const char* text() const noexcept { return text_.data(); }

 private:
  Address address_;
  bool isLocal_ = false;
  std::array<char, textBytesMax + 1> text_;
};

// A port, or the name of one.
class ResolverService {
 public:
  static constexpr std::size_t nameBytesMax = 31;

  void assign(std::uint16_t port) noexcept { port_ = port; }
  // False: it is neither a port nor the name of one.
  bool assign(std::string_view text) noexcept;

  bool isName() const noexcept { return isName_; }
  std::uint16_t port() const noexcept { return port_; }
  const char* name() const noexcept { return name_.data(); }

 private:
  std::uint16_t port_ = 0;
  bool isName_ = false;
  std::array<char, nameBytesMax + 1> name_;
};

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_RESOLVER_HOST_H_
