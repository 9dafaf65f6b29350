// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TRANSPORTS_DETAIL_TLS_BIO_H_
#define KAIROS_TRANSPORTS_DETAIL_TLS_BIO_H_

#include <openssl/bio.h>

#include <cstddef>
#include <string_view>

#include "kairos/transports/detail/tls_output.h"

namespace kairos::detail {

// Where OpenSSL reads from and writes to instead of a descriptor: what an inner stream has
// received, which it is shown in place, and what that is to send.
struct TlsPipe {
  std::string_view incoming;  // a view into the inner stream's buffer
  bool hasEnded = false;      // nothing comes after `incoming`
  TlsOutput outgoing;
};

// The methods of a BIO on a TlsPipe; nullptr: no memory. To be freed by BIO_meth_free(3).
BIO_METHOD* makeTlsBioMethod() noexcept;

// A BIO on `pipe`, which outlives it; nullptr: no memory.
BIO* makeTlsBio(const BIO_METHOD* method, TlsPipe& pipe) noexcept;

}  // namespace kairos::detail

#endif  // KAIROS_TRANSPORTS_DETAIL_TLS_BIO_H_
