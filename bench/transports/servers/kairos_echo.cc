// SPDX-License-Identifier: MIT OR Apache-2.0
#include <utility>

#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/kairos_server.h"
#include "kairos/bench/transports/servers/services.h"
#include "kairos/transports/operation.h"
#include "kairos/transports/stream_transport.h"

namespace kairos::bench {
namespace {

class EchoSession {
 public:
  explicit EchoSession(StreamTransport stream) : stream_(std::move(stream)) {}

  void read() { check(!stream_.readOnce(read_, onRead, this), "readOnce"); }

 private:
  static void onRead(void* udata) { static_cast<EchoSession*>(udata)->echo(); }
  static void onWritten(void* udata) { static_cast<EchoSession*>(udata)->goOn(); }

  void echo() {
    if (read_.error || read_.atEnd) return delete this;
    check(!stream_.write(write_, read_.data, onWritten, this), "write");
  }

  void goOn() {
    if (write_.error) return delete this;
    read();
  }

  StreamTransport stream_;
  ReadOperation read_;
  WriteOperation write_;
};

}  // namespace

void echoKairos(int listener) { serveByKairos<EchoSession>(listener); }

}  // namespace kairos::bench
