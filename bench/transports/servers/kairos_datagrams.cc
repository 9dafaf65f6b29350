// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/bench/support/check.h"
#include "kairos/bench/transports/servers/services.h"
#include "kairos/reactor/reactor.h"
#include "kairos/transports/datagram_transport.h"
#include "kairos/transports/transport_context.h"

namespace kairos::bench {
namespace {

class DatagramEcho {
 public:
  explicit DatagramEcho(int fd) {
    const DatagramOptions options{.bytesMax = 2048};  // as the others
    check(!DatagramTransport::adopt(context_, fd, options, transport_), "adopt");
    receive();
  }

  void run() {
    for (;;) check(!reactor_.poll(Reactor::forever).error, "poll");
  }

 private:
  static void onReceived(void* udata) { static_cast<DatagramEcho*>(udata)->echo(); }
  static void onSent(void* udata) { static_cast<DatagramEcho*>(udata)->goOn(); }

  void receive() { check(!transport_.receive(receive_, onReceived, this), "receive"); }

  void echo() {
    check(!receive_.error, "receiving");
    check(!transport_.send(send_, receive_.datagrams, onSent, this), "send");
  }

  void goOn() {
    check(!send_.error, "sending");
    receive();
  }

  Reactor reactor_;
  TransportContext context_{reactor_};
  DatagramTransport transport_;
  ReceiveOperation receive_;
  SendOperation send_;
};

}  // namespace

void datagramsKairos(int fd) { DatagramEcho(fd).run(); }

}  // namespace kairos::bench
