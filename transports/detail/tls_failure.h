// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_TLS_FAILURE_H_
#define KAIROS_TRANSPORTS_DETAIL_TLS_FAILURE_H_

#include <openssl/ssl.h>

#include <system_error>

namespace kairos::detail {

// What the last call of OpenSSL in this thread complains of. Empties its queue of errors, which
// must have been empty before that call.
std::error_code takeTlsFailure() noexcept;

// The same of a call for a connection, for which more may be known.
std::error_code takeTlsFailure(const SSL* ssl) noexcept;

// That the peer's certificate is not accepted, and why.
std::error_code certificateFailure(const SSL* ssl) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_TLS_FAILURE_H_
