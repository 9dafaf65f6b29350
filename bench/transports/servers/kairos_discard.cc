// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/kairos_server.h"
#include "kairos/bench/transports/servers/services.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/stream_transport.h"

namespace kairos::bench {
namespace {

std::array<char, 65536> buffer;

class DiscardSession {
 public:
  explicit DiscardSession(StreamTransport stream) : stream_(std::move(stream)) {}

  void read() { check(!stream_.readOnce(read_, buffer, onRead, this), "readOnce"); }

 private:
  static void onRead(void* udata) { static_cast<DiscardSession*>(udata)->discard(); }
  static void onWritten(void* udata) { delete static_cast<DiscardSession*>(udata); }

  void discard() {
    if (read_.error) return delete this;
    bytes_ += read_.bytes;
    if (!read_.atEnd) return read();
    const std::string_view answer(reinterpret_cast<const char*>(&bytes_), sizeof bytes_);
    check(!stream_.write(write_, answer, onWritten, this), "write");
  }

  StreamTransport stream_;
  ReadOperation read_;
  WriteOperation write_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

void discardKairos(int listener) { serveByKairos<DiscardSession>(listener); }

}  // namespace kairos::bench
