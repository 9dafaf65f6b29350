// SPDX-License-Identifier: MIT OR Apache-2.0
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

// What is received moves from one buffer to the other without a copy, as the manual advises.
void onReadable(bufferevent* stream, void*) {
  check(bufferevent_write_buffer(stream, bufferevent_get_input(stream)) == 0,
        "bufferevent_write_buffer");
}

void onEvent(bufferevent* stream, short, void*) { bufferevent_free(stream); }

void onNewcomer(evconnlistener* listener, evutil_socket_t fd, sockaddr*, int, void*) {
  bufferevent* const stream =
      bufferevent_socket_new(evconnlistener_get_base(listener), fd, BEV_OPT_CLOSE_ON_FREE);
  check(stream != nullptr, "bufferevent_socket_new");
  bufferevent_setcb(stream, onReadable, nullptr, onEvent, nullptr);
  check(bufferevent_enable(stream, EV_READ | EV_WRITE) == 0, "bufferevent_enable");
}

}  // namespace

void echoLibevent(int listener) {
  event_base* const base = event_base_new();
  check(base != nullptr, "event_base_new");
  check(evconnlistener_new(base, onNewcomer, nullptr, 0, 4096, listener) != nullptr,
        "evconnlistener_new");
  event_base_dispatch(base);
}

}  // namespace kairos::bench
