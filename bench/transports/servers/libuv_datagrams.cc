// SPDX-License-Identifier: MIT OR Apache-2.0
#include <uv.h>

#include <array>
#include <cstddef>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

// Room for what recvmmsg(2) takes in one call, which libuv divides by itself.
std::array<char, 20 * 65536> buffer;

void onRoom(uv_handle_t*, std::size_t, uv_buf_t* room) {
  *room = uv_buf_init(buffer.data(), buffer.size());
}

void onDatagram(uv_udp_t* socket, ssize_t count, const uv_buf_t* bytes, const sockaddr* from,
                unsigned) {
  check(count >= 0, "uv_udp_recv_start's callback");
  if (from == nullptr) return;  // nothing more now, or the end of a batch
  const uv_buf_t answer = uv_buf_init(bytes->base, static_cast<unsigned>(count));
  check(uv_udp_try_send(socket, &answer, 1, from) == count, "uv_udp_try_send");
}

}  // namespace

void datagramsLibuv(int fd) {
  uv_loop_t loop;
  uv_udp_t socket;
  check(uv_loop_init(&loop) == 0, "uv_loop_init");
  check(uv_udp_init_ex(&loop, &socket, UV_UDP_RECVMMSG) == 0, "uv_udp_init_ex");
  check(uv_udp_open(&socket, fd) == 0, "uv_udp_open");
  check(uv_udp_recv_start(&socket, onRoom, onDatagram) == 0, "uv_udp_recv_start");
  uv_run(&loop, UV_RUN_DEFAULT);
}

}  // namespace kairos::bench
