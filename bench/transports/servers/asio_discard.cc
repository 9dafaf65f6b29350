// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kairos/bench/transports/servers/asio_server.h"
#include "kairos/bench/transports/servers/services.h"

namespace kairos::bench {
namespace {

std::array<char, 65536> buffer;

class DiscardSession {
 public:
  explicit DiscardSession(AsioStream stream) : stream_(std::move(stream)) {}

  void begin() {
    stream_.async_read_some(asio::buffer(buffer), [this](error_code error, std::size_t count) {
      bytes_ += count;
      error ? end() : begin();
    });
  }

 private:
  void end() {
    asio::async_write(stream_, asio::buffer(&bytes_, sizeof bytes_),
                      [this](error_code, std::size_t) { delete this; });
  }

  AsioStream stream_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

void discardAsio(int listener) { serveByAsio<DiscardSession>(listener); }

}  // namespace kairos::bench
