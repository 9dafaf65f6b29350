// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_SERVERS_KAIROS_SERVER_H_
#define KAIROS_BENCH_TRANSPORTS_SERVERS_KAIROS_SERVER_H_

#include <utility>

#include "kairos/bench/support/check.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/stream_server.h"
#include "kairos/transports/transport_context.h"

namespace kairos::bench {

// A TCP server whose Sessions are made of a stream, begin with read(), and delete themselves.
template <class Session>
class KairosServer {
 public:
  explicit KairosServer(int listener) {
    check(!StreamServer::adopt(context_, listener, {}, server_), "adopt");
    accept();
  }

  void run() {
    for (;;) check(!reactor_.poll(Reactor::forever).error, "poll");
  }

 private:
  static void onNewcomer(void* udata) {
    auto& server = *static_cast<KairosServer*>(udata);
    check(!server.accept_.error, "accepting");
    (new Session(std::move(server.accept_.stream)))->read();
    server.accept();
  }

  void accept() { check(!server_.accept(accept_, onNewcomer, this), "accept"); }

  Reactor reactor_;
  TransportContext context_{reactor_};
  StreamServer server_;
  AcceptOperation accept_;
};

template <class Session>
void serveByKairos(int listener) {
  KairosServer<Session>(listener).run();
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_SERVERS_KAIROS_SERVER_H_
