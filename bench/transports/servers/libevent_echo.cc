// SPDX-License-Identifier: MIT OR Apache-2.0
#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/libevent_server.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

// What is received moves from one buffer to the other without a copy, as the manual advises.
void onReadable(bufferevent* stream, void*) {
  check(bufferevent_write_buffer(stream, bufferevent_get_input(stream)) == 0,
        "bufferevent_write_buffer");
}

void onEvent(bufferevent* stream, short, void*) { bufferevent_free(stream); }

void begin(bufferevent* stream) {
  bufferevent_setcb(stream, onReadable, nullptr, onEvent, nullptr);
}

}  // namespace

void echoLibevent(int listener) { serveByLibevent<begin>(listener); }

}  // namespace kairos::bench
