// SPDX-License-Identifier: MIT OR Apache-2.0
// Connecting to one address.
#include "kairos/transports/connect.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class ConnectTest : public ServerTest {};

INSTANTIATE_TEST_SUITE_P(Backends, ConnectTest, backends(), backendName);

// T87
TEST_P(ConnectTest, ReportsARefusalAndLeavesNothing) {
  listen(loopback());
  server_.close();
  const auto before = openFds();
  Connect connected;
  dial(connected);
  settleUntilDone(connected);
  EXPECT_EQ(connected.error, std::errc::connection_refused);
  EXPECT_FALSE(connected.stream.isOpen());
  dial(connected, pathAddress(socketPath("absent")));
  settle();
  EXPECT_EQ(connected.error, std::errc::no_such_file_or_directory);
  dial(connected, abstractAddress("absent"));
  settle();
  EXPECT_EQ(connected.error, std::errc::connection_refused);
  EXPECT_EQ(connected.completions(), 3u);
  EXPECT_TRUE(openedSince(before).empty());
}

// T88
TEST_P(ConnectTest, CompletesLaterAlsoWhenConnectedAtOnce) {
  listen(abstractAddress("at once"));
  Connect connected;
  dial(connected);
  EXPECT_TRUE(connected.isPending());
  EXPECT_EQ(connected.completions(), 0u);
  EXPECT_EQ(poll(), 1u);
  EXPECT_EQ(connected.completions(), 1u);
  EXPECT_TRUE(connected.stream.isOpen());
  settle();
  EXPECT_EQ(connected.completions(), 1u);
}

// T88
TEST_P(ConnectTest, CompletesLaterAndOnceOverLoopback) {
  for (const std::string_view host : {"127.0.0.1:0", "[::1]:0"}) {
    listen(parseAddress(host));
    Connect connected;
    dial(connected);
    EXPECT_EQ(connected.completions(), 0u);
    settleUntilDone(connected);
    EXPECT_EQ(connected.error, std::error_code());
    settle();
    EXPECT_EQ(connected.completions(), 1u);
  }
}

// T90, T72
TEST_P(ConnectTest, IsCancelledAtAnyStepWithoutALeak) {
  const auto before = openFds();
  for (const bool isDropped : {false, true}) {
    for (int steps = 0; steps <= 3; ++steps) {
      listen(loopback(), {.backlog = 1});
      auto connected = std::make_unique<Connect>();
      dial(*connected);
      for (int i = 0; i < steps; ++i) poll();
      const bool wasPending = connected->isPending();
      if (!isDropped) {
        const bool cancelled = cancel(*connected);
        EXPECT_LE(cancelled, wasPending);
        settle();
        EXPECT_EQ(connected->completions(), 1u);
        EXPECT_EQ(connected->error == std::errc::operation_canceled, cancelled);
        EXPECT_FALSE(cancel(*connected));
      }
      connected.reset();
      server_ = StreamServer();
      settle();
    }
  }
  EXPECT_TRUE(openedSince(before).empty());
}

// T91
TEST_P(ConnectTest, BindsItsOwnAddressFirst) {
  listen(loopback());
  Connect connected;
  dial(connected, {.local = Address::ipv4({127, 0, 0, 2}, 0)});
  settleUntilDone(connected);
  ASSERT_FALSE(connected.error);
  Address local;
  ok(connected.stream.localAddress(local));
  EXPECT_EQ(local.ipv4Bytes(), (Address::Ipv4Bytes{127, 0, 0, 2}));

  Connect busy;
  dial(busy, {.local = local});
  settle();
  EXPECT_EQ(busy.error, std::errc::address_in_use);
  dial(busy, {.local = parseAddress("[::1]:0")});
  settle();
  EXPECT_TRUE(busy.error);
  EXPECT_FALSE(busy.stream.isOpen());
}

// T91
TEST_P(ConnectTest, SharesItsOwnPortOnlyWhenToldSo) {
  listen(loopback());
  StreamServer other;
  ok(StreamServer::listen(context_, loopback(), {}, other));
  Address elsewhere;
  ok(other.localAddress(elsewhere));
  Connect first;
  dial(first, {.local = loopback(), .reusePort = true});
  settleUntilDone(first);
  ok(first.error);
  Address local;
  ok(first.stream.localAddress(local));
  Connect second;
  dial(second, elsewhere, {.local = local});
  settleUntilDone(second);
  EXPECT_EQ(second.error, std::errc::address_in_use);
  dial(second, elsewhere, {.local = local, .reusePort = true});
  settleUntilDone(second);
  ok(second.error);
  Address same;
  ok(second.stream.localAddress(same));
  EXPECT_EQ(same, local);
}

// T92
TEST_P(ConnectTest, ReachesThisMachineByTheAnyAddress) {
  for (const std::string_view any : {"0.0.0.0:0", "[::]:0"}) {
    listen(parseAddress(any));
    Connect connected;
    dial(connected);
    Accept accepted;
    accept(accepted);
    settleUntilDone(connected);
    settleUntilDone(accepted);
    ASSERT_FALSE(connected.error);
    Address near;
    Address far;
    ok(connected.stream.localAddress(near));
    ok(accepted.stream.remoteAddress(far));
    EXPECT_EQ(near, far);
    ok(connected.stream.remoteAddress(near));
    ok(accepted.stream.localAddress(far));
    EXPECT_EQ(near, far);
  }
}

// T96
TEST_P(ConnectTest, WaitsForAUnixServerWithAFullBacklog) {
  listen(abstractAddress("full"), {.backlog = 1});
  std::deque<Connect> connects(6);
  for (Connect& each : connects) dial(each);
  poll(100ms);
  std::size_t waiting = 0;
  for (const Connect& each : connects) waiting += each.isPending() ? 1u : 0u;
  EXPECT_GE(waiting, 1u);
  Accept accepted;
  accepted.setThen([&] { accept(accepted); });
  accept(accepted);
  for (const Connect& each : connects) {
    settleUntilDone(each);
    EXPECT_FALSE(each.error) << each.error.message();
  }
}

TEST_P(ConnectTest, RefusesWhatMakesNoSense) {
  listen(loopback());
  Connect connected;
  EXPECT_EQ(kairos::connect(context_, connected, Address(), {}, Connect::done, &connected),
            std::errc::invalid_argument);
  EXPECT_EQ(kairos::connect(context_, connected, address_, {}, nullptr, nullptr),
            std::errc::invalid_argument);
  dial(connected);
  EXPECT_EQ(kairos::connect(context_, connected, address_, {}, Connect::done, &connected),
            TransportError::busy);
  settleUntilDone(connected);
  EXPECT_EQ(connected.completions(), 1u);
}

TEST_P(ConnectTest, ReportsWantOfDescriptors) {
  if (underSanitizerThatNeedsDescriptors()) GTEST_SKIP() << noDescriptorsForSanitizer;
  listen(loopback());
  Connect connected;
  const DescriptorLimit limit;
  dial(connected);
  settle();
  EXPECT_EQ(connected.error, std::errc::too_many_files_open);
}

TEST_P(ConnectTest, EndsWithItsContext) {
  std::optional<TransportContext> context(std::in_place, reactor_);
  listen(abstractAddress("context"), {.backlog = 1});
  std::deque<Connect> connects(5);
  for (Connect& each : connects) {
    ok(kairos::connect(*context, each, address_, {}, Connect::done, &each));
  }
  context.reset();
  std::size_t closed = 0;
  for (const Connect& each : connects) {
    EXPECT_EQ(each.completions(), 1u);
    closed += each.error == TransportError::closed ? 1u : 0u;
  }
  EXPECT_GE(closed, 1u);
  EXPECT_EQ(kairos::connect(context_, connects[0], Address::unixUnnamed(), {}, Connect::done,
                            &connects[0]),
            std::error_code());
  settle();
  EXPECT_TRUE(connects[0].error);
}

}  // namespace
}  // namespace kairos
