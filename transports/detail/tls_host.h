// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_TLS_HOST_H_
#define KAIROS_TRANSPORTS_DETAIL_TLS_HOST_H_

#include <openssl/ssl.h>

#include <array>
#include <cstddef>
#include <string_view>
#include <system_error>

namespace kairos::detail {

// The host that a client wants, as OpenSSL wants it: a name without the dot that may end it, or an
// address in digits.
class TlsHost {
 public:
  static constexpr std::size_t nameBytesMax = 253;  // RFC 1035

  // False: it cannot be a host.
  bool assign(std::string_view host) noexcept;
  const char* text() const noexcept { return text_.data(); }

 private:
  std::array<char, nameBytesMax + 1> text_;
};

// Lets the handshake tell the server the name, and refuse a certificate that is for others.
std::error_code expectHost(SSL* ssl, const char* host) noexcept;

// The session's certificate is for the host; OpenSSL does not look when it resumes one.
bool isOfHost(const SSL_SESSION* session, const char* host) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_TLS_HOST_H_
