// SPDX-License-Identifier: MIT OR Apache-2.0
// What the options of a server change: who can bind beside it, and who is let in.
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <deque>
#include <fstream>
#include <string>
#include <vector>

#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class ServerOptionsTest : public ServerTest {
 protected:
  // Its own end is closed first, and so lingers.
  void leaveALingeringConnection() {
    Accept accepted;
    accept(accepted);
    Connect connected;
    dial(connected);
    settleUntilDone(accepted);
    settleUntilDone(connected);
    accepted.stream.close();
    connected.stream.close();
    server_.close();
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, ServerOptionsTest, backends(), backendName);

// T68
TEST_P(ServerOptionsTest, BindBesideLingeringConnectionsOnlyWhenToldSo) {
  listen(loopback());
  leaveALingeringConnection();
  const Address address = address_;
  EXPECT_EQ(StreamServer::listen(context_, address, {.reuseAddress = false}, server_),
            std::errc::address_in_use);
  listen(address);
  EXPECT_EQ(address_, address);
}

// T69
TEST_P(ServerOptionsTest, SpreadConnectionsOverServersOnOnePort) {
  Reactor reactor;
  TransportContext context(reactor);
  StreamServer other;
  ok(StreamServer::listen(context, loopback(), {.reusePort = true}, other));
  ok(other.localAddress(address_));
  listen(address_, {.reusePort = true});
  std::vector<StreamTransport> here;
  std::vector<StreamTransport> there;
  Accept acceptedHere;
  acceptedHere.setThen([&] { here.push_back(std::move(acceptedHere.stream)); });
  Accept acceptedThere;
  acceptedThere.setThen([&] { there.push_back(std::move(acceptedThere.stream)); });
  ok(server_.start(acceptedHere, Accept::done, &acceptedHere));
  ok(other.start(acceptedThere, Accept::done, &acceptedThere));
  std::deque<Connect> connects(64);
  for (Connect& each : connects) {
    dial(each);
    settleUntilDone(each);
  }
  while (here.size() + there.size() < connects.size()) {
    poll();
    ok(reactor.poll(0ms).error);
  }
  EXPECT_GT(here.size(), 0u);
  EXPECT_GT(there.size(), 0u);
  server_.close();
  other.close();
  settle();
}

// T79
TEST_P(ServerOptionsTest, LetIpv4InOnIpv6UnlessToldOtherwise) {
  for (const bool ipv6Only : {false, true}) {
    listen(parseAddress("[::]:0"), {.ipv6Only = ipv6Only});
    for (const std::string_view host : {"127.0.0.1:0", "[::ffff:127.0.0.1]:0", "[::1]:0"}) {
      SCOPED_TRACE(host);
      const Address address = parseAddress(host);
      const bool isIpv4 = address.unmapped().isIpv4();
      Connect connected;
      dial(connected, address.withPort(address_.port()));
      settleUntilDone(connected);
      EXPECT_EQ(static_cast<bool>(connected.error), ipv6Only && isIpv4);
      if (connected.error) continue;
      Accept accepted;
      accept(accepted);
      settleUntilDone(accepted);
      EXPECT_TRUE(accepted.peer.isIpv6());
      EXPECT_EQ(accepted.peer.unmapped().isIpv4(), isIpv4);
      EXPECT_EQ(accepted.peer.unmapped().withPort(0), address.unmapped());
    }
  }
}

// T72: SOMAXCONN of the C library is but the usual value.
TEST_P(ServerOptionsTest, KeepAsManyNewcomersAsTheOsAllows) {
  listen(loopback());
  tcp_info info{};
  socklen_t size = sizeof info;
  ASSERT_EQ(::getsockopt(server_.fd(), IPPROTO_TCP, TCP_INFO, &info, &size), 0);
  unsigned allowed = 0;
  std::ifstream("/proc/sys/net/core/somaxconn") >> allowed;
  EXPECT_EQ(info.tcpi_sacked, allowed) << "of a socket that listens, that is its backlog";
}

// T72: those that fit are connected, the others wait; cancelled, they leave nothing.
TEST_P(ServerOptionsTest, LimitTheBacklog) {
  const auto before = openFds();
  {
    listen(abstractAddress("few"), {.backlog = 1});
    std::deque<Connect> connects(10);
    for (Connect& each : connects) dial(each);
    settle();
    std::size_t waiting = 0;
    for (Connect& each : connects) waiting += cancel(each) ? 1u : 0u;
    EXPECT_EQ(waiting, 8u) << "Linux keeps one more than the backlog says";
    settle();
    for (const Connect& each : connects) EXPECT_EQ(each.completions(), 1u);

    listen(abstractAddress("many"));
    std::deque<Connect> many(300);
    for (Connect& each : many) dial(each);
    settle();
    for (Connect& each : many) EXPECT_FALSE(each.isPending());
    server_ = StreamServer();
  }
  EXPECT_TRUE(openedSince(before).empty());
}

}  // namespace
}  // namespace kairos
