// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DATAGRAMS_H_
#define KAIROS_FUTURES_ADDON_DATAGRAMS_H_

#include <span>
#include <string_view>

#include "kairos/futures-addon/detail/datagram_calls.h"
#include "kairos/futures-addon/transport_call.h"
#include "kairos/transports/datagram_transport.h"

namespace kairos {

// The operations of a DatagramTransport for coroutines: see transports/datagram_transport.h for
// what they do and their errors, and transport_call.h for what all have in common.

// Gives a std::span<const Datagram>, of at least one, which is valid until the next receive.
inline auto receive(DatagramTransport& transport) noexcept {
  return TransportCall(transport, detail::ReceiveCall{});
}
// Gives a Datagram, whose bytes are valid until the next receive.
inline auto receiveOne(DatagramTransport& transport) noexcept {
  return TransportCall(transport, detail::ReceiveOneCall{});
}

// Give how many were sent: all, or see noThrow(). The bytes stay the caller's until then.
inline auto send(DatagramTransport& transport, std::span<const Datagram> datagrams) noexcept {
  return TransportCall(transport, detail::SendAllCall{{}, datagrams});
}
inline auto send(DatagramTransport& transport, std::string_view bytes) noexcept {
  return TransportCall(transport, detail::SendBytesCall{{}, bytes});
}
inline auto sendTo(DatagramTransport& transport, const Address& peer,
                   std::string_view bytes) noexcept {
  return TransportCall(transport, detail::SendToCall{{}, peer, bytes});
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_DATAGRAMS_H_
