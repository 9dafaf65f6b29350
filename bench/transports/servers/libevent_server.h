// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_BENCH_TRANSPORTS_SERVERS_LIBEVENT_SERVER_H_
#define KAIROS_BENCH_TRANSPORTS_SERVERS_LIBEVENT_SERVER_H_

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "kairos/bench/support/check.h"

namespace kairos::bench {

// A TCP server of bufferevents; `begin(stream)` sets the callbacks of each.
template <void (*begin)(bufferevent*)>
void serveByLibevent(int listener) {
  const auto onNewcomer = [](evconnlistener* accepting, evutil_socket_t fd, sockaddr*, int, void*) {
    bufferevent* const stream =
        bufferevent_socket_new(evconnlistener_get_base(accepting), fd, BEV_OPT_CLOSE_ON_FREE);
    check(stream != nullptr, "bufferevent_socket_new");
    begin(stream);
    check(bufferevent_enable(stream, EV_READ | EV_WRITE) == 0, "bufferevent_enable");
  };
  event_base* const base = event_base_new();
  check(base != nullptr, "event_base_new");
  check(evconnlistener_new(base, onNewcomer, nullptr, 0, 4096, listener) != nullptr,
        "evconnlistener_new");
  event_base_dispatch(base);
}

}  // namespace kairos::bench

#endif  // KAIROS_BENCH_TRANSPORTS_SERVERS_LIBEVENT_SERVER_H_
