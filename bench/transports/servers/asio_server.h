// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_SERVERS_ASIO_SERVER_H_
#define KAIROS_BENCH_TRANSPORTS_SERVERS_ASIO_SERVER_H_

#include <utility>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/asio_types.h"

namespace kairos::bench {

template <class Session>
void acceptByAsio(AsioAcceptor& acceptor) {
  acceptor.async_accept([&acceptor](error_code error, AsioStream stream) {
    check(!error, "async_accept");
    (new Session(std::move(stream)))->begin();
    acceptByAsio<Session>(acceptor);
  });
}

// A TCP server whose Sessions are made of a stream, begin with begin(), and delete themselves.
template <class Session>
void serveByAsio(int listener) {
  asio::io_context context(asioUnsafe);
  AsioAcceptor acceptor(context);
  acceptor.assign(tcp::v4(), listener);
  acceptByAsio<Session>(acceptor);
  context.run();
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_SERVERS_ASIO_SERVER_H_
