// SPDX-License-Identifier: MIT OR Apache-2.0
// Options, as the OS tells them back, and what they do to the ends of connections.
#include "kairos/transports/socket_options.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <limits>
#include <string>

#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

int option(Fd fd, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &size), 0);
  return value;
}

class SocketOptionsTest : public StreamTest {};

INSTANTIATE_TEST_SUITE_P(Backends, SocketOptionsTest, backends(), backendName);

TEST_P(SocketOptionsTest, SetsThoseOfTcp) {
  connect(tcpPair());
  const Fd fd = stream_.fd();
  const int before = option(fd, IPPROTO_TCP, TCP_KEEPCNT);
  ok(setTcpOptions(fd, {.noDelay = true,
                        .keepAlive = true,
                        .keepAliveIdle = 11s,
                        .keepAliveInterval = 7s,
                        .userTimeout = 1234ms}));
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 11);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 7);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), before) << "zero leaves it";
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 1234);
  ok(setTcpOptions(fd, {.keepAliveCount = 3}));
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
  EXPECT_EQ(option(fd, SOL_SOCKET, SO_KEEPALIVE), 0);
  EXPECT_EQ(option(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
}

TEST_P(SocketOptionsTest, SetsBuffers) {
  connect(tcpPair());
  ok(setSendBuffer(stream_.fd(), 50000));
  ok(setReceiveBuffer(stream_.fd(), 60000));
  EXPECT_GE(option(stream_.fd(), SOL_SOCKET, SO_SNDBUF), 50000);
  EXPECT_GE(option(stream_.fd(), SOL_SOCKET, SO_RCVBUF), 60000);
  ok(setSendBuffer(stream_.fd(), 0));
}

TEST_P(SocketOptionsTest, ReportsWhatCannotBeSet) {
  connect(tcpPair());
  const Fd fd = stream_.fd();
  const auto invalid = std::errc::invalid_argument;
  EXPECT_EQ(setTcpOptions(fd, {.keepAliveIdle = -1s}), invalid);
  EXPECT_EQ(setTcpOptions(fd, {.keepAliveInterval = std::chrono::seconds::max()}), invalid);
  EXPECT_EQ(setTcpOptions(fd, {.keepAliveCount = 1 << 20}), invalid);
  EXPECT_EQ(setTcpOptions(fd, {.userTimeout = std::chrono::milliseconds::max()}), invalid);
  EXPECT_EQ(setSendBuffer(fd, std::numeric_limits<std::size_t>::max()), invalid);
  PeerCredentials peer;
  EXPECT_EQ(peerCredentials(fd, peer), std::errc::operation_not_supported);
  stream_.close();
  EXPECT_EQ(setTcpOptions(stream_.fd(), {}), std::errc::bad_file_descriptor);
  EXPECT_EQ(setResetOnClose(stream_.fd(), true), std::errc::bad_file_descriptor);
  EXPECT_EQ(peerCredentials(stream_.fd(), peer), std::errc::bad_file_descriptor);
  connect(pair());
  EXPECT_EQ(setTcpOptions(stream_.fd(), {}), std::errc::operation_not_supported);
  connect(pipePair());
  EXPECT_EQ(setReceiveBuffer(stream_.fd(), 1), std::errc::not_a_socket);
}

// IT21: a peer that takes nothing, in the time of the machine, of which the OS needs some.
TEST_P(SocketOptionsTest, EndAConnectionWhosePeerTakesNothing) {
  connect(tcpPair());
  ok(setTcpOptions(stream_.fd(), {.userTimeout = 1ms}));
  fill(stream_.fd());
  Write write;
  const std::string bytes = pattern(100);
  this->write(write, bytes);
  settleUntilDone(write);
  EXPECT_EQ(write.error, std::errc::timed_out);
  Read read;
  readOnce(read);
  settleUntilDone(read);
  EXPECT_EQ(read.error, std::errc::timed_out);
  EXPECT_FALSE(read.atEnd);
}

// T132
TEST_P(SocketOptionsTest, TellsWhoIsAtTheOtherEnd) {
  connect(pair());
  PeerCredentials peer;
  ok(peerCredentials(stream_.fd(), peer));
  EXPECT_EQ(peer.process, ::getpid());
  EXPECT_EQ(peer.user, ::getuid());
  EXPECT_EQ(peer.group, ::getgid());
}

// T61: what the peer sees of a close.
TEST_P(SocketOptionsTest, DecideWhatThePeerSeesOfAClose) {
  enum Case { plain, unread, reset, resetTakenBack };
  for (const Case what : {plain, unread, reset, resetTakenBack}) {
    connect(tcpPair());
    if (what == unread) {
      sendAll(far_.get(), "abc");
      Read read;
      readLine(read);
      settle();
      sendAll(far_.get(), "in the kernel");
    }
    if (what >= reset) ok(setResetOnClose(stream_.fd(), true));
    if (what == resetTakenBack) ok(setResetOnClose(stream_.fd(), false));
    stream_.close();
    StreamTransport peer = adopt(std::move(far_));
    Read read;
    ok(peer.readOnce(read, Read::done, &read));
    settleUntilDone(read);
    const bool isReset = what == unread || what == reset;
    EXPECT_EQ(read.error == std::errc::connection_reset, isReset) << what;
    EXPECT_EQ(read.atEnd, !isReset) << what;
  }
}

}  // namespace
}  // namespace kairos
