// SPDX-License-Identifier: MIT OR Apache-2.0
// Queues that are bounded, notices that they have drained, ends that wait for them; states.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using Drain = Watched<DrainOperation>;

class StreamFlowTest : public StreamTest {
 protected:
  void waitUntilDrained(Drain& drain) { ok(stream_.waitUntilDrained(drain, Drain::done, &drain)); }
  void closeAfterFlush(Write& write) { ok(stream_.closeAfterFlush(write, Write::done, &write)); }

  // A stream that takes nothing more now.
  void connectFull() {
    connect(pair());
    fill(stream_.fd());
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamFlowTest, backends(), backendName);

// T47
TEST_P(StreamFlowTest, TellsOnceThatTheQueueHasDrained) {
  connectFull();
  ok(stream_.setWriteMarks({.high = 100, .low = 10, .cap = 1000}));
  std::vector<Write> writes(10);
  const std::string tenBytes(10, 'x');
  for (std::size_t i = 0; i < writes.size(); ++i) {
    EXPECT_FALSE(stream_.isCongested()) << i;
    write(writes[i], tenBytes);
  }
  EXPECT_EQ(stream_.queuedBytes(), 100u);
  EXPECT_TRUE(stream_.isCongested());
  Drain first;
  std::size_t left = 1000;
  Drain second([&] { left = stream_.queuedBytes(); });
  waitUntilDrained(first);
  waitUntilDrained(second);
  for (std::size_t i = 0; i + 2 < writes.size(); ++i) EXPECT_TRUE(stream_.cancel(writes[i]));
  settle();
  EXPECT_EQ(first.completions(), 0u) << "20 bytes are more than the low mark";
  EXPECT_TRUE(stream_.cancel(writes[8]));
  EXPECT_EQ(first.completions(), 0u) << "never inside the call";
  settle();
  EXPECT_EQ(first.completions(), 1u);
  EXPECT_FALSE(first.error);
  EXPECT_EQ(left, 10u);
  receiveUntilDone(writes[9]);
  settle();
  EXPECT_EQ(first.completions() + second.completions(), 2u);
}

// T47: by what the peer receives.
TEST_P(StreamFlowTest, DrainsAsThePeerReceives) {
  connect(pair());
  const auto invalid = std::errc::invalid_argument;
  EXPECT_EQ(stream_.setWriteMarks({.high = 1, .low = 2, .cap = 3}), invalid);
  EXPECT_EQ(stream_.setWriteMarks({.high = 2, .low = 1, .cap = 1}), invalid);
  EXPECT_EQ(stream_.setWriteMarks({.high = 0, .low = 0, .cap = 1}), invalid);
  EXPECT_EQ(StreamTransport().setWriteMarks({}), TransportError::notConnected);
  ok(stream_.setWriteMarks({.high = 500000, .low = 400000, .cap = 10000000}));
  const std::string large = pattern(3 << 20);
  Write write;
  this->write(write, large);
  EXPECT_TRUE(stream_.isCongested());
  std::size_t left = 0;
  Drain drain([&] { left = stream_.queuedBytes(); });
  waitUntilDrained(drain);
  EXPECT_TRUE(receiveUntilDone(write) == large);
  EXPECT_EQ(drain.completions(), 1u);
  EXPECT_LE(left, 400000u);
  EXPECT_GT(left, 0u) << "before all is sent";
  waitUntilDrained(drain);
  settle();
  EXPECT_EQ(drain.completions(), 2u) << "at once, if nothing is queued";
}

// T46, T47: the hard bound.
TEST_P(StreamFlowTest, RefusesWhatWouldBeBeyondTheCap) {
  connectFull();
  ok(stream_.setWriteMarks({.high = 10, .low = 0, .cap = 100}));
  Write large;
  Write refused;
  Write empty;
  const std::string hundred(100, 'x');
  const std::string more(101, 'x');
  write(large, more);  // the first may be of any size
  const auto full = TransportError::queueFull;
  EXPECT_EQ(stream_.write(refused, "y", Write::done, &refused), full);
  EXPECT_EQ(stream_.write(refused, "y", Write::done, &refused), std::errc::no_buffer_space);
  EXPECT_EQ(stream_.writeOwned(refused, "y", Write::done, &refused), full);
  const std::array<std::string_view, 2> parts = {"a", "b"};
  EXPECT_EQ(stream_.write(refused, parts, Write::done, &refused), full);
  EXPECT_FALSE(refused.isPending());
  write(empty, "");
  EXPECT_TRUE(stream_.cancel(large));
  Write fitting;
  write(fitting, hundred);
  EXPECT_EQ(stream_.write(refused, "y", Write::done, &refused), full);
  settle();
  EXPECT_EQ(refused.completions(), 0u);
  EXPECT_TRUE(receiveUntilDone(fitting).ends_with(hundred));
  EXPECT_EQ(empty.completions(), 1u);
}

// Without being told, at 64 MiB.
TEST_P(StreamFlowTest, BoundsTheQueueByDefault) {
  connectFull();
  const std::string mebibyte(1 << 20, 'x');
  std::vector<Write> writes(65);
  for (std::size_t i = 0; i < 64; ++i) write(writes[i], mebibyte);
  EXPECT_EQ(stream_.write(writes[64], "y", Write::done, &writes[64]), TransportError::queueFull);
  stream_.close();
  settle();
}

TEST_P(StreamFlowTest, EndsWaitsForRoomWithTheStream) {
  connectFull();
  ok(stream_.setWriteMarks({.high = 10, .low = 0, .cap = 100}));
  Write queued;
  Drain closed;
  Drain cancelled;
  auto dropped = std::make_unique<Drain>();
  write(queued, "x");
  waitUntilDrained(closed);
  waitUntilDrained(cancelled);
  waitUntilDrained(*dropped);
  EXPECT_EQ(stream_.waitUntilDrained(closed, Drain::done, &closed), TransportError::busy);
  EXPECT_EQ(stream_.waitUntilDrained(closed, nullptr, nullptr), std::errc::invalid_argument);
  dropped.reset();
  EXPECT_TRUE(stream_.cancel(cancelled));
  EXPECT_FALSE(stream_.cancel(cancelled));
  settle();
  EXPECT_EQ(cancelled.error, std::errc::operation_canceled);
  stream_.close();
  settle();
  EXPECT_EQ(closed.error, TransportError::closed);
  EXPECT_EQ(closed.completions(), 1u);
  waitUntilDrained(closed);
  settle();
  EXPECT_EQ(closed.error, TransportError::closed);
  EXPECT_EQ(stream_.setWriteMarks({}), TransportError::closed);
  EXPECT_FALSE(stream_.isCongested());

  connectFull();
  write(queued, "x");
  Drain failed;
  ok(stream_.setWriteMarks({.high = 10, .low = 0, .cap = 100}));
  waitUntilDrained(failed);
  far_.reset();
  settle();
  EXPECT_EQ(failed.error, std::errc::broken_pipe);
  waitUntilDrained(failed);
  settle();
  EXPECT_EQ(failed.error, std::errc::broken_pipe) << "it stays";
}

// T42
TEST_P(StreamFlowTest, ClosesWhenAllIsSent) {
  for (const auto make : {pair, tcpPair}) {
    connect(make());
    const std::string large = pattern(16 << 20);
    Write sent;
    Read read;
    readOnce(read);
    Write end([&] { EXPECT_EQ(sent.completions(), 1u); });
    write(sent, large);
    closeAfterFlush(end);
    EXPECT_TRUE(stream_.isOpen());
    Write late;
    write(late, "late");
    EXPECT_TRUE(receiveUntilDone(end) == large);
    EXPECT_FALSE(end.error);
    EXPECT_EQ(end.completions(), 1u);
    EXPECT_EQ(late.error, TransportError::shutDown);
    EXPECT_FALSE(stream_.isOpen());
    EXPECT_EQ(read.error, TransportError::closed);
    StreamTransport peer = adopt(std::move(far_));
    Read rest;
    ok(peer.readOnce(rest, Read::done, &rest));
    settleUntilDone(rest);
    EXPECT_TRUE(rest.atEnd) << rest.error.message();
    EXPECT_FALSE(rest.error);
  }
}

// T42: and without.
TEST_P(StreamFlowTest, ClosesAtOnceWithoutSendingTheRest) {
  connect(pair());
  const std::string large = pattern(16 << 20);
  Write sent;
  write(sent, large);
  stream_.close();
  settle();
  const std::string received = receiveAll(far_.get());
  EXPECT_LT(received.size(), large.size());
  EXPECT_TRUE(received == large.substr(0, received.size()));
  EXPECT_EQ(sent.error, TransportError::closed);
}

TEST_P(StreamFlowTest, ClosesAfterAFlushAlsoWhenNothingOrNobodyIsThere) {
  connect(pair());
  Write end;
  closeAfterFlush(end);
  settle();
  EXPECT_FALSE(end.error);
  EXPECT_FALSE(stream_.isOpen());
  closeAfterFlush(end);
  settle();
  EXPECT_EQ(end.error, TransportError::closed);

  Pair ends = pipePair();
  stream_ = adopt(std::move(ends.far));
  closeAfterFlush(end);
  settle();
  EXPECT_FALSE(stream_.isOpen());

  connectFull();
  Write lost;
  write(lost, "x");
  closeAfterFlush(end);
  far_.reset();
  settle();
  EXPECT_EQ(lost.error, std::errc::broken_pipe);
  EXPECT_EQ(end.error, std::errc::broken_pipe);
  EXPECT_FALSE(stream_.isOpen());

  connectFull();
  auto forgotten = std::make_unique<Write>();
  write(lost, "x");
  closeAfterFlush(*forgotten);
  forgotten.reset();
  EXPECT_TRUE(stream_.cancel(lost));
  EXPECT_FALSE(stream_.isOpen()) << "it closes nevertheless";
  settle();
}

TEST_P(StreamFlowTest, HasDoneASecondShutdownWhenTheFirstIsDone) {
  connect(tcpPair());
  Write first;
  Write second;
  Write end;
  shutdown(first);
  settleUntilDone(first);
  Read read;
  far_.reset();
  readOnce(read);
  settleUntilDone(read);
  EXPECT_TRUE(read.atEnd);
  shutdown(second);
  closeAfterFlush(end);
  EXPECT_EQ(second.completions() + end.completions(), 0u) << "never inside the call";
  settle();
  EXPECT_FALSE(second.error);
  EXPECT_FALSE(end.error) << "the connection is over, as it should be";
  EXPECT_EQ(second.completions() + end.completions(), 2u);
  EXPECT_FALSE(stream_.isOpen());
}

TEST_P(StreamFlowTest, GoesOnAfterAShutdownThatIsDestroyedBeforeItWasDone) {
  connectFull();
  Write before;
  write(before, "before");
  auto forgotten = std::make_unique<Write>();
  shutdown(*forgotten);
  EXPECT_TRUE(stream_.isShutDown());
  forgotten.reset();
  EXPECT_FALSE(stream_.isShutDown());
  Write after;
  write(after, "after");
  while (after.isPending() && !HasFailure()) {
    receiveAll(far_.get());
    poll();
  }
  EXPECT_FALSE(after.error);
}

// T43: nothing is left when the close is told, not even an end that was asked for behind it.
TEST_P(StreamFlowTest, TellsACloseBehindAnEndThatWasAskedForLater) {
  for (const bool fails : {false, true}) {
    connect(pair());
    const std::string sent = pattern(1 << 20);
    std::string order;
    Write stalled([&] { order += 'w'; });
    Write close([&] { order += 'c'; });
    Write second([&] { order += 's'; });
    Write end([&] { order += 'e'; });
    write(stalled, sent);
    ok(stream_.closeAfterFlush(close, Write::done, &close));
    ok(stream_.closeAfterFlush(second, Write::done, &second));
    shutdown(end);
    ASSERT_TRUE(stalled.isPending());
    if (fails) far_.reset();
    while (second.isPending() && !HasFailure()) {
      if (!fails) receiveAll(far_.get());
      poll();
    }
    EXPECT_EQ(order, "wecs");
    EXPECT_EQ(end.error, fails ? std::make_error_code(std::errc::broken_pipe) : std::error_code());
  }
}

// T41: the peer has not ended, so who reads is not told so; a pipe is no exception.
TEST_P(StreamFlowTest, ACloseBehindWhatIsQueuedIsNoEndForWhoReads) {
  for (const auto make : {pair, tcpPair, pipePair}) {
    connect(make());
    Read read;
    readLine(read);
    sendAll(far_.get(), "half a li");
    while (stream_.peek() != "half a li") poll(Reactor::forever);
    Write close;
    ok(stream_.closeAfterFlush(close, Write::done, &close));
    settle();
    EXPECT_EQ(close.completions(), 1u);
    EXPECT_EQ(read.error, TransportError::closed);
    EXPECT_EQ(read.data, "");
    EXPECT_FALSE(read.atEnd);
    EXPECT_FALSE(stream_.atEnd());
  }
}

// T60
TEST_P(StreamFlowTest, TellsItsState) {
  const auto state = [this] {
    std::string text = stream_.isOpen() ? "open" : "closed";
    if (stream_.atEnd()) text += " at end";
    if (stream_.isShutDown()) text += " shut down";
    if (stream_.failure()) text += " failed";
    return text;
  };
  EXPECT_EQ(state(), "closed");
  connect(tcpPair());
  EXPECT_EQ(state(), "open");
  Read read;
  Write write;
  ASSERT_EQ(::shutdown(far_.get(), SHUT_WR), 0);
  readOnce(read);
  settleUntilDone(read);
  EXPECT_EQ(state(), "open at end");
  shutdown(write);
  settle();
  EXPECT_EQ(state(), "open at end shut down");
  stream_.close();
  EXPECT_EQ(state(), "closed at end shut down");
  connect(pair());
  stream_.close();
  EXPECT_EQ(state(), "closed") << "the peer has not ended";

  connect(tcpPair());
  resetOnClose(far_.get());
  far_.reset();
  readOnce(read);
  settleUntilDone(read);
  EXPECT_EQ(state(), "open failed");
  EXPECT_EQ(stream_.failure(), std::errc::connection_reset);

  connectFull();
  this->write(write, "x");
  far_.reset();
  settle();
  EXPECT_EQ(state(), "open failed");
  EXPECT_EQ(stream_.failure(), std::errc::broken_pipe);
  settle();
}

}  // namespace
}  // namespace kairos
