// SPDX-License-Identifier: MIT OR Apache-2.0
// Connecting to the first of several addresses that answers.
#include "kairos/transports/connect_any.h"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/hole.h"
#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using ConnectAny = Watched<ConnectAnyOperation>;
using Addresses = std::vector<Address>;

class ConnectAnyTest : public ServerTest {
 protected:
  // The addresses are borrowed until it is done.
  void dialAny(ConnectAny& connect, const Addresses& addresses,
               const ConnectAnyOptions& options = {}) {
    ok(connectAny(context_, connect, addresses, options, ConnectAny::done, &connect));
  }

  // Nobody listens there.
  static Address dead(const Address& any) {
    const Hole bound(any);
    return bound.address();
  }
  static Address loopback6() { return parseAddress("[::1]:0"); }

  // Of the sockets as they are opened, one for each of these addresses, which do not answer.
  std::vector<int> familiesInTurn(const Addresses& addresses) {
    std::vector<int> families;
    ConnectAny connect;
    auto before = openFds();
    dialAny(connect, addresses);
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      for (const Fd fd : openedSince(before)) {
        families.push_back(familyOf(fd));
        before.insert(fd);
      }
      poll(1s);
    }
    return families;
  }

  static int familyOf(Fd fd) {
    int family = 0;
    socklen_t size = sizeof family;
    EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size), 0);
    return family;
  }

  static Address peerOf(const StreamTransport& stream) {
    Address peer;
    ok(stream.remoteAddress(peer));
    return peer;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, ConnectAnyTest, backends(), backendName);

// T93
TEST_P(ConnectAnyTest, TakesTheNextAtOnceWhenOneIsRefused) {
  listen(loopback());
  const Addresses addresses{dead(loopback6()), dead(loopback()), address_};
  ConnectAny connected;
  dialAny(connected, addresses, {.attemptDelay = Reactor::forever});
  EXPECT_TRUE(connected.isPending());
  settleUntilDone(connected);
  ok(connected.error);
  EXPECT_EQ(peerOf(connected.stream), address_);
  EXPECT_EQ(poll(1s), 0u) << "no timer is left";
}

TEST_P(ConnectAnyTest, TakesTheNextAfterADelayWhenOneDoesNotAnswer) {
  listen(abstractAddress("answers"));
  const Hole hole(loopback6());
  const Addresses addresses{hole.address(), address_};
  const auto before = openFds();
  for (const auto delay : {Clock::duration(250ms), Clock::duration(70ms)}) {
    ConnectAny connected;
    const auto since = time_.elapsed();
    dialAny(connected, addresses, {.attemptDelay = delay});
    settleUntilDone(connected);
    ok(connected.error);
    EXPECT_EQ(peerOf(connected.stream), address_);
    EXPECT_EQ(time_.elapsed() - since, delay);
    EXPECT_EQ(openedSince(before).size(), 1u) << "the loser is closed";
  }
  EXPECT_EQ(ConnectAnyOptions().attemptDelay, 250ms);
}

// RFC 8305 section 4
TEST_P(ConnectAnyTest, LetsTheFamiliesTakeTurns) {
  const Hole hole4(loopback());
  const Hole hole6(loopback6());
  const Address& no4 = hole4.address();
  const Address& no6 = hole6.address();
  using Families = std::vector<int>;
  EXPECT_EQ(familiesInTurn({no6, no6, no6, no4}),
            (Families{AF_INET6, AF_INET, AF_INET6, AF_INET6}));
  EXPECT_EQ(familiesInTurn({no4, no4, no6, no6}), (Families{AF_INET, AF_INET6, AF_INET, AF_INET6}));
  EXPECT_EQ(familiesInTurn({no4, no4}), (Families{AF_INET, AF_INET}));
}

TEST_P(ConnectAnyTest, KeepsTheOrderWithinAFamily) {
  const Hole hole(loopback6());
  listen(abstractAddress("first"));
  StreamServer second;
  ok(StreamServer::listen(context_, abstractAddress("second"), {}, second));
  const Addresses addresses{hole.address(), hole.address(), address_, abstractAddress("second")};
  ConnectAny connected;
  dialAny(connected, addresses);
  settleUntilDone(connected);
  ok(connected.error);
  EXPECT_EQ(peerOf(connected.stream), address_);
  EXPECT_EQ(time_.elapsed(), 250ms);
}

// An early attempt that answers late is not lost.
TEST_P(ConnectAnyTest, GoesOnWithAnAttemptWhoseDelayIsOver) {
  listen(abstractAddress("slow"), {.backlog = 1});
  std::deque<Connect> others(2);
  for (Connect& each : others) dial(each);
  settle();
  const Hole hole(loopback());
  const Addresses addresses{address_, hole.address()};
  ConnectAny connected;
  dialAny(connected, addresses);
  while (time_.elapsed() < 1s) poll(1s);
  EXPECT_TRUE(connected.isPending());
  Accept accepted;
  accept(accepted);
  settleUntilDone(connected);
  ok(connected.error);
  EXPECT_EQ(peerOf(connected.stream), address_);
}

TEST_P(ConnectAnyTest, ConnectsOnlyOnceWhenSeveralAnswer) {
  listen(loopback());
  const Addresses addresses{address_, address_, address_};
  const auto before = openFds();
  ConnectAny connected;
  dialAny(connected, addresses, {.attemptDelay = 0ms});
  settleUntilDone(connected);
  ok(connected.error);
  EXPECT_EQ(openedSince(before).size(), 1u);
  settle();
  EXPECT_EQ(connected.completions(), 1u);
}

// T94
TEST_P(ConnectAnyTest, ReportsTheLastErrorWhenAllFail) {
  const auto before = openFds();
  const Addresses addresses{dead(loopback()), dead(loopback6()), pathAddress(socketPath("absent"))};
  ConnectAny connected;
  dialAny(connected, addresses, {.attemptDelay = Reactor::forever});
  settleUntilDone(connected);
  EXPECT_EQ(connected.error, std::errc::no_such_file_or_directory);
  EXPECT_FALSE(connected.stream.isOpen());
  EXPECT_EQ(connected.completions(), 1u);
  EXPECT_TRUE(openedSince(before).empty());

  listen(loopback());
  const Addresses live{address_};
  dialAny(connected, live);
  settleUntilDone(connected);
  ok(connected.error);
  EXPECT_TRUE(connected.stream.isOpen()) << "it can be used again";
}

// T90
TEST_P(ConnectAnyTest, IsCancelledOrDroppedAtAnyStepWithoutALeak) {
  listen(loopback());
  const Hole hole(loopback6());
  const Addresses addresses{dead(loopback6()), hole.address(), hole.address(), address_};
  const auto before = openFds();
  for (const bool isDropped : {false, true}) {
    for (int steps = 0; steps <= 8; ++steps) {
      auto connected = std::make_unique<ConnectAny>();
      dialAny(*connected, addresses);
      for (int i = 0; i < steps && connected->isPending(); ++i) poll(1s);
      if (!isDropped) {
        const bool cancelled = cancel(*connected);
        EXPECT_EQ(cancelled, connected->isPending());
        settle();
        EXPECT_EQ(connected->completions(), 1u);
        EXPECT_EQ(connected->error == std::errc::operation_canceled, cancelled);
        EXPECT_FALSE(cancel(*connected));
      }
      connected.reset();
      EXPECT_EQ(poll(1s), 0u);
      EXPECT_TRUE(openedSince(before).empty());
    }
  }
}

TEST_P(ConnectAnyTest, MakesEightAttemptsAtATime) {
  std::deque<Hole> holes;
  Addresses addresses;
  for (int i = 0; i < 10; ++i) {
    addresses.push_back(holes.emplace_back(abstractAddress("hole" + std::to_string(i))).address());
  }
  listen(abstractAddress("live"));
  addresses.push_back(address_);
  addresses.push_back(address_);
  const auto before = openFds();
  ConnectAny connected;
  dialAny(connected, addresses);
  while (time_.elapsed() < 5s) poll(1s);
  EXPECT_TRUE(connected.isPending());
  EXPECT_EQ(openedSince(before).size(), 8u);
  for (Hole& hole : holes) {
    EXPECT_TRUE(connected.isPending());
    hole.close();
    for (int i = 0; i < 30; ++i) poll(1ms);
    if (!connected.isPending()) break;
  }
  ok(connected.error);
  EXPECT_EQ(peerOf(connected.stream), address_);
}

// T91
TEST_P(ConnectAnyTest, LeavesOutOtherFamiliesThanThatOfTheLocalAddress) {
  listen(loopback());
  const Hole hole(loopback6());
  ConnectAnyOptions options;
  options.each.local = Address::ipv4({127, 0, 0, 2}, 0);
  const Addresses addresses{hole.address(), address_};
  ConnectAny connected;
  dialAny(connected, addresses, options);
  settleUntilDone(connected);
  ok(connected.error);
  Address local;
  ok(connected.stream.localAddress(local));
  EXPECT_EQ(local.ipv4Bytes(), options.each.local.ipv4Bytes());

  const Addresses foreign{hole.address()};
  dialAny(connected, foreign, options);
  settle();
  EXPECT_EQ(connected.error, std::errc::address_family_not_supported);
}

// Two attempts cannot have it, so the second would fail before its turn.
TEST_P(ConnectAnyTest, MakesOneAttemptAtATimeFromAFixedPort) {
  const Hole hole(loopback());
  listen(loopback());
  ConnectAnyOptions options;
  options.each.local = dead(loopback());
  const Addresses addresses{hole.address(), address_};
  ConnectAny connected;
  dialAny(connected, addresses, options);
  EXPECT_EQ(poll(10s), 0u);
  EXPECT_TRUE(cancel(connected));
  settle();

  options.each.reusePort = true;
  dialAny(connected, addresses, options);
  settleUntilDone(connected);
  ok(connected.error);
  Address local;
  ok(connected.stream.localAddress(local));
  EXPECT_EQ(local, options.each.local);
}

// T91: a failed attempt leaves nothing in the way of the next.
TEST_P(ConnectAnyTest, MakesOneAttemptAfterAnotherFromOnePath) {
  const Address local = pathAddress(socketPath("local"));
  listen(pathAddress(socketPath("live")));
  const Address nobody = pathAddress(socketPath("dead"));
  const Addresses addresses{nobody, nobody, address_};
  ConnectAny connected;
  dialAny(connected, addresses, {.each = {.local = local}});
  settleUntilDone(connected);
  EXPECT_EQ(connected.error, std::error_code());
  Address name;
  ok(connected.stream.localAddress(name));
  EXPECT_EQ(name, local);
}

TEST_P(ConnectAnyTest, RefusesWhatMakesNoSense) {
  listen(loopback());
  ConnectAny connected;
  const Addresses addresses{address_};
  const Addresses withNone{address_, Address()};
  EXPECT_EQ(connectAny(context_, connected, {}, {}, ConnectAny::done, &connected),
            std::errc::invalid_argument);
  EXPECT_EQ(connectAny(context_, connected, withNone, {}, ConnectAny::done, &connected),
            std::errc::invalid_argument);
  EXPECT_EQ(connectAny(context_, connected, addresses, {}, nullptr, nullptr),
            std::errc::invalid_argument);
  dialAny(connected, addresses);
  EXPECT_EQ(connectAny(context_, connected, addresses, {}, ConnectAny::done, &connected),
            TransportError::busy);
  settleUntilDone(connected);
  EXPECT_EQ(connected.completions(), 1u);
}

TEST_P(ConnectAnyTest, EndsWithItsContext) {
  const Hole hole(loopback());
  const Addresses addresses{hole.address(), hole.address()};
  const auto before = openFds();
  auto owned = std::make_unique<TransportContext>(reactor_);
  TransportContext& context = *owned;
  ConnectAny connected;
  connected.setThen([&] {
    EXPECT_EQ(connectAny(context, connected, addresses, {}, ConnectAny::done, &connected),
              TransportError::closed);
  });
  ok(connectAny(context, connected, addresses, {}, ConnectAny::done, &connected));
  poll(300ms);
  owned.reset();
  EXPECT_EQ(connected.completions(), 1u);
  EXPECT_EQ(connected.error, TransportError::closed);
  EXPECT_TRUE(openedSince(before).empty());
  EXPECT_EQ(poll(1s), 0u);
}

// Also in a callback that another operation runs.
TEST_P(ConnectAnyTest, MayBeDestroyedInItsCallback) {
  listen(loopback());
  const Addresses addresses{dead(loopback()), address_};
  auto connected = std::make_unique<ConnectAny>();
  bool ran = false;
  connected->setThen([&] {
    ran = true;
    EXPECT_TRUE(connected->stream.isOpen());
    connected.reset();
  });
  const auto before = openFds();
  dialAny(*connected, addresses);
  while (!ran && !HasFailure()) poll(1s);
  EXPECT_TRUE(openedSince(before).empty());
}

}  // namespace
}  // namespace kairos
