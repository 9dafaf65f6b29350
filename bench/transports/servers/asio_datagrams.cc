// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <cstddef>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/asio_types.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

class Echo {
 public:
  Echo(asio::io_context& context, int fd) : socket_(context) { socket_.assign(udp::v4(), fd); }

  void receive() {
    socket_.async_receive_from(asio::buffer(bytes_), from_,
                               [this](error_code error, std::size_t count) {
                                 check(!error, "async_receive_from");
                                 send(count);
                               });
  }

 private:
  void send(std::size_t count) {
    socket_.async_send_to(asio::buffer(bytes_.data(), count), from_,
                          [this](error_code error, std::size_t) {
                            check(!error, "async_send_to");
                            receive();
                          });
  }

  AsioDatagrams socket_;
  udp::endpoint from_;
  std::array<char, 2048> bytes_;
};

}  // namespace

void datagramsAsio(int fd) {
  asio::io_context context(asioUnsafe);
  Echo echo(context, fd);
  echo.receive();
  context.run();
}

}  // namespace kairos::bench
