// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_CONNECTION_CALLS_H_
#define KAIROS_FUTURES_ADDON_DETAIL_CONNECTION_CALLS_H_

#include <span>
#include <system_error>
#include <utility>

#include "kairos/futures-addon/detail/transport_awaiter.h"
#include "kairos/transports/connect.h"
#include "kairos/transports/connect_any.h"
#include "kairos/transports/stream_server.h"

namespace kairos {

// A connection that was accepted.
struct Accepted {
  StreamTransport stream;
  Address peer;
};

namespace detail {

struct AcceptCall : BasicCall {
  using Target = StreamServer;
  using Operation = AcceptOperation;

  std::error_code start(StreamServer& server, AcceptOperation& operation,
                        AsyncCallback done) const noexcept {
    return server.accept(operation, done.function, done.udata);
  }
  static Accepted result(AcceptOperation& operation) noexcept {
    return {std::move(operation.stream), operation.peer};
  }
};

template <class Connecting>
struct BasicConnectCall : BasicCall {
  using Target = TransportContext;
  using Operation = Connecting;

  static bool cancel(TransportContext&, Connecting& operation) noexcept {
    return kairos::cancel(operation);
  }
  static StreamTransport result(Connecting& operation) noexcept {
    return std::move(operation.stream);
  }
};

struct ConnectCall : BasicConnectCall<ConnectOperation> {
  std::error_code start(TransportContext& context, ConnectOperation& operation,
                        AsyncCallback done) const noexcept {
    return connect(context, operation, address, options, done.function, done.udata);
  }

  Address address;
  ConnectOptions options;
};

struct ConnectAnyCall : BasicConnectCall<ConnectAnyOperation> {
  std::error_code start(TransportContext& context, ConnectAnyOperation& operation,
                        AsyncCallback done) const noexcept {
    return connectAny(context, operation, addresses, options, done.function, done.udata);
  }

  std::span<const Address> addresses;
  ConnectAnyOptions options;
};

}  // namespace detail
}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_DETAIL_CONNECTION_CALLS_H_
