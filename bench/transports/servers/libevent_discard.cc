// SPDX-License-Identifier: MIT OR Apache-2.0
#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include <cstdint>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/libevent_server.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

void onReadable(bufferevent* stream, void* udata) {
  evbuffer* const input = bufferevent_get_input(stream);
  const std::size_t count = evbuffer_get_length(input);
  *static_cast<std::uint64_t*>(udata) += count;
  check(evbuffer_drain(input, count) == 0, "evbuffer_drain");
}

void end(bufferevent* stream, void* udata) {
  delete static_cast<std::uint64_t*>(udata);
  bufferevent_free(stream);
}

void onEvent(bufferevent* stream, short, void* udata) {
  bufferevent_setcb(stream, nullptr, end, nullptr, udata);
  check(bufferevent_write(stream, udata, sizeof(std::uint64_t)) == 0, "bufferevent_write");
}

void begin(bufferevent* stream) {
  bufferevent_setcb(stream, onReadable, nullptr, onEvent, new std::uint64_t(0));
  bufferevent_set_max_single_read(stream, 65536);
}

}  // namespace

void discardLibevent(int listener) { serveByLibevent<begin>(listener); }

}  // namespace kairos::bench
