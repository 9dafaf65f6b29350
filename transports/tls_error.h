// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_TLS_ERROR_H_
#define KAIROS_TRANSPORTS_TLS_ERROR_H_

#include <system_error>

namespace kairos {

// What ends a TLS stream, beside what ends any stream. The same category holds the errors of
// OpenSSL, as numbers of its own with its words as message. They equal a std::errc:
//
//   connection_aborted   TlsError::truncated: the stream ended without the peer's close_notify, so
//                        that something may be missing; as opposed to an end, which is no error
//   permission_denied    the peer's certificate is not accepted, and the message says why: expired,
//                        issued by nobody who is trusted, for another name, ...
//   protocol_error       all else that OpenSSL says: the peer speaks no TLS, or refuses us, ...
enum class TlsError {
  truncated = 1,
};

std::error_code make_error_code(TlsError error) noexcept;

}  // namespace kairos

template <>
struct std::is_error_code_enum<kairos::TlsError> : std::true_type {};

#endif  // KAIROS_TRANSPORTS_TLS_ERROR_H_
