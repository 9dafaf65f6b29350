// SPDX-License-Identifier: MIT OR Apache-2.0
#include <uv.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/libuv_server.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

std::array<char, 65536> buffer;

// Writes by uv_try_write, which needs no request and lets all connections share a buffer; by
// uv_write what that leaves.
struct EchoSession {
  uv_tcp_t tcp;
  uv_write_t write;
  std::string unsent;

  static EchoSession& of(void* handle) {
    return *static_cast<EchoSession*>(static_cast<uv_handle_t*>(handle)->data);
  }
  uv_stream_t* stream() { return reinterpret_cast<uv_stream_t*>(&tcp); }

  void begin() { check(uv_read_start(stream(), onRoom, onRead) == 0, "uv_read_start"); }

  static void onRoom(uv_handle_t*, std::size_t, uv_buf_t* room) {
    *room = uv_buf_init(buffer.data(), buffer.size());
  }

  static void onRead(uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
    EchoSession& session = of(stream);
    if (count < 0) return session.close();
    if (count > 0) session.echo({buffer.data(), static_cast<std::size_t>(count)});
  }

  void echo(std::string_view bytes) {
    const uv_buf_t whole =
        uv_buf_init(const_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
    const int sent = uv_try_write(stream(), &whole, 1);
    if (sent == static_cast<int>(bytes.size())) [[likely]] {
      return;
    }
    if (sent < 0 && sent != UV_EAGAIN) return close();
    unsent.assign(bytes.substr(sent < 0 ? 0 : static_cast<std::size_t>(sent)));
    const uv_buf_t rest = uv_buf_init(unsent.data(), static_cast<unsigned>(unsent.size()));
    uv_read_stop(stream());
    check(uv_write(&write, stream(), &rest, 1, onWritten) == 0, "uv_write");
  }

  static void onWritten(uv_write_t* write, int status) {
    EchoSession& session = of(write->handle);
    status == 0 ? session.begin() : session.close();
  }

  void close() {
    if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&tcp)) != 0) return;
    uv_close(reinterpret_cast<uv_handle_t*>(&tcp), [](uv_handle_t* handle) { delete &of(handle); });
  }
};

}  // namespace

void echoLibuv(int listener) { serveByLibuv<EchoSession>(listener); }

}  // namespace kairos::bench
