// SPDX-License-Identifier: MIT OR Apache-2.0
#include <uv.h>

#include <array>
#include <cstddef>
#include <cstdint>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/libuv_server.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

std::array<char, 65536> buffer;

struct DiscardSession {
  uv_tcp_t tcp;
  std::uint64_t bytes;

  static DiscardSession& of(void* handle) {
    return *static_cast<DiscardSession*>(static_cast<uv_handle_t*>(handle)->data);
  }

  void begin() {
    const auto stream = reinterpret_cast<uv_stream_t*>(&tcp);
    check(uv_read_start(stream, onRoom, onRead) == 0, "uv_read_start");
  }

  static void onRoom(uv_handle_t*, std::size_t, uv_buf_t* room) {
    *room = uv_buf_init(buffer.data(), buffer.size());
  }

  static void onRead(uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
    DiscardSession& session = of(stream);
    if (count >= 0) {
      session.bytes += static_cast<std::uint64_t>(count);
      return;
    }
    const uv_buf_t answer =
        uv_buf_init(reinterpret_cast<char*>(&session.bytes), sizeof session.bytes);
    uv_try_write(stream, &answer, 1);
    uv_close(reinterpret_cast<uv_handle_t*>(stream),
             [](uv_handle_t* handle) { delete &of(handle); });
  }
};

}  // namespace

void discardLibuv(int listener) { serveByLibuv<DiscardSession>(listener); }

}  // namespace kairos::bench
