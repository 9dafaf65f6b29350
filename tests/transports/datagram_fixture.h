// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_TESTS_TRANSPORTS_DATAGRAM_FIXTURE_H_
#define KAIROS_TESTS_TRANSPORTS_DATAGRAM_FIXTURE_H_

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/transports/server_fixture.h"
#include "kairos/transports/datagram_transport.h"

namespace kairos {

using Receive = Watched<ReceiveOperation>;
using Send = Watched<SendOperation>;

// Two connected datagram sockets without names.
inline Pair datagramPair() {
  int ends[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

inline std::vector<std::string> texts(const ReceiveOperation& receive) {
  std::vector<std::string> all;
  for (const Datagram& datagram : receive.datagrams) all.emplace_back(datagram.data);
  return all;
}

// What a raw socket receives now; not the subject of a test.
inline std::vector<std::string> receiveTexts(Fd fd) {
  std::vector<std::string> all;
  char bytes[65536];
  for (ssize_t n; (n = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT)) >= 0;) {
    all.emplace_back(bytes, static_cast<std::size_t>(n));
  }
  return all;
}

// Two transports on loopback, of which neither is connected, and virtual time.
class DatagramTest : public StreamTest {
 protected:
  using Texts = std::vector<std::string>;

  DatagramTransport bind(const Address& address, const DatagramOptions& options = {}) {
    DatagramTransport made;
    ok(DatagramTransport::bind(context_, address, options, made));
    return made;
  }
  DatagramTransport connectTo(const Address& address, const DatagramOptions& options = {}) {
    DatagramTransport made;
    ok(DatagramTransport::connect(context_, address, options, made));
    return made;
  }
  DatagramTransport adoptDatagrams(UniqueFd fd) {
    DatagramTransport made;
    ok(DatagramTransport::adopt(context_, fd.get(), {}, made));
    fd.release();
    return made;
  }

  static Address localOf(const DatagramTransport& transport) {
    Address address;
    ok(transport.localAddress(address));
    return address;
  }

  static void receive(DatagramTransport& transport, Receive& receive) {
    ok(transport.receive(receive, Receive::done, &receive));
  }
  static void receiveOne(DatagramTransport& transport, Receive& receive) {
    ok(transport.receiveOne(receive, Receive::done, &receive));
  }
  static void send(DatagramTransport& transport, Send& send, std::string_view bytes) {
    ok(transport.send(send, bytes, Send::done, &send));
  }
  static void sendTo(DatagramTransport& transport, Send& send, const Address& peer,
                     std::string_view bytes) {
    ok(transport.sendTo(send, peer, bytes, Send::done, &send));
  }
  // Sends and waits until that is done.
  void deliver(DatagramTransport& transport, const Address& peer, std::string_view bytes) {
    Send send;
    sendTo(transport, send, peer, bytes);
    settleUntilDone(send);
    EXPECT_EQ(send.error, std::error_code());
  }
  // The next batch.
  Texts next(DatagramTransport& transport) {
    Receive receive;
    this->receive(transport, receive);
    settleUntilDone(receive);
    EXPECT_EQ(receive.error, std::error_code());
    return texts(receive);
  }
};

}  // namespace kairos

#endif  // KAIROS_TESTS_TRANSPORTS_DATAGRAM_FIXTURE_H_
