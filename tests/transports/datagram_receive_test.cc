// SPDX-License-Identifier: MIT OR Apache-2.0
// Receiving datagrams: what comes, in batches and one by one, and when it may be looked at.
#include <gtest/gtest.h>

#include <array>
#include <cassert>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kairos/tests/transports/datagram_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class DatagramReceiveTest : public DatagramTest {
 protected:
  void sendMany(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) deliver(far_, address_, std::to_string(i));
  }

  DatagramTransport near_ = bind(loopback());
  DatagramTransport far_ = bind(loopback());
  const Address address_ = localOf(near_);
};

INSTANTIATE_TEST_SUITE_P(Backends, DatagramReceiveTest, backends(), backendName);

TEST_P(DatagramReceiveTest, ShowsBytesAndSender) {
  Receive receive;
  this->receive(near_, receive);
  EXPECT_TRUE(receive.isPending());
  settle();
  EXPECT_EQ(receive.completions(), 0u);
  deliver(far_, address_, "hello");
  settleUntilDone(receive);
  EXPECT_EQ(receive.completions(), 1u);
  ASSERT_EQ(texts(receive), Texts{"hello"});
  EXPECT_EQ(receive.datagrams[0].peer, localOf(far_));
  EXPECT_FALSE(receive.datagrams[0].isTruncated);
}

// T111: what waits comes at once, and the order is that of the senders.
TEST_P(DatagramReceiveTest, TakesWhatWaitsInOneBatch) {
  sendMany(10);
  Texts expected;
  for (int i = 0; i < 10; ++i) expected.push_back(std::to_string(i));
  EXPECT_EQ(next(near_), expected);
}

// T111
TEST_P(DatagramReceiveTest, GivesOthersTheirTurnBetweenBatches) {
  near_ = bind(loopback(), {.bytesMax = 64});
  DatagramTransport other = bind(loopback());
  for (int i = 0; i < 130; ++i) deliver(far_, localOf(near_), "x");
  std::vector<std::size_t> batches;
  Receive greedy;
  greedy.setThen([&] {
    batches.push_back(greedy.datagrams.size());
    receive(near_, greedy);
  });
  receive(near_, greedy);
  Receive modest;
  receive(other, modest);
  poll();
  EXPECT_EQ(batches, (std::vector<std::size_t>{64}));
  deliver(far_, localOf(other), "y");
  EXPECT_EQ(modest.completions(), 1u) << "served beside the second batch";
  settle();
  EXPECT_EQ(batches, (std::vector<std::size_t>{64, 64, 2}));
}

// T111: what waits is taken batch by batch, in order; what had no room is counted.
TEST_P(DatagramReceiveTest, TakesAllThatWaitsAndCountsWhatWasDropped) {
  near_ = bind(loopback(), {.bytesMax = 64});
  const Address to = localOf(near_);
  constexpr std::size_t sent = 10'000;
  for (std::size_t i = 0; i < sent; ++i) deliver(far_, to, std::to_string(i));
  std::uint32_t dropped = 0;
  ok(near_.dropped(dropped));
  ASSERT_LT(dropped, sent);
  std::size_t came = 0;
  std::size_t batches = 0;
  while (came + dropped < sent && !HasFailure()) {
    const Texts batch = next(near_);
    for (const std::string& text : batch) ASSERT_EQ(text, std::to_string(came++));
    ++batches;
  }
  EXPECT_EQ(came + dropped, sent);
  EXPECT_LE(batches, came / 64 + 1);
}

// T100
TEST_P(DatagramReceiveTest, TakesEmptyOnesForDatagrams) {
  const auto deliverMany = [this](DatagramTransport& from, DatagramTransport& to) {
    for (int i = 0; i < 100; ++i) deliver(from, localOf(to), "");
    std::size_t came = 0;
    while (came < 100 && !HasFailure()) {
      for (const std::string& text : next(to)) {
        EXPECT_EQ(text, "");
        ++came;
      }
    }
    EXPECT_EQ(came, 100u);
  };
  deliverMany(far_, near_);
  deliverMany(near_, far_);
  EXPECT_TRUE(near_.isOpen());
}

// T102
TEST_P(DatagramReceiveTest, SaysThatOneWasTruncated) {
  near_ = bind(loopback(), {.bytesMax = 4});
  const Address to = localOf(near_);
  for (const char* text : {"1234", "12345", "", "1"}) deliver(far_, to, text);
  Receive receive;
  this->receive(near_, receive);
  settleUntilDone(receive);
  EXPECT_EQ(texts(receive), (Texts{"1234", "1234", "", "1"}));
  std::vector<bool> truncated;
  for (const Datagram& datagram : receive.datagrams) truncated.push_back(datagram.isTruncated);
  EXPECT_EQ(truncated, (std::vector<bool>{false, true, false, false}));
}

// The largest that UDP can send fits without an option.
TEST_P(DatagramReceiveTest, TakesTheLargestAsItIs) {
  const std::string large = pattern(65507);
  deliver(far_, address_, large);
  deliver(far_, address_, "small");
  deliver(far_, address_, large);
  EXPECT_EQ(next(near_), (Texts{large, "small", large}));
}

// T108
TEST_P(DatagramReceiveTest, KeepsTheBatchUntilTheNextReceiveIsStarted) {
  deliver(far_, address_, "first");
  Receive receive;
  this->receive(near_, receive);
  settleUntilDone(receive);
  const std::string_view first = receive.datagrams[0].data;
  deliver(far_, address_, "other");
  deliver(near_, localOf(far_), "far");
  EXPECT_EQ(next(far_), Texts{"far"});
  EXPECT_EQ(first, "first") << "though others came, here and elsewhere";
  bool isDebug = false;
  assert((isDebug = true));
  if (!isDebug) return;
  this->receive(near_, receive);
  EXPECT_NE(first, "first") << "overwritten, so that mistakes show";
}

// T113
TEST_P(DatagramReceiveTest, LeavesInTheSocketWhatNobodyAskedFor) {
  deliver(far_, address_, "1");
  EXPECT_EQ(next(near_), Texts{"1"});
  deliver(far_, address_, "2");
  settle();
  EXPECT_EQ(poll(10ms), 0u) << "the reader found nobody, and went";
  char byte = 0;
  EXPECT_EQ(::recv(near_.fd(), &byte, 1, MSG_PEEK), 1);
  EXPECT_EQ(next(near_), Texts{"2"});
}

TEST_P(DatagramReceiveTest, ShowsOneByOne) {
  sendMany(3);
  Texts all;
  Receive receive;
  receive.setThen([&] {
    ASSERT_EQ(receive.datagrams.size(), 1u);
    all.emplace_back(receive.datagrams[0].data);
    if (all.size() < 3) receiveOne(near_, receive);
  });
  receiveOne(near_, receive);
  poll();
  EXPECT_EQ(all, (Texts{"0", "1", "2"})) << "in one poll";
}

TEST_P(DatagramReceiveTest, ShowsTheRestOfABatchToTheNext) {
  sendMany(3);
  Receive receive;
  receiveOne(near_, receive);
  settleUntilDone(receive);
  deliver(far_, address_, "3");
  EXPECT_EQ(next(near_), (Texts{"1", "2"}));
  EXPECT_EQ(next(near_), (Texts{"3"}));
}

// T112
TEST_P(DatagramReceiveTest, DeliversNothingAfterClose) {
  sendMany(3);
  Receive receive;
  receive.setThen([&] {
    if (receive.completions() > 1) return;
    near_.close();
    EXPECT_EQ(texts(receive), Texts{"0"}) << "still there to be looked at";
    receiveOne(near_, receive);
  });
  receiveOne(near_, receive);
  settle();
  EXPECT_EQ(receive.completions(), 2u);
  EXPECT_EQ(receive.error, TransportError::closed);
  EXPECT_TRUE(receive.datagrams.empty());
}

TEST_P(DatagramReceiveTest, EndsByCloseCancelAndDestruction) {
  Receive receive;
  this->receive(near_, receive);
  Receive second;
  EXPECT_EQ(near_.receive(second, Receive::done, &second), TransportError::busy);
  EXPECT_FALSE(near_.cancel(second));
  EXPECT_FALSE(far_.cancel(receive));
  EXPECT_TRUE(near_.cancel(receive));
  EXPECT_FALSE(near_.cancel(receive));
  settle();
  EXPECT_EQ(receive.error, std::errc::operation_canceled);
  this->receive(near_, receive);
  near_.close();
  near_.close();
  settle();
  EXPECT_EQ(receive.error, TransportError::closed);
  this->receive(far_, receive);
  far_ = DatagramTransport();
  settle();
  EXPECT_EQ(receive.error, TransportError::closed);
  EXPECT_EQ(receive.completions(), 3u);
}

// A result that waits to be delivered shows nothing of a transport that is gone.
TEST_P(DatagramReceiveTest, BecomesClosedWithItsTransport) {
  sendMany(2);
  Receive receive;
  Receive destroyer([&] {
    receiveOne(near_, receive);  // done at once, from the batch
    near_ = DatagramTransport();
  });
  receiveOne(near_, destroyer);
  settleUntilDone(destroyer);
  settle();
  EXPECT_EQ(receive.completions(), 1u);
  EXPECT_EQ(receive.error, TransportError::closed);
  EXPECT_TRUE(receive.datagrams.empty());
}

TEST_P(DatagramReceiveTest, ForgetsADestroyedReceive) {
  {
    Receive receive;
    this->receive(near_, receive);
  }
  deliver(far_, address_, "1");
  settle();
  EXPECT_EQ(next(near_), Texts{"1"});
}

// T117: an object that holds its transport and operations can be deleted in its callback.
TEST_P(DatagramReceiveTest, CanBeDeletedWithItsOperations) {
  struct Session {
    DatagramTransport transport;
    Receive receive;
    Send send;
  };
  auto session = std::make_unique<Session>();
  session->transport = std::move(near_);
  session->receive.setThen([&] {
    sendTo(session->transport, session->send, localOf(far_), "bye");
    session.reset();
  });
  receive(session->transport, session->receive);
  deliver(far_, address_, "1");
  settle();
  EXPECT_EQ(session, nullptr);
  EXPECT_EQ(next(far_), Texts{"bye"});
}

TEST_P(DatagramReceiveTest, EndsWithTheContext) {
  auto context = std::make_unique<TransportContext>(reactor_);
  DatagramTransport transport;
  ok(DatagramTransport::bind(*context, loopback(), {}, transport));
  Receive seen;
  receive(transport, seen);
  deliver(far_, localOf(transport), "1");
  settleUntilDone(seen);
  Receive waiting;
  receive(transport, waiting);
  deliver(far_, localOf(transport), "2");
  settleUntilDone(waiting);
  Receive last;
  receiveOne(transport, last);
  context.reset();
  EXPECT_EQ(last.error, TransportError::closed);
  EXPECT_EQ(last.completions(), 1u);
  EXPECT_EQ(transport.receive(last, Receive::done, &last), TransportError::closed);
  EXPECT_FALSE(transport.isOpen());
}

TEST_P(DatagramReceiveTest, RefusesWhatMakesNoSense) {
  Receive receive;
  EXPECT_EQ(near_.receive(receive, nullptr, nullptr), std::errc::invalid_argument);
  DatagramTransport empty;
  EXPECT_EQ(empty.receive(receive, Receive::done, &receive), TransportError::notConnected);
  EXPECT_FALSE(empty.cancel(receive));
  EXPECT_FALSE(receive.isPending());
}

}  // namespace
}  // namespace kairos
