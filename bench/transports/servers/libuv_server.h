// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_SERVERS_LIBUV_SERVER_H_
#define KAIROS_BENCH_TRANSPORTS_SERVERS_LIBUV_SERVER_H_

#include <uv.h>

#include "kairos/bench/support/check.h"

namespace kairos::bench {

// A TCP server whose Sessions have a `tcp` with them as data, and begin with begin().
template <class Session>
void serveByLibuv(int listener) {
  uv_loop_t loop;
  uv_tcp_t server;
  check(uv_loop_init(&loop) == 0, "uv_loop_init");
  check(uv_tcp_init(&loop, &server) == 0, "uv_tcp_init");
  check(uv_tcp_open(&server, listener) == 0, "uv_tcp_open");
  const auto onNewcomer = [](uv_stream_t* stream, int status) {
    check(status == 0, "uv_listen's callback");
    auto* const session = new Session{};
    check(uv_tcp_init(stream->loop, &session->tcp) == 0, "uv_tcp_init");
    session->tcp.data = session;
    check(uv_accept(stream, reinterpret_cast<uv_stream_t*>(&session->tcp)) == 0, "uv_accept");
    session->begin();
  };
  check(uv_listen(reinterpret_cast<uv_stream_t*>(&server), 4096, onNewcomer) == 0, "uv_listen");
  uv_run(&loop, UV_RUN_DEFAULT);
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_SERVERS_LIBUV_SERVER_H_
