// SPDX-License-Identifier: MIT OR Apache-2.0
// What the OS refuses to datagrams: interruptions, false readiness, want of memory and of watches.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/datagram_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class DatagramFaultTest : public DatagramTest {
 protected:
  DatagramTransport near_ = bind(loopback());
  DatagramTransport far_ = bind(loopback());
};

INSTANTIATE_TEST_SUITE_P(Backends, DatagramFaultTest, backends(), backendName);

TEST_P(DatagramFaultTest, RepeatsInterruptedCalls) {
  failCalls(SystemCall::sendto, EINTR, 3);
  deliver(near_, localOf(far_), "1");
  EXPECT_TRUE(hasFailed(SystemCall::sendto));
  const std::array<Datagram, 2> both = {
      {{.data = "2", .peer = localOf(far_)}, {.data = "3", .peer = localOf(far_)}}};
  failCalls(SystemCall::sendmmsg, EINTR, 3);
  Send send;
  ok(near_.send(send, both, Send::done, &send));
  EXPECT_EQ(send.sent, 2u);
  failCalls(SystemCall::recvmmsg, EINTR, 3);
  EXPECT_EQ(next(far_), (Texts{"1", "2", "3"}));
  EXPECT_TRUE(hasFailed(SystemCall::recvmmsg));
  settle();
}

// T110
TEST_P(DatagramFaultTest, ToleratesFalseReadiness) {
  deliver(near_, localOf(far_), "x");
  Receive receive;
  this->receive(far_, receive);
  failCalls(SystemCall::recvmmsg, EAGAIN, 2);
  poll();
  poll();
  EXPECT_EQ(receive.completions(), 0u);
  poll();
  EXPECT_EQ(texts(receive), Texts{"x"});
}

// T109
TEST_P(DatagramFaultTest, KeepsWhatTheOsDoesNotTakeNow) {
  failCalls(SystemCall::sendto, EAGAIN, 2);
  Send first;
  Send second;
  sendTo(near_, first, localOf(far_), "1");
  sendTo(near_, second, localOf(far_), "2");
  EXPECT_TRUE(first.isPending());
  failCalls(SystemCall::sendmmsg, EAGAIN, 2);
  poll();
  poll();
  EXPECT_EQ(first.completions(), 0u);
  poll();
  EXPECT_EQ(first.completions() + second.completions(), 2u);
  EXPECT_FALSE(first.error);
  EXPECT_EQ(next(far_), (Texts{"1", "2"}));
}

// IT3: nothing tells when the OS has memory for a datagram again.
TEST_P(DatagramFaultTest, SendsAgainSoonWhatTheOsHasNoMemoryFor) {
  failCalls(SystemCall::sendto, ENOBUFS);
  Send first;
  Send second;
  sendTo(near_, first, localOf(far_), "1");
  sendTo(near_, second, localOf(far_), "2");
  EXPECT_EQ(poll(9ms), 0u) << "it does not spin";
  EXPECT_TRUE(first.isPending());
  poll(1ms);
  settle();
  EXPECT_EQ(first.completions() + second.completions(), 2u);
  EXPECT_FALSE(first.error);
  EXPECT_EQ(next(far_), (Texts{"1", "2"}));

  failCalls(SystemCall::sendto, ENOBUFS);
  sendTo(near_, first, localOf(far_), "3");
  near_.close();
  settle();
  EXPECT_EQ(first.error, TransportError::closed);
  EXPECT_EQ(poll(10ms), 0u) << "no timer is left";
}

TEST_P(DatagramFaultTest, ReportsErrorsAsTheyAreAndGoesOn) {
  for (const int error : {EHOSTUNREACH, EPERM, ENOMEM, ECONNREFUSED}) {
    failCalls(SystemCall::sendto, error);
    Send send;
    sendTo(near_, send, localOf(far_), "x");
    settle();
    EXPECT_EQ(send.error.value(), error);
    EXPECT_EQ(send.sent, 0u);
    deliver(near_, localOf(far_), "y");
    Receive receive;
    this->receive(far_, receive);
    failCalls(SystemCall::recvmmsg, error);
    settle();
    EXPECT_EQ(receive.error.value(), error);
    EXPECT_EQ(next(far_), Texts{"y"});
  }
}

// T103: whether an error is a report or of the send itself shows when the send is made again.
TEST_P(DatagramFaultTest, TellsReportsFromErrorsOfTheSend) {
  DatagramTransport client = connectTo(localOf(far_));
  Send send;
  failCalls(SystemCall::sendto, EHOSTUNREACH);
  this->send(client, send, "1");
  settle();
  EXPECT_FALSE(send.error);
  Receive receive;
  this->receive(client, receive);
  settle();
  EXPECT_EQ(receive.error, std::errc::host_unreachable);
  failCalls(SystemCall::sendto, EHOSTUNREACH, 4);
  this->send(client, send, "2");
  settle();
  EXPECT_EQ(send.error, std::errc::host_unreachable);
  failCalls(SystemCall::sendto, EHOSTUNREACH, 0);
  this->receive(client, receive);
  settle();
  EXPECT_TRUE(receive.isPending()) << "said once, to the send";
  EXPECT_EQ(next(far_), Texts{"1"});
}

TEST_P(DatagramFaultTest, ReportsThatADescriptorCannotBeWatched) {
  time_.failWatch(std::errc::no_space_on_device, 2);
  Receive receive;
  this->receive(near_, receive);
  failCalls(SystemCall::sendto, EAGAIN);
  Send send;
  sendTo(near_, send, localOf(far_), "x");
  settle();
  EXPECT_EQ(receive.error, std::errc::no_space_on_device);
  EXPECT_EQ(send.error, std::errc::no_space_on_device);
}

// The reactor wakes both directions then, once and for the last time.
TEST_P(DatagramFaultTest, GoesOnWhenTheChangeOfAWatchFails) {
  Receive receive;
  this->receive(near_, receive);
  failCalls(SystemCall::sendto, EAGAIN, 2);
  Send send;
  sendTo(near_, send, localOf(far_), "1");
  time_.failWatch(std::errc::not_enough_memory);
  settleUntilDone(send);
  EXPECT_FALSE(send.error);
  EXPECT_EQ(next(far_), Texts{"1"});
  deliver(far_, localOf(near_), "2");
  settleUntilDone(receive);
  EXPECT_EQ(texts(receive), Texts{"2"});
}

TEST_P(DatagramFaultTest, OfNothingIsSentBehindWhatIsRefused) {
  Send first;
  Send toNobody;
  Send ofNothing;
  failCalls(SystemCall::sendto, EAGAIN);
  sendTo(near_, first, localOf(far_), "1");
  send(near_, toNobody, "2");
  ok(near_.send(ofNothing, std::span<const Datagram>(), Send::done, &ofNothing));
  settleUntilDone(ofNothing);
  EXPECT_EQ(toNobody.error, TransportError::notConnected);
  EXPECT_FALSE(ofNothing.error);
}

// On the real backend, which allocates nothing in a poll.
TEST(DatagramMemoryTest, IsReportedWhenItRunsOutAndGoesOn) {
  Reactor reactor;
  TransportContext context(reactor);
  DatagramTransport transport;
  ASSERT_FALSE(DatagramTransport::bind(context, loopback(), {}, transport));
  Address address;
  ASSERT_FALSE(transport.localAddress(address));
  Send send;
  ASSERT_FALSE(transport.sendTo(send, address, "x", Send::done, &send));
  Receive receive;
  ASSERT_FALSE(transport.receive(receive, Receive::done, &receive));
  {
    const OutOfMemory outOfMemory;
    const Fd before = unusedFd();
    while (receive.isPending()) reactor.poll(0ms);
    DatagramTransport refused;
    EXPECT_EQ(DatagramTransport::bind(context, loopback(), {}, refused),
              std::errc::not_enough_memory);
    EXPECT_EQ(unusedFd(), before) << "nothing stays open";
  }
  EXPECT_EQ(receive.error, std::errc::not_enough_memory);
  ASSERT_FALSE(transport.receive(receive, Receive::done, &receive));
  while (receive.isPending()) reactor.poll(0ms);
  EXPECT_EQ(texts(receive), std::vector<std::string>{"x"});
}

// Each call that opening makes fails once: an error, no descriptor, no file.
TEST(DatagramOpenTest, LeavesNothingWhenACallFails) {
  Reactor reactor;
  TransportContext context(reactor);
  const DatagramOptions options{
      .local = loopback(), .reuseAddress = true, .reusePort = true, .broadcast = true};
  const Address remote = loopback().withPort(9);
  const auto before = openFds();
  for (const SystemCall call :
       {SystemCall::socket, SystemCall::bind, SystemCall::connect, SystemCall::setsockopt}) {
    const std::size_t places = call == SystemCall::setsockopt ? 3 : 1;
    for (std::size_t place = 0; place < places; ++place) {
      failCalls(call, EIO, 1, place);
      DatagramTransport refused;
      EXPECT_EQ(DatagramTransport::connect(context, remote, options, refused), std::errc::io_error);
      EXPECT_TRUE(hasFailed(call));
      EXPECT_TRUE(openedSince(before).empty());
    }
  }
  DatagramTransport made;
  EXPECT_FALSE(DatagramTransport::connect(context, remote, options, made));
}

TEST(DatagramOpenTest, AFailedAdoptionLeavesTheSocketToItsOwner) {
  Reactor reactor;
  TransportContext context(reactor);
  Pair ends = datagramPair();
  for (const SystemCall call : {SystemCall::getsockopt, SystemCall::fcntl}) {
    for (std::size_t place = 0; place < 2; ++place) {
      failCalls(call, EIO, 1, place);
      DatagramTransport refused;
      EXPECT_EQ(DatagramTransport::adopt(context, ends.near.get(), {}, refused),
                std::errc::io_error);
      EXPECT_TRUE(hasFailed(call));
    }
  }
  EXPECT_TRUE(isOpen(ends.near.get()));
}

}  // namespace
}  // namespace kairos
