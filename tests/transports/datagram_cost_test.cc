// SPDX-License-Identifier: MIT OR Apache-2.0
// What datagrams cost in system calls and allocations. On real time: epoll is counted.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/datagram_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// Sends back what comes.
class Echo {
 public:
  explicit Echo(TransportContext& context) {
    EXPECT_FALSE(DatagramTransport::bind(context, loopback(), {}, transport_));
    listen();
  }

  Address address() const {
    Address result;
    EXPECT_FALSE(transport_.localAddress(result));
    return result;
  }
  std::size_t batches() const { return batches_; }
  std::size_t answers() const { return answers_; }
  Fd fd() const { return transport_.fd(); }

  // Begins a ball game, if there is another echo.
  void serve(const Address& peer) {
    EXPECT_FALSE(transport_.sendTo(
        serve_, peer, "ball", [](void*) {}, this));
  }

 private:
  static void onReceived(void* udata) {
    auto& self = *static_cast<Echo*>(udata);
    ASSERT_FALSE(self.receive_.error);
    ++self.batches_;
    EXPECT_FALSE(self.transport_.send(self.send_, self.receive_.datagrams, onSent, udata));
  }
  static void onSent(void* udata) {
    auto& self = *static_cast<Echo*>(udata);
    self.answers_ += self.send_.sent;
    self.listen();
  }
  void listen() { EXPECT_FALSE(transport_.receive(receive_, onReceived, this)); }

  DatagramTransport transport_;
  ReceiveOperation receive_;
  SendOperation send_;
  SendOperation serve_;
  std::size_t batches_ = 0;
  std::size_t answers_ = 0;
};

class DatagramCostTest : public testing::Test {
 protected:
  // Sends so many to the echo by a foreign socket.
  void ask(std::size_t count) {
    const Address to = echo_.address();
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(::sendto(client_.get(), "ping", 4, 0, to.sockaddrData(), to.sockaddrSize()), 4);
    }
  }

  Reactor reactor_;
  TransportContext context_{reactor_};
  Echo echo_{context_};
  UniqueFd client_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
};

// A wait, a receive and a send for each, when they come one by one.
TEST_F(DatagramCostTest, AnEchoCostsThreeCallsAndNoAllocation) {
  ask(1);
  while (echo_.answers() < 1) reactor_.poll(Reactor::forever);
  const SystemCallCount calls;
  const AllocationCount allocations;
  for (std::size_t i = 0; i < 100; ++i) {
    ask(1);
    while (echo_.answers() < i + 2) reactor_.poll(Reactor::forever);
  }
  EXPECT_EQ(calls.waits(), 100u);
  EXPECT_EQ(calls[SystemCall::recvmmsg], 100u);
  EXPECT_EQ(calls[SystemCall::sendto], 200u) << "one is the client's";
  EXPECT_EQ(calls[SystemCall::sendmmsg], 0u);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
  EXPECT_EQ(allocations.allocations(), 0u);
}

// S0-39 to S0-41: six for a round trip with both ends in one loop.
TEST_F(DatagramCostTest, ARoundTripCostsSixSystemCalls) {
  Echo other(context_);
  other.serve(echo_.address());
  while (other.answers() < 10) reactor_.poll(Reactor::forever);
  const std::size_t before = other.answers();
  const SystemCallCount calls;
  const AllocationCount allocations;
  while (other.answers() < before + 1000) reactor_.poll(Reactor::forever);
  EXPECT_EQ(calls.waits(), 2000u);
  EXPECT_EQ(calls[SystemCall::recvmmsg], 2000u);
  EXPECT_EQ(calls[SystemCall::sendto], 2000u);
  EXPECT_EQ(calls[SystemCall::sendmmsg], 0u);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
  EXPECT_EQ(allocations.allocations(), 0u);
}

// And the same three for 16, when they come together.
TEST_F(DatagramCostTest, ABatchOfEchoesCostsThreeCallsToo) {
  ask(16);
  while (echo_.answers() < 16) reactor_.poll(Reactor::forever);
  const AllocationCount allocations;
  ask(16);
  const SystemCallCount calls;
  while (echo_.answers() < 32) reactor_.poll(Reactor::forever);
  EXPECT_EQ(echo_.batches(), 2u);
  EXPECT_EQ(calls.waits(), 1u);
  EXPECT_EQ(calls[SystemCall::recvmmsg], 1u);
  EXPECT_EQ(calls[SystemCall::sendmmsg], 1u);
  EXPECT_EQ(calls[SystemCall::sendto], 0u);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
  EXPECT_EQ(allocations.allocations(), 0u);
  EXPECT_EQ(receiveTexts(client_.get()).size(), 32u);
}

// T119
TEST_F(DatagramCostTest, AFirstSendCostsOneCall) {
  DatagramTransport idle;
  ASSERT_FALSE(DatagramTransport::bind(context_, loopback(), {}, idle));
  Send send;
  const Address to = echo_.address();
  const SystemCallCount calls;
  const AllocationCount allocations;
  ASSERT_FALSE(idle.sendTo(send, to, "x", Send::done, &send));
  reactor_.poll(0ms);
  EXPECT_EQ(send.completions(), 1u);
  EXPECT_EQ(calls[SystemCall::sendto], 1u + echo_.answers());
  EXPECT_EQ(calls[SystemCall::sendmmsg], 0u);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
}

// T99, and a send of none.
TEST_F(DatagramCostTest, ASendToNobodyCostsNoCall) {
  DatagramTransport idle;
  ASSERT_FALSE(DatagramTransport::bind(context_, loopback(), {}, idle));
  Send send;
  const SystemCallCount calls;
  ASSERT_FALSE(idle.send(send, "x", Send::done, &send));
  reactor_.poll(0ms);
  EXPECT_EQ(send.error, TransportError::notConnected);
  ASSERT_FALSE(idle.send(send, std::span<const Datagram>(), Send::done, &send));
  reactor_.poll(0ms);
  EXPECT_FALSE(send.error);
  EXPECT_EQ(calls[SystemCall::sendto] + calls[SystemCall::sendmmsg], 0u);
}

// Those that wait go out together when there is room.
TEST_F(DatagramCostTest, QueuedSendsAreGathered) {
  Pair ends = datagramPair();
  while (::send(ends.near.get(), "fill", 4, 0) == 4) {
  }
  DatagramTransport transport;
  ASSERT_FALSE(DatagramTransport::adopt(context_, ends.near.release(), {}, transport));
  std::vector<Send> sends(200);
  for (Send& send : sends) ASSERT_FALSE(transport.send(send, "x", Send::done, &send));
  receiveTexts(ends.far.get());
  const SystemCallCount calls;
  while (sends.back().isPending()) {
    reactor_.poll(Reactor::forever);
    receiveTexts(ends.far.get());
  }
  EXPECT_LE(calls[SystemCall::sendmmsg] + calls[SystemCall::sendto], 200u / 10);
}

// No memory to receive into until something comes, and none after a receive was started anew.
TEST_F(DatagramCostTest, AnIdleTransportHasNoBatch) {
  constexpr std::size_t transports = 100;
  std::vector<DatagramTransport> idle(transports);
  std::vector<ReceiveOperation> receives(transports);
  const auto ignore = [](void*) {};
  ask(1);
  while (echo_.answers() < 1) reactor_.poll(Reactor::forever);
  const AllocationCount allocations;
  for (std::size_t i = 0; i < transports; ++i) {
    ASSERT_FALSE(DatagramTransport::bind(context_, loopback(), {}, idle[i]));
    ASSERT_FALSE(idle[i].receive(receives[i], ignore, nullptr));
  }
  for (std::size_t i = 0; i < transports; ++i) {
    Address to;
    ASSERT_FALSE(idle[i].localAddress(to));
    ::sendto(client_.get(), "x", 1, 0, to.sockaddrData(), to.sockaddrSize());
    while (receives[i].isPending()) reactor_.poll(0ms);
    ASSERT_FALSE(idle[i].receive(receives[i], ignore, nullptr));
  }
  const auto bytes = static_cast<std::size_t>(allocations.bytes()) / transports;
  RecordProperty("bytesPerTransport", static_cast<int>(bytes));
  EXPECT_LE(bytes, 512u);
}

}  // namespace
}  // namespace kairos
