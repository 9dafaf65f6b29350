// SPDX-License-Identifier: MIT OR Apache-2.0
// What the ends of a peer, and of a connect, wake. On virtual time, but for connects.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <ostream>
#include <string>

#include "kairos/tests/conformance/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// What one direction sees of a peer's end, per poll.
struct Seen {
  std::size_t reader;
  std::size_t writer;
};
bool operator==(const Seen& a, const Seen& b) {
  return a.reader == b.reader && a.writer == b.writer;
}
std::ostream& operator<<(std::ostream& out, const Seen& seen) {
  return out << "reader " << seen.reader << ", writer " << seen.writer;
}

class HangUpTest : public VirtualTimeTest {
 protected:
  // In two polls, which end by themselves if nothing is seen.
  Seen watch(Fd fd, bool reading, bool writing) {
    std::string order;
    Probe reader([&] { order += 'r'; });
    Probe writer([&] { order += 'w'; });
    if (writing) addWriter(fd, writer);
    if (reading) addReader(fd, reader);
    poll(1ms);
    poll(1ms);
    reactor_.removeReader(fd);
    reactor_.removeWriter(fd);
    EXPECT_EQ(poll(1ms), 0u) << "nothing is registered";
    EXPECT_EQ(time_.waits().back(), 1ms);
    if (reader.runs() > 0) {
      EXPECT_EQ(order.front(), 'r');
    }
    return {reader.runs(), writer.runs()};
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, HangUpTest, backends(), backendName);

// R56
TEST_P(HangUpTest, WakesEveryDirectionOnceWhenThePeerIsClosed) {
  Pair ends = pair();
  fill(ends.near.get());
  EXPECT_EQ(watch(ends.near.get(), true, true), (Seen{0, 0}));
  ends.far.reset();
  EXPECT_EQ(watch(ends.near.get(), true, false), (Seen{2, 0}));
  EXPECT_EQ(watch(ends.near.get(), false, true), (Seen{0, 2}));
  EXPECT_EQ(watch(ends.near.get(), true, true), (Seen{2, 2}));
}

// R56
TEST_P(HangUpTest, DoesNotEndAWaitWhenNothingIsRegistered) {
  Pair ends = pair();
  Probe probe;
  addBoth(ends.near.get(), probe, probe);
  poll(0ms);
  reactor_.removeReader(ends.near.get());
  reactor_.removeWriter(ends.near.get());
  ends.far.reset();
  EXPECT_EQ(poll(50ms), 0u);
  EXPECT_EQ(time_.elapsed(), 50ms);
}

// R56
TEST_P(HangUpTest, WakesOnlyTheReaderWhenThePeerHasShutDownItsHalf) {
  const Pair ends = pair();
  fill(ends.near.get());
  ASSERT_EQ(::shutdown(ends.far.get(), SHUT_WR), 0);
  EXPECT_EQ(watch(ends.near.get(), true, true), (Seen{2, 0}));
  EXPECT_EQ(watch(ends.near.get(), false, true), (Seen{0, 0}));
}

// R56
TEST_P(HangUpTest, WakesTheReaderOfAPipeWithoutWriters) {
  Pair ends = pipePair();
  ends.far.reset();
  EXPECT_EQ(watch(ends.near.get(), true, false), (Seen{2, 0}));
}

// R56
TEST_P(HangUpTest, WakesTheWriterOfAPipeWithoutReaders) {
  Pair ends = pipePair();
  fill(ends.far.get());
  EXPECT_EQ(watch(ends.far.get(), false, true), (Seen{0, 0}));
  ends.near.reset();
  EXPECT_EQ(watch(ends.far.get(), false, true), (Seen{0, 2}));
  EXPECT_EQ(watch(ends.far.get(), true, true), (Seen{2, 2}));
}

// R56
TEST_P(HangUpTest, WakesEveryDirectionWhenThePeerResets) {
  Pair ends = tcpPair();
  fill(ends.near.get());
  const linger abort{1, 0};
  ASSERT_EQ(::setsockopt(ends.far.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort), 0);
  ends.far.reset();
  EXPECT_EQ(watch(ends.near.get(), true, true), (Seen{2, 2}));
}

class ConnectTest : public RealTimeTest {
 protected:
  struct Endpoint {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&address); }
  };

  static Endpoint endpointOf(Fd socket) {
    Endpoint endpoint;
    EXPECT_EQ(::getsockname(socket, endpoint.get(), &endpoint.size), 0);
    return endpoint;
  }

  static UniqueFd makeSocket() {
    return UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  }

  // A socket whose connection was asked for, or refused, without waiting.
  static UniqueFd startConnect(Endpoint to) {
    UniqueFd socket = makeSocket();
    EXPECT_TRUE(::connect(socket.get(), to.get(), to.size) == 0 || errno == EINPROGRESS);
    return socket;
  }

  static int takeError(Fd socket) {
    int error = 0;
    socklen_t size = sizeof error;
    EXPECT_EQ(::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    return error;
  }

  // A bound port that nobody listens on, for as long as the socket lives.
  const UniqueFd closedPort_ = [] {
    UniqueFd socket = makeSocket();
    Endpoint any;
    any.address.sin_family = AF_INET;
    any.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket.get(), any.get(), any.size), 0);
    return socket;
  }();
};

INSTANTIATE_TEST_SUITE_P(Backends, ConnectTest, backends(), backendName);

// R57
TEST_P(ConnectTest, WakesTheWriterOnceWhenRefused) {
  const UniqueFd socket = startConnect(endpointOf(closedPort_.get()));
  Probe writer([&] {
    EXPECT_EQ(takeError(socket.get()), ECONNREFUSED);
    EXPECT_TRUE(reactor_.removeWriter(socket.get()));
  });
  addWriter(socket.get(), writer);
  EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(poll(0ms), 0u);
}

// R57
TEST_P(ConnectTest, WakesBothDirectionsWhenRefused) {
  const UniqueFd socket = startConnect(endpointOf(closedPort_.get()));
  Probe reader;
  Probe writer;
  addBoth(socket.get(), reader, writer);
  EXPECT_EQ(poll(Reactor::forever), 2u);
  EXPECT_EQ(reader.runs(), 1u);
  EXPECT_EQ(writer.runs(), 1u);
}

// R78
TEST_P(ConnectTest, WakesTheWriterInEachPollUntilItIsRemoved) {
  const UniqueFd listener = tcpListener();
  const UniqueFd socket = startConnect(endpointOf(listener.get()));
  Probe writer;
  addWriter(socket.get(), writer);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(poll(Reactor::forever), 1u);
  EXPECT_EQ(takeError(socket.get()), 0);
  EXPECT_TRUE(reactor_.removeWriter(socket.get()));
  const auto before = time_.elapsed();
  EXPECT_EQ(poll(50ms), 0u);
  EXPECT_GE(time_.elapsed() - before, 50ms);
}

}  // namespace
}  // namespace kairos
