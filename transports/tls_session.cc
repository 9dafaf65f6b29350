// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/tls_session.h"

#include <openssl/ssl.h>

namespace kairos {

TlsSession::TlsSession(const TlsSession& other) noexcept : session_(other.session_) {
  if (session_ != nullptr) ::SSL_SESSION_up_ref(session_);
}

TlsSession::~TlsSession() { ::SSL_SESSION_free(session_); }

}  // namespace kairos
