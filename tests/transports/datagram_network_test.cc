// SPDX-License-Identifier: MIT OR Apache-2.0
// Where datagrams go: unix sockets, both versions of IP, broadcast, groups, shared ports.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>

#include "kairos/tests/transports/datagram_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class DatagramNetworkTest : public DatagramTest {
 protected:
  static Address at(const char* text, const DatagramTransport& portOf) {
    return parseAddress(text).withPort(localOf(portOf).port());
  }

  template <class Option>
  static int option(const DatagramTransport& transport, int level, Option name) {
    int value = -1;
    socklen_t size = sizeof value;
    EXPECT_EQ(::getsockopt(transport.fd(), level, name, &value, &size), 0);
    return value;
  }

  std::error_code errorOfSending(DatagramTransport& transport, const Address& peer) {
    Send send;
    sendTo(transport, send, peer, "x");
    settle();
    return send.error;
  }

  static bool exists(const std::string& path) {
    struct stat status;
    return ::lstat(path.c_str(), &status) == 0;
  }

  // One that can send to groups. What is sent to ff01:: does not leave the machine by it.
  static unsigned ipv6GroupInterface() {
    std::ifstream routes("/proc/net/ipv6_route");
    for (std::string line; std::getline(routes, line);) {
      if (!line.starts_with("ff000000000000000000000000000000 08")) continue;
      return ::if_nametoindex(line.substr(line.find_last_of(' ') + 1).c_str());
    }
    return 0;
  }

  static unsigned loopbackInterface() { return ::if_nametoindex("lo"); }
};

INSTANTIATE_TEST_SUITE_P(Backends, DatagramNetworkTest, backends(), backendName);

// T105
TEST_P(DatagramNetworkTest, BroadcastsOnlyWhenAllowed) {
  DatagramTransport listener = bind(parseAddress("0.0.0.0:0"));
  const Address all = at("127.255.255.255:0", listener);
  DatagramTransport shy = bind(loopback());
  EXPECT_EQ(errorOfSending(shy, all), std::errc::permission_denied);
  ok(shy.setBroadcast(true));
  deliver(shy, all, "loud");
  EXPECT_EQ(next(listener), Texts{"loud"});
  DatagramTransport allowed = bind(loopback(), {.broadcast = true});
  deliver(allowed, all, "too");
  EXPECT_EQ(next(listener), Texts{"too"});
}

// T106
TEST_P(DatagramNetworkTest, MembersOfAGroupGetTheSameDatagram) {
  const Address group = parseAddress("239.255.77.7:0");
  DatagramTransport first = bind(parseAddress("0.0.0.0:0"), {.reuseAddress = true});
  DatagramTransport second = bind(localOf(first), {.reuseAddress = true});
  DatagramTransport sender = bind(loopback());
  ok(sender.setMulticastInterface(loopbackInterface()));
  ok(first.joinGroup(group, loopbackInterface()));
  EXPECT_EQ(first.joinGroup(group, loopbackInterface()), std::errc::address_in_use);
  ok(second.joinGroup(group, loopbackInterface()));
  const Address to = at("239.255.77.7:0", first);
  deliver(sender, to, "both");
  EXPECT_EQ(next(first), Texts{"both"});
  EXPECT_EQ(next(second), Texts{"both"});
  ok(second.leaveGroup(group, loopbackInterface()));
  EXPECT_EQ(second.leaveGroup(group, loopbackInterface()), std::errc::address_not_available);
  deliver(sender, to, "one");
  EXPECT_EQ(next(first), Texts{"one"});
  ok(second.joinGroup(group, loopbackInterface()));
  deliver(sender, to, "again");
  EXPECT_EQ(next(first), Texts{"again"});
  EXPECT_EQ(next(second), Texts{"again"}) << "and not what came when it was no member";
  ok(sender.setMulticastLoop(false));
  EXPECT_EQ(option(sender, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
  ok(sender.setMulticastLoop(true));
  EXPECT_EQ(option(sender, IPPROTO_IP, IP_MULTICAST_LOOP), 1);
}

// T106
TEST_P(DatagramNetworkTest, MembersOfAnIpv6GroupGetTheSameDatagram) {
  const unsigned interface = ipv6GroupInterface();
  if (interface == 0) GTEST_SKIP() << "no interface has a route to IPv6 groups; loopback has none";
  const Address group = parseAddress("[ff01::7777]:0");
  const DatagramOptions shared{.reuseAddress = true, .ipv6Only = true};
  DatagramTransport first = bind(parseAddress("[::]:0"), shared);
  DatagramTransport second = bind(localOf(first), shared);
  DatagramTransport sender = bind(parseAddress("[::]:0"));
  ok(sender.setMulticastInterface(interface));
  ok(first.joinGroup(group, interface));
  ok(second.joinGroup(group, interface));
  const Address to = at("[ff01::7777]:0", first);
  deliver(sender, to, "both");
  EXPECT_EQ(next(first), Texts{"both"});
  EXPECT_EQ(next(second), Texts{"both"});
  ok(second.leaveGroup(group, interface));
  EXPECT_EQ(second.leaveGroup(group, interface), std::errc::address_not_available);
  deliver(sender, to, "one");
  EXPECT_EQ(next(first), Texts{"one"});
  ok(second.joinGroup(group, interface));
  deliver(sender, to, "both again");
  EXPECT_EQ(next(first), Texts{"both again"});
  EXPECT_EQ(next(second), Texts{"both again"}) << "and not what came when it was no member";
  ok(second.leaveGroup(group, interface));
  ok(sender.setMulticastLoop(false));
  deliver(sender, to, "nobody here");
  ok(sender.setMulticastLoop(true));
  deliver(sender, to, "again");
  EXPECT_EQ(next(first), Texts{"again"});
  EXPECT_EQ(option(sender, IPPROTO_IPV6, IPV6_MULTICAST_IF), static_cast<int>(interface));
}

// T106: although Linux would show each of them both.
TEST_P(DatagramNetworkTest, AMemberOfOneGroupHearsNoOther) {
  DatagramTransport first = bind(parseAddress("0.0.0.0:0"), {.reuseAddress = true});
  DatagramTransport second = bind(localOf(first), {.reuseAddress = true});
  DatagramTransport sender = bind(loopback());
  ok(sender.setMulticastInterface(loopbackInterface()));
  ok(first.joinGroup(parseAddress("239.255.77.1:0"), loopbackInterface()));
  ok(second.joinGroup(parseAddress("239.255.77.2:0"), loopbackInterface()));
  deliver(sender, at("239.255.77.1:0", first), "first");
  deliver(sender, at("239.255.77.2:0", first), "second");
  EXPECT_EQ(next(first), Texts{"first"});
  EXPECT_EQ(next(second), Texts{"second"});
}

// T106, T115: of neither version of IP, whichever group it has joined.
TEST_P(DatagramNetworkTest, AMemberThatTakesBothVersionsOfIpHearsNoOtherGroup) {
  DatagramTransport both = bind(parseAddress("[::]:0"), {.reuseAddress = true});
  DatagramTransport other = bind(localOf(both), {.reuseAddress = true});
  DatagramTransport sender = bind(loopback());
  ok(sender.setMulticastInterface(loopbackInterface()));
  ok(both.joinGroup(parseAddress("[ff01::7777]:0"), loopbackInterface()));
  ok(other.joinGroup(parseAddress("239.255.77.2:0"), loopbackInterface()));
  deliver(sender, at("239.255.77.2:0", both), "other");
  EXPECT_EQ(next(other), Texts{"other"});
  other.close();
  deliver(sender, at("127.0.0.1:0", both), "own");
  EXPECT_EQ(next(both), Texts{"own"});
  EXPECT_EQ(option(both, IPPROTO_IPV6, IPV6_MULTICAST_ALL), 0);
  EXPECT_EQ(option(both, IPPROTO_IP, IP_MULTICAST_ALL), 0);
}

// T106
TEST_P(DatagramNetworkTest, AGroupThatCannotBeJoinedChangesNothing) {
  DatagramTransport transport = bind(parseAddress("0.0.0.0:0"));
  EXPECT_EQ(transport.joinGroup(parseAddress("239.1.1.1:0"), 1u << 30), std::errc::no_such_device);
  EXPECT_EQ(option(transport, IPPROTO_IP, IP_MULTICAST_ALL), 1);
}

// T106
TEST_P(DatagramNetworkTest, SetsHops) {
  DatagramTransport four = bind(loopback());
  ok(four.setHops(7));
  ok(four.setMulticastHops(0));
  EXPECT_EQ(option(four, IPPROTO_IP, IP_TTL), 7);
  EXPECT_EQ(option(four, IPPROTO_IP, IP_MULTICAST_TTL), 0);
  DatagramTransport six = bind(parseAddress("[::1]:0"));
  ok(six.setHops(255));
  ok(six.setMulticastHops(9));
  EXPECT_EQ(option(six, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 255);
  EXPECT_EQ(option(six, IPPROTO_IPV6, IPV6_MULTICAST_HOPS), 9);
  for (const int hops : {-1, 256}) {
    EXPECT_EQ(four.setHops(hops), std::errc::invalid_argument);
    EXPECT_EQ(six.setMulticastHops(hops), std::errc::invalid_argument);
  }
  EXPECT_EQ(four.setHops(0), std::errc::invalid_argument);
}

// T106, T115: what a socket for both versions sends by IPv4 is meant too.
TEST_P(DatagramNetworkTest, SetsTheOptionsOfBothVersionsOfIp) {
  DatagramTransport both = bind(parseAddress("[::]:0"));
  ok(both.setHops(7));
  ok(both.setMulticastHops(5));
  ok(both.setMulticastLoop(false));
  EXPECT_EQ(option(both, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 7);
  EXPECT_EQ(option(both, IPPROTO_IP, IP_TTL), 7);
  EXPECT_EQ(option(both, IPPROTO_IP, IP_MULTICAST_TTL), 5);
  EXPECT_EQ(option(both, IPPROTO_IP, IP_MULTICAST_LOOP), 0);
  ok(both.setMulticastLoop(true));
  ok(both.setMulticastInterface(loopbackInterface()));
  EXPECT_EQ(both.setMulticastInterface(1u << 30), std::errc::no_such_device);
  DatagramTransport member = bind(parseAddress("0.0.0.0:0"));
  ok(member.joinGroup(parseAddress("239.255.77.8:0"), loopbackInterface()));
  deliver(both, at("239.255.77.8:0", member), "by this interface");
  EXPECT_EQ(next(member), Texts{"by this interface"});
}

TEST_P(DatagramNetworkTest, RefusesGroupsThatAreNone) {
  DatagramTransport transport = bind(loopback());
  EXPECT_EQ(transport.joinGroup(parseAddress("10.0.0.1:0"), 0), std::errc::invalid_argument);
  EXPECT_EQ(transport.joinGroup(Address(), 0), std::errc::invalid_argument);
  EXPECT_EQ(transport.joinGroup(Address::unixUnnamed(), 0), std::errc::invalid_argument);
  EXPECT_EQ(transport.joinGroup(parseAddress("239.1.1.1:0"), 1u << 30), std::errc::no_such_device);
  transport.close();
  EXPECT_EQ(transport.joinGroup(parseAddress("239.1.1.1:0"), 0), std::errc::bad_file_descriptor);
  EXPECT_EQ(transport.setHops(1), std::errc::bad_file_descriptor);
  EXPECT_EQ(transport.setBroadcast(true), std::errc::bad_file_descriptor);
}

// T115
TEST_P(DatagramNetworkTest, Ipv6TakesIpv4UnlessToldOtherwise) {
  DatagramTransport both = bind(parseAddress("[::]:0"));
  DatagramTransport four = bind(loopback());
  deliver(four, at("127.0.0.1:0", both), "question");
  Receive receive;
  this->receive(both, receive);
  settleUntilDone(receive);
  ASSERT_EQ(texts(receive), Texts{"question"});
  const Address peer = receive.datagrams[0].peer;
  EXPECT_EQ(peer, at("[::ffff:127.0.0.1]:0", four));
  EXPECT_EQ(peer.unmapped(), localOf(four));
  deliver(both, peer, "answer");
  deliver(both, peer.unmapped(), "as IPv4");
  EXPECT_EQ(next(four), (Texts{"answer", "as IPv4"}));

  DatagramTransport six = bind(parseAddress("[::]:0"), {.ipv6Only = true});
  deliver(four, at("127.0.0.1:0", six), "unheard");
  deliver(both, at("[::1]:0", six), "heard");
  EXPECT_EQ(next(six), Texts{"heard"});
  EXPECT_EQ(errorOfSending(four, at("[::1]:0", six)).value(), EAFNOSUPPORT);
}

// T115: whoever may come, and as whom.
TEST_P(DatagramNetworkTest, TellsWhoSendsToBothVersionsOfIp) {
  for (const bool ipv6Only : {false, true}) {
    DatagramTransport server = bind(parseAddress("[::]:0"), {.ipv6Only = ipv6Only});
    for (const char* host : {"127.0.0.1:0", "[::ffff:127.0.0.1]:0", "[::1]:0"}) {
      SCOPED_TRACE(testing::Message() << host << " " << ipv6Only);
      const Address to = at(host, server);
      DatagramTransport unbound = connectTo(to);
      DatagramTransport bound = bind(parseAddress(host));
      Send send;
      this->send(unbound, send, "unbound");
      settle();
      deliver(bound, to, "bound");
      if (ipv6Only && to.unmapped().isIpv4()) continue;
      Receive receive;
      this->receive(server, receive);
      settleUntilDone(receive);
      ASSERT_EQ(texts(receive), (Texts{"unbound", "bound"}));
      EXPECT_EQ(receive.datagrams[0].peer.unmapped(), localOf(unbound).unmapped());
      EXPECT_EQ(receive.datagrams[1].peer.unmapped(), localOf(bound).unmapped());
      EXPECT_TRUE(receive.datagrams[0].peer.isIpv6());
    }
    Receive more;
    this->receive(server, more);
    settle();
    EXPECT_EQ(more.completions(), 0u) << "nobody else was let in";
  }
}

// T115: unbound, the OS chooses an address of the right family.
TEST_P(DatagramNetworkTest, ConnectsWithoutAnAddressOfItsOwn) {
  DatagramTransport both = bind(parseAddress("[::]:0"));
  DatagramTransport four = connectTo(at("127.0.0.1:0", both));
  DatagramTransport six = connectTo(at("[::1]:0", both));
  Send send;
  this->send(four, send, "4");
  settle();
  this->send(six, send, "6");
  settle();
  EXPECT_EQ(next(both), (Texts{"4", "6"}));
  EXPECT_EQ(localOf(four).unmapped().ipv4Bytes(), loopback().ipv4Bytes());
}

// T116
TEST_P(DatagramNetworkTest, AnswersUnixPeersByPathAndByChosenName) {
  const std::string path = socketPath("dgram");
  const std::string other = socketPath("dgram2");
  DatagramTransport server = bind(pathAddress(path));
  DatagramTransport named = bind(pathAddress(other));
  DatagramTransport chosen = connectTo(pathAddress(path), {.local = Address::unixUnnamed()});
  EXPECT_EQ(localOf(chosen).family(), Address::Family::unixAbstract);
  deliver(named, pathAddress(path), "by path");
  Send send;
  this->send(chosen, send, "by name");
  settle();
  Receive receive;
  this->receive(server, receive);
  settleUntilDone(receive);
  ASSERT_EQ(texts(receive), (Texts{"by path", "by name"}));
  ok(server.send(send, receive.datagrams, Send::done, &send));
  settle();
  EXPECT_EQ(send.sent, 2u);
  EXPECT_EQ(next(named), Texts{"by path"});
  EXPECT_EQ(next(chosen), Texts{"by name"});
  server.close();
  named = DatagramTransport();
  EXPECT_FALSE(exists(path));
  EXPECT_FALSE(exists(other));
  EXPECT_EQ(errorOfSending(chosen, pathAddress(path)), std::errc::no_such_file_or_directory);
}

// T116: whoever has no name cannot be answered.
TEST_P(DatagramNetworkTest, AUnixPeerWithoutNameCannotBeAnswered) {
  DatagramTransport server = bind(abstractAddress("dgram"));
  DatagramTransport client = connectTo(abstractAddress("dgram"));
  Send send;
  this->send(client, send, "x");
  Receive receive;
  this->receive(server, receive);
  settleUntilDone(receive);
  ASSERT_EQ(receive.datagrams.size(), 1u);
  ok(server.send(send, receive.datagrams, Send::done, &send));
  settle();
  EXPECT_EQ(send.error, TransportError::notConnected);
}

// T109: nothing tells when a unix peer to which a socket is not connected has room again.
TEST_P(DatagramNetworkTest, WaitsForAUnixPeerWithoutRoom) {
  DatagramTransport server = bind(abstractAddress("full"));
  DatagramTransport client = bind(Address::unixUnnamed());
  const Address to = abstractAddress("full");
  std::size_t filled = 0;
  while (::sendto(client.fd(), "fill", 4, MSG_DONTWAIT, to.sockaddrData(), to.sockaddrSize()) > 0) {
    ++filled;
  }
  Send send;
  sendTo(client, send, to, "x");
  const auto since = time_.elapsed();
  for (int i = 0; i < 5; ++i) poll(Reactor::forever);
  EXPECT_GE(time_.elapsed() - since, 50ms) << "it does not spin";
  EXPECT_TRUE(send.isPending());
  EXPECT_EQ(receiveTexts(server.fd()).size(), filled);
  settleUntilDone(send);
  EXPECT_FALSE(send.error);
  EXPECT_EQ(receiveTexts(server.fd()), Texts{"x"});
  sendTo(client, send, to, "last");
  client.close();
  settle();
}

// T114: what the OS shares out is not received twice.
TEST_P(DatagramNetworkTest, SharesAPort) {
  DatagramTransport first = bind(loopback(), {.reusePort = true});
  DatagramTransport second = bind(localOf(first), {.reusePort = true});
  for (int i = 0; i < 64; ++i)
    deliver(*std::make_unique<DatagramTransport>(bind(loopback())), localOf(first), "x");
  EXPECT_EQ(receiveTexts(first.fd()).size() + receiveTexts(second.fd()).size(), 64u);
  DatagramTransport third;
  EXPECT_EQ(DatagramTransport::bind(context_, localOf(first), {}, third),
            std::errc::address_in_use);
}

TEST_P(DatagramNetworkTest, AdoptsDatagramSocketsAlone) {
  Pair ends = datagramPair();
  const int blocking = ::fcntl(ends.near.get(), F_GETFL) & ~O_NONBLOCK;
  ASSERT_EQ(::fcntl(ends.near.get(), F_SETFL, blocking), 0);
  ASSERT_EQ(::fcntl(ends.near.get(), F_SETFD, 0), 0);
  DatagramTransport near = adoptDatagrams(std::move(ends.near));
  EXPECT_NE(::fcntl(near.fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(near.fd(), F_GETFD), FD_CLOEXEC);
  DatagramTransport far = adoptDatagrams(std::move(ends.far));
  Send send;
  this->send(near, send, "x");
  Receive receive;
  this->receive(far, receive);
  settleUntilDone(receive);
  ASSERT_EQ(texts(receive), Texts{"x"});
  ok(far.send(send, receive.datagrams, Send::done, &send));
  settle();
  EXPECT_EQ(next(near), Texts{"x"}) << "the remote end is the one without a name";

  DatagramTransport refused;
  Pair streams = pair();
  EXPECT_EQ(DatagramTransport::adopt(context_, streams.near.get(), {}, refused),
            std::errc::invalid_argument);
  EXPECT_EQ(DatagramTransport::adopt(context_, counter().get(), {}, refused),
            std::errc::not_a_socket);
  EXPECT_EQ(DatagramTransport::adopt(context_, -1, {}, refused), std::errc::bad_file_descriptor);
  EXPECT_TRUE(isOpen(streams.near.get()));
  EXPECT_FALSE(refused.isOpen());
}

// T86, T130: a path that somebody else has bound is theirs.
TEST_P(DatagramNetworkTest, LeavesThePathOfASocketThatItAdopted) {
  const std::string path = socketPath("adopted");
  const Address address = pathAddress(path);
  UniqueFd bound(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(bound.get(), address.sockaddrData(), address.sockaddrSize()), 0);
  DatagramTransport transport = adoptDatagrams(std::move(bound));
  EXPECT_EQ(localOf(transport), address);
  transport.close();
  EXPECT_TRUE(exists(path));
  ::unlink(path.c_str());
}

TEST_P(DatagramNetworkTest, OpensNothingThatMakesNoSense) {
  const auto before = openFds();
  DatagramTransport refused;
  const auto bound = [&](const Address& address, const DatagramOptions& options) {
    return DatagramTransport::bind(context_, address, options, refused);
  };
  const auto connected = [&](const Address& address, const DatagramOptions& options) {
    return DatagramTransport::connect(context_, address, options, refused);
  };
  EXPECT_EQ(bound(Address(), {}), std::errc::invalid_argument);
  EXPECT_EQ(connected(Address(), {.local = loopback()}), std::errc::invalid_argument);
  EXPECT_EQ(bound(loopback(), {.bytesMax = 0}), std::errc::invalid_argument);
  EXPECT_EQ(bound(loopback(), {.bytesMax = DatagramTransport::datagramBytesMax + 1}),
            std::errc::invalid_argument);
  EXPECT_EQ(bound(parseAddress("192.0.2.1:1"), {}), std::errc::address_not_available);
  EXPECT_EQ(connected(abstractAddress("nobody"), {}), std::errc::connection_refused);
  const std::string path = socketPath("nobody");
  EXPECT_EQ(connected(abstractAddress("nobody"), {.local = pathAddress(path)}),
            std::errc::connection_refused);
  EXPECT_FALSE(exists(path));
  EXPECT_EQ(connected(loopback().withPort(1), {.local = parseAddress("[::1]:0")}).value(),
            EAFNOSUPPORT);
  EXPECT_TRUE(openedSince(before).empty());
  Address address;
  EXPECT_EQ(refused.localAddress(address), std::errc::bad_file_descriptor);
}

}  // namespace
}  // namespace kairos
