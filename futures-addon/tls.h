// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_TLS_H_
#define KAIROS_FUTURES_ADDON_TLS_H_

#include <system_error>

#include "kairos/futures-addon/detail/transport_awaiter.h"
#include "kairos/futures-addon/stream.h"
#include "kairos/futures-addon/transport_call.h"
#include "kairos/transports/tls_stream.h"

namespace kairos {

namespace detail {

struct HandshakeCall : BasicCall {
  using Target = TlsStream;
  using Operation = HandshakeOperation;

  std::error_code start(TlsStream& stream, HandshakeOperation& operation,
                        AsyncCallback done) const noexcept {
    return stream.handshake(operation, done.function, done.udata);
  }
  static void result(const HandshakeOperation&) noexcept {}
};

}  // namespace detail

// `co_await handshake(stream);` before all else, once: see transports/tls_stream.h. A TlsStream is
// read and written by the calls of stream.h.
inline auto handshake(TlsStream& stream) noexcept {
  return TransportCall(stream, detail::HandshakeCall{});
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_TLS_H_
