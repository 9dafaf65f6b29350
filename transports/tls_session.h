// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_TLS_SESSION_H_
#define KAIROS_TRANSPORTS_TLS_SESSION_H_

#include <utility>

struct ssl_session_st;

namespace kairos {

// What a client and a server have agreed on, so that their next handshake is shorter. Keep one for
// each host and TlsContext; it holds secrets.
//
//   Ownership   a value that shares what is behind it
class TlsSession {
 public:
  // Empty.
  TlsSession() noexcept = default;
  // Takes over a reference.
  explicit TlsSession(ssl_session_st* session) noexcept : session_(session) {}
  TlsSession(const TlsSession& other) noexcept;
  TlsSession(TlsSession&& other) noexcept : session_(std::exchange(other.session_, nullptr)) {}
  TlsSession& operator=(TlsSession other) noexcept {
    std::swap(session_, other.session_);
    return *this;
  }
  ~TlsSession();

  bool isEmpty() const noexcept { return session_ == nullptr; }

  // OpenSSL's object; nullptr when empty. It stays the session's.
  ssl_session_st* native() const noexcept { return session_; }

 private:
  ssl_session_st* session_ = nullptr;
};

}  // namespace kairos

#endif  // KAIROS_TRANSPORTS_TLS_SESSION_H_
