// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_CONNECTION_H_
#define KAIROS_FUTURES_ADDON_CONNECTION_H_

#include <span>

#include "kairos/futures-addon/detail/connection_calls.h"
#include "kairos/futures-addon/transport_call.h"
#include "kairos/transports/connect.h"
#include "kairos/transports/connect_any.h"
#include "kairos/transports/stream_server.h"

namespace kairos {

// Where streams come from, for coroutines: see transport_call.h for what these have in common, and
// the headers of the transports for what they do and their errors.

// Gives an Accepted: `auto [stream, peer] = co_await accept(server);` Want of descriptors or memory
// is thrown once, and the next accept waits it out. A loop that accepts goes on after that, but not
// after a `closed` or a request to cancel: see noThrow().
inline auto accept(StreamServer& server) noexcept {
  return TransportCall(server, detail::AcceptCall{});
}

// Gives a StreamTransport.
inline auto connect(TransportContext& context, const Address& address,
                    const ConnectOptions& options = {}) noexcept {
  return TransportCall(context, detail::ConnectCall{{}, address, options});
}

// Gives a StreamTransport. The addresses are the caller's.
inline auto connectAny(TransportContext& context, std::span<const Address> addresses,
                       const ConnectAnyOptions& options = {}) noexcept {
  return TransportCall(context, detail::ConnectAnyCall{{}, addresses, options});
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_CONNECTION_H_
