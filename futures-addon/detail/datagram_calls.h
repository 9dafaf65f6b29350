// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_DATAGRAM_CALLS_H_
#define KAIROS_FUTURES_ADDON_DETAIL_DATAGRAM_CALLS_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <system_error>

#include "kairos/futures-addon/detail/transport_awaiter.h"
#include "kairos/transports/datagram_transport.h"

namespace kairos::detail {

struct ReceiveCall : BasicCall {
  using Target = DatagramTransport;
  using Operation = ReceiveOperation;

  std::error_code start(DatagramTransport& transport, ReceiveOperation& operation,
                        AsyncCallback done) const noexcept {
    return transport.receive(operation, done.function, done.udata);
  }
  static std::span<const Datagram> result(const ReceiveOperation& operation) noexcept {
    return operation.datagrams;
  }
};

struct ReceiveOneCall : BasicCall {
  using Target = DatagramTransport;
  using Operation = ReceiveOperation;

  std::error_code start(DatagramTransport& transport, ReceiveOperation& operation,
                        AsyncCallback done) const noexcept {
    return transport.receiveOne(operation, done.function, done.udata);
  }
  static Datagram result(const ReceiveOperation& operation) noexcept {
    return operation.datagrams.empty() ? Datagram() : operation.datagrams.front();
  }
};

struct SendCall : BasicCall {
  using Target = DatagramTransport;
  using Operation = SendOperation;

  static std::size_t result(const SendOperation& operation) noexcept { return operation.sent; }
};

struct SendAllCall : SendCall {
  std::error_code start(DatagramTransport& transport, SendOperation& operation,
                        AsyncCallback done) const noexcept {
    return transport.send(operation, datagrams, done.function, done.udata);
  }
  std::span<const Datagram> datagrams;
};

struct SendBytesCall : SendCall {
  std::error_code start(DatagramTransport& transport, SendOperation& operation,
                        AsyncCallback done) const noexcept {
    return transport.send(operation, bytes, done.function, done.udata);
  }
  std::string_view bytes;
};

struct SendToCall : SendCall {
  std::error_code start(DatagramTransport& transport, SendOperation& operation,
                        AsyncCallback done) const noexcept {
    return transport.sendTo(operation, peer, bytes, done.function, done.udata);
  }
  Address peer;
  std::string_view bytes;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_DATAGRAM_CALLS_H_
