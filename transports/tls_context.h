// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_TLS_CONTEXT_H_
#define KAIROS_TRANSPORTS_TLS_CONTEXT_H_

#include <span>
#include <string_view>
#include <system_error>

#include "kairos/transports/tls_error.h"

struct ssl_ctx_st;

namespace kairos {

namespace detail {
struct TlsAccess;
class TlsSettings;
}  // namespace detail

// What the clients, or the servers, of TLS have in common: whom they trust, and who they are. TLS
// 1.2 and later, no renegotiation, no early data, no compression; OpenSSL's own configuration file
// may ask for more.
//
//   Thread      Made and changed by one thread. What is made with it afterwards may be on any.
//   Ownership   A handle: moved, not copied. Streams share what is behind it and may outlive it.
//   Errors      those of tls_error.h, what the OS says to opening a file, invalid_argument,
//               not_enough_memory; an empty handle: TransportError::notConnected
//   Cost        Files are read by the call. The system's certificates are an exception: where they
//               are in one file makeClient() reads it, which takes tens of milliseconds; where they
//               are small files OpenSSL reads those, by their names, when it first needs them.
class TlsContext {
 public:
  // Empty: to be assigned to.
  TlsContext() noexcept = default;
  ~TlsContext();
  TlsContext(TlsContext&& other) noexcept;
  TlsContext& operator=(TlsContext&& other) noexcept;

  // For clients, which trust what the system trusts. They verify the server's certificate: its
  // chain, its dates, its purpose, and that it is for the host they want.
  [[nodiscard]] static std::error_code makeClient(TlsContext& result) noexcept;
  // For servers. They need a certificate, and ask clients for none.
  [[nodiscard]] static std::error_code makeServer(TlsContext& result) noexcept;

  // Who this is: a certificate, those between it and the root, and its key, which has no password.
  // What streams were made with before stays theirs; on error all that are made go on as before.
  //   Errors    also when certificate and key are not of each other
  [[nodiscard]] std::error_code useCertificate(std::string_view chainPem,
                                               std::string_view keyPem) noexcept;
  [[nodiscard]] std::error_code useCertificateFiles(const char* chainFile,
                                                    const char* keyFile) noexcept;

  // Whom to trust: the roots in PEM, instead of what the system trusts, and beside those of earlier
  // calls. For a server: the issuers of the clients' certificates. All of them, or on error none.
  [[nodiscard]] std::error_code trust(std::string_view rootsPem) noexcept;
  [[nodiscard]] std::error_code trustFile(const char* file) noexcept;

  // A server asks clients for a certificate, and refuses those that have none, or another than it
  // trusts. A client of TLS 1.3 learns of the refusal by its first read.
  [[nodiscard]] std::error_code requireClientCertificates() noexcept;
  // Those that have none are served too: see TlsStream::hasPeerCertificate().
  [[nodiscard]] std::error_code acceptClientCertificates() noexcept;

  // The protocols spoken inside, the best first (ALPN, RFC 7301): of a server all that it can, and
  // a client that offers others is refused. Not more than 255 bytes, of which one for each name.
  [[nodiscard]] std::error_code setProtocols(std::span<const std::string_view> names) noexcept;

  // A client accepts any certificate. Whoever is between it and the server can read and change
  // everything.
  [[nodiscard]] std::error_code insecurelyTrustAnybody() noexcept;

  // OpenSSL's object, for what is not here; nullptr when empty. It stays the context's. trust()
  // gives it another store, into which it copies certificates, lists and parameters.
  ssl_ctx_st* native() const noexcept;

 private:
  friend struct detail::TlsAccess;

  static std::error_code make(bool isServer, TlsContext& result) noexcept;
  std::error_code verifyClients(int mode) noexcept;

  detail::TlsSettings* settings_ = nullptr;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_TLS_CONTEXT_H_
