// SPDX-License-Identifier: MIT OR Apache-2.0
// Accepting: connections of every family, want of descriptors, ends, unix paths.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/hole.h"
#include "kairos/tests/transports/server_fixture.h"
#include "kairos/transports/datagram_transport.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class StreamServerTest : public ServerTest {};

INSTANTIATE_TEST_SUITE_P(Backends, StreamServerTest, backends(), backendName);

TEST_P(StreamServerTest, AcceptsConnectionsOfEveryFamily) {
  const std::string path = socketPath("families");
  for (const Address& address :
       {loopback(), parseAddress("[::1]:0"), pathAddress(path), abstractAddress("families")}) {
    listen(address);
    Accept accepted;
    accept(accepted);
    Connect connected;
    dial(connected);
    settleUntilDone(connected);
    settleUntilDone(accepted);
    ASSERT_FALSE(connected.error) << address.toString() << " " << connected.error.message();
    ASSERT_FALSE(accepted.error);
    Address ours;
    ok(connected.stream.localAddress(ours));
    EXPECT_EQ(accepted.peer, ours);
    ok(connected.stream.remoteAddress(ours));
    EXPECT_EQ(ours, address_);

    Write write;
    ok(connected.stream.write(write, "hello", Write::done, &write));
    Read read;
    ok(accepted.stream.readOnce(read, Read::done, &read));
    settleUntilDone(read);
    EXPECT_EQ(read.data, "hello");
    // T85
    for (const Fd fd : {server_.fd(), accepted.stream.fd(), connected.stream.fd()}) {
      EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
      EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
    }
  }
}

// T85: nothing that is made is inherited or blocks, in whatever state it is.
TEST_P(StreamServerTest, MakesOnlySocketsThatNeitherBlockNorAreInherited) {
  const Hole hole(loopback());
  const auto before = openFds();
  listen(abstractAddress("full"), {.backlog = 1});
  std::array<Connect, 4> connects;
  for (Connect& each : connects) dial(each);  // the last wait for room
  Connect connecting;
  dial(connecting, hole.address());
  DatagramTransport bound;
  ok(DatagramTransport::bind(context_, loopback(), {}, bound));
  Address address;
  ok(bound.localAddress(address));
  DatagramTransport connected;
  ok(DatagramTransport::connect(context_, address, {}, connected));
  const auto made = openedSince(before);
  EXPECT_GE(made.size(), 8u);
  for (const Fd fd : made) {
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0) << fd;
    EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0) << fd;
  }
}

// T63, T68: connections linger in TIME_WAIT, and the port is bound again.
TEST_P(StreamServerTest, BindsItsPortAgain) {
  listen(loopback());
  const Address address = address_;
  for (int run = 0; run < 3; ++run) {
    Accept accepted;
    accept(accepted);
    Connect connected;
    dial(connected);
    settleUntilDone(accepted);
    settleUntilDone(connected);
    accepted.stream.close();
    server_.close();
    listen(address);
    EXPECT_EQ(address_, address);
  }
}

// T64
TEST_P(StreamServerTest, ClosesWithoutHavingAccepted) {
  const auto before = openFds();
  listen(loopback());
  server_.close();
  server_.close();
  EXPECT_FALSE(server_.isOpen());
  server_ = StreamServer();
  EXPECT_TRUE(openedSince(before).empty());
}

// T69
TEST_P(StreamServerTest, SharesAPortOnlyWhenToldSo) {
  listen(loopback(), {.reusePort = true});
  StreamServer other;
  EXPECT_EQ(StreamServer::listen(context_, address_, {}, other), std::errc::address_in_use);
  EXPECT_FALSE(other.isOpen());
  ok(StreamServer::listen(context_, address_, {.reusePort = true}, other));
}

// T70
TEST_P(StreamServerTest, SetsTheOptionsOfConnections) {
  for (const bool noDelay : {false, true}) {
    listen(loopback(), {.noDelay = noDelay});
    Accept accepted;
    accept(accepted);
    Connect connected;
    dial(connected, {.local = {}, .noDelay = noDelay});
    settleUntilDone(accepted);
    settleUntilDone(connected);
    for (const Fd fd : {accepted.stream.fd(), connected.stream.fd()}) {
      int value = -1;
      socklen_t size = sizeof value;
      ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
      EXPECT_EQ(value != 0, noDelay);
    }
  }
}

// T73, T78: started again in its callback, it takes all that wait in one poll.
TEST_P(StreamServerTest, AcceptsAllThatWaitWithinABudget) {
  listen(abstractAddress("many"));
  std::deque<Connect> connects(100);
  for (Connect& each : connects) dial(each);
  settle();
  std::vector<StreamTransport> streams;
  Accept accepted;
  accepted.setThen([&] {
    streams.push_back(std::move(accepted.stream));
    accept(accepted);
  });
  accept(accepted);
  poll();
  EXPECT_EQ(streams.size(), connects.size());
  for (const StreamTransport& stream : streams) EXPECT_TRUE(stream.isOpen());
}

// A server that nobody asks leaves newcomers to the OS, and sleeps.
TEST_P(StreamServerTest, WakesNobodyWhenNobodyAccepts) {
  listen(loopback());
  Accept accepted;
  accept(accepted);
  Connect first;
  Connect second;
  dial(first);
  settleUntilDone(accepted);
  dial(second);
  settleUntilDone(second);
  settle();
  EXPECT_EQ(poll(10ms), 0u);
  EXPECT_FALSE(second.error);
  accept(accepted);
  settleUntilDone(accepted);
  EXPECT_EQ(accepted.completions(), 2u);
  EXPECT_FALSE(accepted.error);
}

// T74, T81
TEST_P(StreamServerTest, EndsAPendingAcceptByItsClose) {
  listen(loopback());
  Accept accepted;
  accept(accepted);
  EXPECT_EQ(server_.accept(accepted, Accept::done, &accepted), TransportError::busy);
  settle();
  server_.close();
  EXPECT_EQ(accepted.completions(), 0u);
  settle();
  EXPECT_EQ(accepted.completions(), 1u);
  EXPECT_EQ(accepted.error, TransportError::closed);
  accept(accepted);
  settle();
  EXPECT_EQ(accepted.error, TransportError::closed);

  listen(loopback());
  accept(accepted);
  EXPECT_TRUE(server_.cancel(accepted));
  EXPECT_FALSE(server_.cancel(accepted));
  server_.close();
  settle();
  EXPECT_EQ(accepted.completions(), 3u);
  EXPECT_EQ(accepted.error, std::errc::operation_canceled);
  EXPECT_NE(accepted.error, TransportError::closed);
}

// T81, T84
TEST_P(StreamServerTest, MayBeDestroyedInItsCallbackAndLeavesConnectionsAlone) {
  const auto before = openFds();
  {
    listen(loopback());
    Accept accepted;
    accepted.setThen([&] { server_ = StreamServer(); });
    accept(accepted);
    Connect connected;
    dial(connected);
    settleUntilDone(accepted);
    settleUntilDone(connected);
    Write write;
    ok(accepted.stream.write(write, "x", Write::done, &write));
    Read read;
    ok(connected.stream.readOnce(read, Read::done, &read));
    settleUntilDone(read);
    EXPECT_EQ(read.data, "x");
  }
  EXPECT_TRUE(openedSince(before).empty());
}

// T82
TEST_P(StreamServerTest, LeaksNothingWhenAnAcceptIsDroppedAtAnyStep) {
  const auto before = openFds();
  for (int steps = 0; steps <= 20; ++steps) {
    listen(abstractAddress("dropped"));
    auto accepted = std::make_unique<Accept>();
    accept(*accepted);
    Connect connected;
    dial(connected);
    for (int i = 0; i < steps; ++i) poll();
    accepted.reset();
    server_ = StreamServer();
    settle();
  }
  EXPECT_TRUE(openedSince(before).empty());
}

// T75
TEST_P(StreamServerTest, RestsWhenDescriptorsRunOutAndRecovers) {
  if (underSanitizerThatNeedsDescriptors()) GTEST_SKIP() << noDescriptorsForSanitizer;
  listen(loopback());
  Accept accepted;
  Connect connected;
  Connect next;
  dial(connected);
  dial(next);
  settleUntilDone(connected);
  settleUntilDone(next);
  std::size_t polls = 0;
  {
    const DescriptorLimit limit;
    accept(accepted);
    settleUntilDone(accepted);
    EXPECT_EQ(accepted.error, std::errc::too_many_files_open);
    accept(accepted);
    const auto since = time_.elapsed();
    for (; time_.elapsed() - since < 2s; ++polls) poll(1s);
    EXPECT_EQ(accepted.completions(), 1u) << "it is said once";
  }
  EXPECT_LE(polls, 40u);
  EXPECT_GE(polls, 20u);
  const auto since = time_.elapsed();
  settleUntilDone(accepted);
  EXPECT_FALSE(accepted.error);
  EXPECT_LE(time_.elapsed() - since, 100ms);
  const StreamTransport kept = std::move(accepted.stream);
  {
    const DescriptorLimit limit;
    accept(accepted);
    settle();
    EXPECT_EQ(accepted.error, std::errc::too_many_files_open) << "a new want is said again";
  }
}

// T75: a server that rests can be closed.
TEST_P(StreamServerTest, ForgetsItsPauseWhenClosed) {
  if (underSanitizerThatNeedsDescriptors()) GTEST_SKIP() << noDescriptorsForSanitizer;
  listen(loopback());
  Accept accepted;
  {
    const DescriptorLimit limit;
    accept(accepted);
    settle();
    EXPECT_EQ(accepted.error, std::errc::too_many_files_open);
  }
  accept(accepted);
  server_.close();
  settle();
  EXPECT_EQ(accepted.error, TransportError::closed);
  EXPECT_EQ(poll(1s), 0u);
}

// T76: Linux may show who is gone as a connection, which is then broken.
TEST_P(StreamServerTest, TakesNoNoticeOfNewcomersThatGaveUp) {
  listen(loopback());
  Connect gone;
  Connect stays;
  dial(gone);
  settleUntilDone(gone);
  resetOnClose(gone.stream.fd());
  gone.stream.close();
  dial(stays);
  settleUntilDone(stays);
  Address last;
  Accept accepted;
  accepted.setThen([&] {
    EXPECT_FALSE(accepted.error);
    last = accepted.peer;
    accept(accepted);
  });
  accept(accepted);
  Address survivor;
  ok(stays.stream.localAddress(survivor));
  while (last != survivor && !HasFailure()) poll(Reactor::forever);
  EXPECT_LE(accepted.completions(), 2u);
}

// T71: a connection that nobody reads stays full.
TEST_P(StreamServerTest, LeavesInTheKernelWhatNobodyAskedFor) {
  listen(abstractAddress("unread"));
  Accept accepted;
  accept(accepted);
  Connect connected;
  dial(connected);
  settle();
  fill(connected.stream.fd());
  const auto unread = [&] {
    int bytes = 0;
    EXPECT_EQ(::ioctl(accepted.stream.fd(), FIONREAD, &bytes), 0);
    return static_cast<std::size_t>(bytes);
  };
  const std::size_t before = unread();
  settle();
  EXPECT_EQ(poll(10ms), 0u);
  EXPECT_EQ(unread(), before);
  Read read;
  ok(accepted.stream.readOnce(read, Read::done, &read));
  settle();
  EXPECT_GT(read.bytes, 0u);
  EXPECT_EQ(unread(), before - read.bytes) << "and no more is taken than is shown";
}

// T86
TEST_P(StreamServerTest, AdoptsASocketThatListens) {
  UniqueFd listener = tcpListener();
  ASSERT_EQ(::fcntl(listener.get(), F_SETFL, 0), 0);
  ASSERT_EQ(::fcntl(listener.get(), F_SETFD, 0), 0);
  const Fd fd = listener.get();
  ok(StreamServer::adopt(context_, fd, {}, server_));
  listener.release();
  EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  ok(server_.localAddress(address_));
  Accept accepted;
  accept(accepted);
  Connect connected;
  dial(connected);
  settleUntilDone(accepted);
  EXPECT_FALSE(accepted.error);

  StreamServer other;
  const Pair ends = pair();
  const Pair pipe = pipePair();
  EXPECT_EQ(StreamServer::adopt(context_, ends.near.get(), {}, other), std::errc::invalid_argument);
  EXPECT_EQ(StreamServer::adopt(context_, pipe.near.get(), {}, other), std::errc::not_a_socket);
  EXPECT_EQ(StreamServer::adopt(context_, -1, {}, other), std::errc::bad_file_descriptor);
  const UniqueFd packets(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const sockaddr_un any{AF_UNIX, {}};  // of no name: the OS chooses one
  ASSERT_EQ(::bind(packets.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any.sun_family),
            0);
  ASSERT_EQ(::listen(packets.get(), 1), 0);
  EXPECT_EQ(StreamServer::adopt(context_, packets.get(), {}, other), std::errc::invalid_argument);
}

// T130, T131, IT19
TEST_P(StreamServerTest, RemovesThePathThatItBoundAndNoOther) {
  const std::string path = socketPath("owned");
  struct stat status {};
  listen(pathAddress(path));
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  server_.close();
  EXPECT_NE(::stat(path.c_str(), &status), 0);

  listen(pathAddress(path));
  ASSERT_EQ(::unlink(path.c_str()), 0);
  std::ofstream(path) << "precious";
  server_.close();
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << "not ours any more";
  EXPECT_EQ(StreamServer::listen(context_, pathAddress(path), {}, server_),
            std::errc::address_in_use);
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_size, 8);
  ::unlink(path.c_str());
}

TEST_P(StreamServerTest, EndsWithItsContext) {
  auto context = std::make_unique<TransportContext>(reactor_);
  ok(StreamServer::listen(*context, loopback(), {}, server_));
  Accept accepted;
  accept(accepted);
  context.reset();
  EXPECT_EQ(accepted.completions(), 1u);
  EXPECT_EQ(accepted.error, TransportError::closed);
  EXPECT_EQ(server_.accept(accepted, Accept::done, &accepted), TransportError::closed);
  EXPECT_FALSE(server_.isOpen());
}

TEST_P(StreamServerTest, IsRefusedByAContextThatEnds) {
  auto context = std::make_unique<TransportContext>(reactor_);
  TransportContext& ending = *context;
  ok(StreamServer::listen(ending, loopback(), {}, server_));
  StreamServer late;
  UniqueFd listening = tcpListener();
  Accept accepted([&] {
    EXPECT_EQ(StreamServer::listen(ending, loopback(), {}, late), TransportError::closed);
    EXPECT_EQ(StreamServer::adopt(ending, listening.get(), {}, late), TransportError::closed);
  });
  accept(accepted);
  context.reset();
  EXPECT_EQ(accepted.completions(), 1u);
  EXPECT_FALSE(late.isOpen());
  late.close();
  EXPECT_TRUE(isOpen(listening.get()));
}

// T62: what a connection takes from the heap and of descriptors is given back. On a reactor without
// the record that the others keep.
TEST(StreamServerMemoryTest, LeavesNothingOfTenThousandConnections) {
  Reactor reactor;
  TransportContext context(reactor);
  StreamServer server;
  Address address;
  ASSERT_FALSE(StreamServer::listen(context, loopback(), {}, server));
  ASSERT_FALSE(server.localAddress(address));
  const auto settle = [&](const detail::Operation& operation) {
    while (operation.isPending()) ASSERT_FALSE(reactor.poll(Reactor::forever).error);
  };
  const auto exchange = [&](int count) {
    for (int i = 0; i < count && !testing::Test::HasFailure(); ++i) {
      Accept accepted;
      Connect connected;
      ASSERT_FALSE(server.accept(accepted, Accept::done, &accepted));
      ASSERT_FALSE(connect(context, connected, address, {}, Connect::done, &connected));
      settle(accepted);
      settle(connected);
      Write write;
      ASSERT_FALSE(connected.stream.write(write, "hello", Write::done, &write));
      Read read;
      ASSERT_FALSE(accepted.stream.readOnce(read, Read::done, &read));
      settle(read);
      ASSERT_EQ(read.data, "hello");
      resetOnClose(connected.stream.fd());  // no port lingers
    }
  };
  exchange(100);
  const auto before = openFds();
  const std::size_t heapBefore = ::mallinfo2().uordblks;
  exchange(underSanitizer() ? 1000 : 10'000);
  EXPECT_EQ(openedSince(before).size(), 0u);
  if (!underSanitizer()) {
    EXPECT_LE(::mallinfo2().uordblks, heapBefore + 4096);
  }
}

}  // namespace
}  // namespace kairos
