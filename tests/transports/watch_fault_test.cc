// SPDX-License-Identifier: MIT OR Apache-2.0
// The OS refuses to watch another direction of a descriptor, or one less, in the very poll in which
// something comes: what waits is served, and so is what is started later.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <vector>

#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/datagram_fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t always = std::numeric_limits<std::size_t>::max();

class WatchFaultTest : public DatagramTest {
 protected:
  void connectSmall() {
    connect(pair());
    fill(stream_.fd());
  }

  // A write waits, and is alone in that.
  void queue(Write& write, std::string_view bytes) {
    failCalls(SystemCall::send, EAGAIN);
    this->write(write, bytes);
    EXPECT_TRUE(write.isPending());
  }
  void queue(DatagramTransport& from, Send& send, const DatagramTransport& to) {
    failCalls(SystemCall::sendto, EAGAIN);
    sendTo(from, send, localOf(to), "s");
    EXPECT_TRUE(send.isPending());
  }

  void refuseChanges(std::size_t times = 1) {
    time_.failChange(std::errc::not_enough_memory, times);
  }

  void expectToRead(Read& read, std::string_view bytes) {
    if (!read.isPending()) readOnce(read);
    sendAll(far_.get(), bytes);
    settle();
    EXPECT_FALSE(read.isPending());
    EXPECT_EQ(read.error, std::error_code());
    EXPECT_EQ(read.data, bytes);
  }

  // What the other end takes, until the write is done.
  std::string takeAll(const Write& write) {
    std::string taken;
    const auto since = time_.elapsed();
    while (write.isPending() && time_.elapsed() - since < 10s) {
      taken += receiveAll(far_.get());
      poll(1s);
    }
    EXPECT_FALSE(write.isPending());
    EXPECT_EQ(write.error, std::error_code());
    return taken + receiveAll(far_.get());
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, WatchFaultTest, backends(), backendName);

TEST_P(WatchFaultTest, AStreamReadsOnWhenTheAdditionIsRefused) {
  connect(pair());
  Read read;
  readOnce(read);
  poll();
  Write write;
  queue(write, "x");
  refuseChanges();
  expectToRead(read, "1");
  EXPECT_FALSE(write.isPending());
  expectToRead(read, "2");
  EXPECT_EQ(receiveAll(far_.get()), "x");
}

TEST_P(WatchFaultTest, AStreamReadsOnWhenTheRemovalIsRefused) {
  connect(pair());
  Read read;
  readOnce(read);
  Write write;
  queue(write, "x");
  poll();
  EXPECT_FALSE(write.isPending());
  refuseChanges();
  expectToRead(read, "1");
  expectToRead(read, "2");
}

// A part of what a read wants comes with the refusal, the rest after it.
TEST_P(WatchFaultTest, AStreamGoesOnReadingTheRest) {
  connect(pair());
  std::array<char, 2> into;
  Read read;
  readExactly(read, into);
  poll();
  Write write;
  queue(write, "x");
  refuseChanges();
  sendAll(far_.get(), "1");
  settle();
  EXPECT_TRUE(read.isPending());
  sendAll(far_.get(), "2");
  settle();
  EXPECT_EQ(read.data, "12");
}

// The other end makes room for a part with the refusal.
TEST_P(WatchFaultTest, AStreamGoesOnWritingTheRest) {
  connectSmall();
  const std::string sent = pattern(std::size_t{1} << 20);
  Write write;
  this->write(write, sent);
  poll();
  Read read;
  readOnce(read);
  refuseChanges();
  std::string taken = receiveAll(far_.get());
  sendAll(far_.get(), "1");
  poll();
  EXPECT_EQ(read.data, "1");
  taken += takeAll(write);
  EXPECT_TRUE(taken.ends_with(sent));
  expectToRead(read, "2");
}

TEST_P(WatchFaultTest, AStreamWritesOnWhenTheRemovalOfTheReaderIsRefused) {
  connectSmall();
  const std::string sent = pattern(std::size_t{1} << 20);
  Read read;
  readOnce(read);
  poll();
  Write write;
  this->write(write, sent);
  poll();
  sendAll(far_.get(), "1");
  poll();
  EXPECT_EQ(read.data, "1");
  sendAll(far_.get(), "2");
  poll();  // nobody reads: the reader goes
  refuseChanges();
  drain(far_.get());
  EXPECT_EQ(poll(), 1u);
  EXPECT_TRUE(takeAll(write) == sent);
}

// As long as the OS allows one direction only: it neither spins nor sleeps.
TEST_P(WatchFaultTest, AStreamDoesBothWhileOnlyOneDirectionIsAllowed) {
  connectSmall();
  refuseChanges(always);
  const std::string sent = pattern(std::size_t{1} << 20);
  Write write;
  Read read;
  readOnce(read);
  this->write(write, sent);
  std::size_t polls = 0;
  while (time_.elapsed() < 1s) {
    poll(100ms);
    ++polls;
  }
  EXPECT_TRUE(read.isPending() && write.isPending());
  EXPECT_LE(polls, 210u) << "every 10 ms";
  expectToRead(read, "1");
  drain(far_.get());
  EXPECT_TRUE(takeAll(write) == sent);
  refuseChanges(0);
  expectToRead(read, "2");
}

// In the callback of another stream, to which the same happens, and which is told first.
TEST_P(WatchFaultTest, AStreamIsUsedBeforeItIsTold) {
  connect(pair());
  Pair ends = pair();
  if (ends.near.get() < stream_.fd()) std::swap(ends.near, ends.far);
  StreamTransport second = adopt(std::move(ends.near));
  Read reads[2];
  Write writes[3];
  readOnce(reads[0]);
  ok(second.readOnce(reads[1], Read::done, &reads[1]));
  poll();
  queue(writes[0], "x");
  failCalls(SystemCall::send, EAGAIN);
  ok(second.write(writes[1], "y", Write::done, &writes[1]));
  refuseChanges(2);
  reads[0].setThen([&] {
    EXPECT_TRUE(second.cancel(writes[1]));
    failCalls(SystemCall::send, EAGAIN);
    ok(second.write(writes[2], "!", Write::done, &writes[2]));
  });
  expectToRead(reads[0], "1");
  poll(10ms);
  settle();
  EXPECT_EQ(writes[2].completions(), 1u);
  EXPECT_EQ(writes[2].error, std::error_code());
  EXPECT_EQ(receiveAll(ends.far.get()), "!");
  sendAll(ends.far.get(), "2");
  settle();
  EXPECT_EQ(reads[1].data, "2");
}

// The refusal is known, and the poll fails before anybody is told.
TEST_P(WatchFaultTest, AStreamIsUsedAfterAPollThatFailed) {
  connect(pair());
  Read read;
  readOnce(read);
  poll();
  Write write;
  queue(write, "x");
  refuseChanges();
  time_.failWait(std::errc::io_error);
  EXPECT_EQ(reactor_.poll(0ms).error, std::errc::io_error);
  EXPECT_TRUE(stream_.cancel(write));
  Write second;
  queue(second, "y");
  expectToRead(read, "1");
  poll(10ms);
  settle();
  EXPECT_EQ(second.error, std::error_code());
  EXPECT_EQ(receiveAll(far_.get()), "y");
  expectToRead(read, "2");
}

// The OS refuses the one direction too: then it is an error.
TEST_P(WatchFaultTest, AStreamTellsThatNothingCanBeWatched) {
  connect(pair());
  fill(stream_.fd());
  Read read;
  readOnce(read);
  poll();
  Write write;
  this->write(write, "x");
  time_.failWatch(std::errc::no_space_on_device, 3);
  settle();
  EXPECT_EQ(read.error, std::errc::no_space_on_device);
  EXPECT_EQ(write.error, std::errc::no_space_on_device);
  expectToRead(read, "1");
}

TEST_P(WatchFaultTest, DatagramsAreReceivedWhenTheAdditionIsRefused) {
  DatagramTransport near = bind(loopback());
  DatagramTransport far = bind(loopback());
  Receive receive;
  this->receive(near, receive);
  poll();
  Send send;
  queue(near, send, far);
  refuseChanges();
  deliver(far, localOf(near), "1");
  settleUntilDone(receive);
  EXPECT_EQ(texts(receive), Texts{"1"});
  this->receive(near, receive);
  deliver(far, localOf(near), "2");
  settle();
  EXPECT_EQ(texts(receive), Texts{"2"});
  EXPECT_EQ(next(far), Texts{"s"});
}

TEST_P(WatchFaultTest, DatagramsAreReceivedWhenTheRemovalIsRefused) {
  DatagramTransport near = bind(loopback());
  DatagramTransport far = bind(loopback());
  Receive receive;
  this->receive(near, receive);
  Send send;
  queue(near, send, far);
  settleUntilDone(send);
  refuseChanges();
  deliver(far, localOf(near), "1");
  settleUntilDone(receive);
  this->receive(near, receive);
  deliver(far, localOf(near), "2");
  settle();
  EXPECT_EQ(texts(receive), Texts{"2"});
}

TEST_P(WatchFaultTest, DatagramsAreSentOnWhenAChangeIsRefused) {
  Pair ends = datagramPair();
  DatagramTransport near = adoptDatagrams(std::move(ends.near));
  constexpr std::size_t count = 2000;
  const std::string bytes = pattern(1000);
  const std::vector<Datagram> datagrams(count, Datagram{.data = bytes, .peer = {}});
  Send send;
  ok(near.send(send, datagrams, Send::done, &send));
  poll();
  Receive receive;
  this->receive(near, receive);
  refuseChanges();
  std::size_t received = receiveTexts(ends.far.get()).size();
  const auto since = time_.elapsed();
  while (send.isPending() && time_.elapsed() - since < 10s) {
    poll(1s);
    received += receiveTexts(ends.far.get()).size();
  }
  EXPECT_EQ(received, count);
  EXPECT_EQ(send.error, std::error_code());
  sendAll(ends.far.get(), "1");
  settle();
  EXPECT_EQ(texts(receive), Texts{"1"});
}

}  // namespace
}  // namespace kairos
