// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Sends every datagram back to its sender, over UDP or unix sockets. Try `udp_echo 127.0.0.1:7777`,
// then `nc -u 127.0.0.1 7777`.
//
// It shows the habit of a server of datagrams: what one receive brought is sent back as it is, by
// one send, and the next receive is started when that is done. So a batch costs three system calls
// however many datagrams it has, and what comes meanwhile waits in the socket, where the OS drops
// it when it is too much.

#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "kairos/reactor/reactor.h"
#include "kairos/transports/address.h"
#include "kairos/transports/datagram_transport.h"
#include "kairos/transports/transport_context.h"

namespace {

using kairos::Datagram;
using kairos::DatagramTransport;

int report(std::string_view what, std::error_code error) {
  std::fprintf(stderr, "udp_echo: %.*s: %s\n", static_cast<int>(what.size()), what.data(),
               error.message().c_str());
  return 1;
}

class Echo {
 public:
  explicit Echo(DatagramTransport transport) : transport_(std::move(transport)) {}

  void receive() {
    if (const auto error = transport_.receive(receive_, onReceived, this)) {
      report("cannot receive", error);
    }
  }

 private:
  static void onReceived(void* udata) { static_cast<Echo*>(udata)->answer(); }
  static void onSent(void* udata) { static_cast<Echo*>(udata)->goOn(); }

  void answer() {
    if (receive_.error) report("receiving", receive_.error);
    send(receive_.datagrams);
  }

  void send(std::span<const Datagram> datagrams) {
    unsent_ = datagrams;
    if (const auto error = transport_.send(send_, unsent_, onSent, this)) {
      report("cannot send", error);
    }
  }

  // A datagram that cannot be sent, to somebody without a name perhaps, is left out. The batch is
  // the transport's until the next receive is started.
  void goOn() {
    if (!send_.error) return receive();
    report("not sent", send_.error);
    send(unsent_.subspan(send_.sent + 1));
  }

  DatagramTransport transport_;
  kairos::ReceiveOperation receive_;
  kairos::SendOperation send_;
  std::span<const Datagram> unsent_;
};

int serve(const kairos::Address& address) {
  kairos::Reactor reactor;
  kairos::TransportContext context(reactor);
  DatagramTransport transport;
  if (const auto error = DatagramTransport::bind(context, address, {}, transport)) {
    return report("cannot bind " + address.toString(), error);
  }
  kairos::Address bound;
  if (const auto error = transport.localAddress(bound)) return report("no address", error);
  Echo echo(std::move(transport));
  echo.receive();
  std::printf("listening on %s\n", bound.toString().c_str());
  std::fflush(stdout);
  for (;;) {
    if (const auto error = reactor.poll(kairos::Reactor::forever).error) {
      return report("poll", error);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  kairos::Address address;
  if (argc != 2 || kairos::Address::parse(argv[1], address)) {
    std::fprintf(stderr, "usage: %s ADDRESS, such as 127.0.0.1:7777, [::1]:0 or unix:/run/echo\n",
                 argv[0]);
    return 2;
  }
  return serve(address);
}
