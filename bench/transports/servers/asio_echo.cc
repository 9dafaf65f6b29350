// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <cstddef>
#include <utility>

#include "kairos/bench/transports/servers/asio_server.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

// The session of Asio's own examples: a buffer in each, since a read that waits has to own one.
class EchoSession {
 public:
  explicit EchoSession(AsioStream stream) : stream_(std::move(stream)) {}

  void begin() {
    stream_.async_read_some(asio::buffer(buffer_), [this](error_code error, std::size_t count) {
      if (error) return delete this;
      echo(count);
    });
  }

 private:
  void echo(std::size_t count) {
    asio::async_write(stream_, asio::buffer(buffer_.data(), count),
                      [this](error_code error, std::size_t) {
                        if (error) return delete this;
                        begin();
                      });
  }

  AsioStream stream_;
  std::array<char, 16384> buffer_;
};

}  // namespace

void echoAsio(int listener) { serveByAsio<EchoSession>(listener); }

}  // namespace kairos::bench
