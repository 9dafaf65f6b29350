// SPDX-License-Identifier: MIT OR Apache-2.0
// Waits for the close of a stream, which others may bring about.
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using Wait = Watched<CloseOperation>;

class StreamCloseWaitTest : public StreamTest {
 protected:
  StreamCloseWaitTest() { connect(pair()); }

  void wait(Wait& wait) { ok(stream_.waitUntilClosed(wait, Wait::done, &wait)); }
  // Notes `name` when it is done.
  auto noting(int name) {
    return [this, name] { order_.push_back(name); };
  }

  std::vector<int> order_;
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamCloseWaitTest, backends(), backendName);

// T56, T57: each is told once, however often it is closed.
TEST_P(StreamCloseWaitTest, TellsAllInOrderLateOnesToo) {
  Wait waits[] = {Wait(noting(0)), Wait(noting(1)), Wait(noting(2))};
  for (Wait& each : waits) wait(each);
  settle();
  EXPECT_TRUE(order_.empty());
  stream_.close();
  EXPECT_TRUE(order_.empty()) << "never inside the call";
  stream_.close();
  Wait late(noting(3));
  wait(late);
  settle();
  EXPECT_EQ(order_, (std::vector<int>{0, 1, 2, 3}));
  for (const Wait& each : waits) EXPECT_EQ(each.error, std::error_code());
  EXPECT_EQ(late.error, std::error_code());
  stream_.close();
  stream_ = StreamTransport();
  settle();
  EXPECT_EQ(order_.size(), 4u);
}

// T57: whatever else is told of the close comes before.
TEST_P(StreamCloseWaitTest, IsToldAfterAllElse) {
  const std::string large = pattern(1 << 20);
  Wait first(noting(5));
  wait(first);
  Read read(noting(1));
  readOnce(read);
  Write partly(noting(2));
  Write queued(noting(3));
  Write end(noting(4));
  write(partly, large);
  write(queued, "never");
  ok(stream_.closeAfterFlush(end, Write::done, &end));
  Wait second(noting(6));
  wait(second);
  stream_.close();
  settle();
  EXPECT_EQ(order_, (std::vector<int>{1, 2, 3, 4, 5, 6}));
}

// T56: a close by closeAfterFlush() is done when everything is sent, or nothing more can be.
TEST_P(StreamCloseWaitTest, WaitsForACloseAfterAFlush) {
  const std::string large = pattern(1 << 20);
  for (const bool peerGoes : {false, true}) {
    SCOPED_TRACE(peerGoes);
    connect(pair());
    order_.clear();
    Wait closed(noting(3));
    wait(closed);
    Write writing(noting(1));
    Write end(noting(2));
    write(writing, large);
    ok(stream_.closeAfterFlush(end, Write::done, &end));
    settle();
    EXPECT_TRUE(order_.empty() && stream_.isOpen());
    if (peerGoes) {
      far_.reset();
      settle();
    } else {
      EXPECT_TRUE(receiveUntilDone(closed) == large);
    }
    EXPECT_EQ(order_, (std::vector<int>{1, 2, 3}));
    EXPECT_EQ(static_cast<bool>(writing.error), peerGoes);
    EXPECT_EQ(closed.error, std::error_code());
    EXPECT_FALSE(stream_.isOpen());
  }
}

// A failure closes nothing, nor does the end of what the peer sends.
TEST_P(StreamCloseWaitTest, WaitsWhateverElseHappens) {
  Wait closed;
  wait(closed);
  far_.reset();
  Read read;
  readOnce(read);
  Write failing;
  write(failing, "x");
  settle();
  EXPECT_TRUE(read.atEnd);
  EXPECT_EQ(failing.error, std::errc::broken_pipe);
  EXPECT_EQ(closed.completions(), 0u);
  stream_.close();
  settle();
  EXPECT_EQ(closed.completions(), 1u);
}

// Its own end closes a stream, and that of its context.
TEST_P(StreamCloseWaitTest, HearsOfTheEndOfTheStreamAndOfTheContext) {
  Wait ended;
  wait(ended);
  StreamTransport moved = std::move(stream_);
  settle();
  EXPECT_EQ(ended.completions(), 0u);
  moved = StreamTransport();
  settle();
  EXPECT_EQ(ended.completions(), 1u);

  std::optional<TransportContext> context(std::in_place, reactor_);
  Pair ends = pair();
  StreamTransport other;
  ok(StreamTransport::adopt(*context, ends.near.release(), other));
  Wait last([&] { EXPECT_FALSE(other.isOpen()); });
  ok(other.waitUntilClosed(last, Wait::done, &last));
  context.reset();
  EXPECT_EQ(last.completions(), 1u);
  EXPECT_EQ(last.error, std::error_code());
}

// A pipe is closed by the end of what is written to it, once all else is told.
TEST_P(StreamCloseWaitTest, HearsOfTheEndOfAPipe) {
  for (const bool isAsked : {false, true}) {
    SCOPED_TRACE(isAsked);
    Pair ends = pipePair();
    connect({.near = std::move(ends.far), .far = std::move(ends.near)});
    order_.clear();
    Wait early(noting(4));
    Wait late(noting(5));
    wait(early);
    const std::string large = pattern(1 << 20);
    Write writing(noting(1));
    Write end(noting(2));
    Write again(noting(3));
    write(writing, large);
    shutdown(end);
    if (isAsked) ok(stream_.closeAfterFlush(again, Write::done, &again));
    if (!isAsked) shutdown(again);
    EXPECT_TRUE(receiveUntilDone(again) == large);
    EXPECT_FALSE(stream_.isOpen());
    wait(late);
    settle();
    EXPECT_EQ(order_, (std::vector<int>{1, 2, 3, 4, 5}));
    stream_.close();
    settle();
    EXPECT_EQ(order_.size(), 5u);
    EXPECT_EQ(early.error, std::error_code());
    EXPECT_EQ(late.error, std::error_code());
  }
}

TEST_P(StreamCloseWaitTest, IsCancelledOrDestroyed) {
  Wait cancelled(noting(0));
  wait(cancelled);
  auto dropped = std::make_unique<Wait>(noting(1));
  wait(*dropped);
  Wait stays(noting(2));
  wait(stays);
  EXPECT_TRUE(stream_.cancel(cancelled));
  EXPECT_FALSE(stream_.cancel(cancelled));
  dropped.reset();
  settle();
  EXPECT_EQ(order_, std::vector<int>{0});
  EXPECT_EQ(cancelled.error, std::errc::operation_canceled);
  StreamTransport other = adopt(std::move(far_));
  EXPECT_FALSE(other.cancel(stays)) << "it is not of this stream";
  stream_.close();
  settle();
  EXPECT_EQ(order_, (std::vector<int>{0, 2}));
  EXPECT_FALSE(stream_.cancel(stays));
}

// In the callback of one: the stream may go, others may be started.
TEST_P(StreamCloseWaitTest, MayDoEverythingInItsCallback) {
  Wait later(noting(2));
  Wait first([this, &later] {
    order_.push_back(1);
    wait(later);
  });
  Wait last([this] { stream_ = StreamTransport(); });
  wait(first);
  wait(last);
  stream_.close();
  settle();
  EXPECT_EQ(order_, (std::vector<int>{1, 2}));
  EXPECT_EQ(last.completions(), 1u);
}

TEST_P(StreamCloseWaitTest, DoesNotChangeWhatWritesDo) {
  Wait closed;
  wait(closed);
  const std::string large = pattern(1 << 20);
  Write small;
  write(small, "small");
  settle();
  EXPECT_EQ(small.completions(), 1u);
  EXPECT_EQ(receiveAll(far_.get()), "small");
  Write writing;
  write(writing, large);
  EXPECT_TRUE(receiveUntilDone(writing) == large);
  EXPECT_EQ(closed.completions(), 0u);
}

TEST_P(StreamCloseWaitTest, RefusesWhatMakesNoSense) {
  Wait wait;
  EXPECT_EQ(StreamTransport().waitUntilClosed(wait, Wait::done, &wait),
            TransportError::notConnected);
  EXPECT_EQ(stream_.waitUntilClosed(wait, nullptr, &wait), std::errc::invalid_argument);
  this->wait(wait);
  EXPECT_EQ(stream_.waitUntilClosed(wait, Wait::done, &wait), TransportError::busy);
}

}  // namespace
}  // namespace kairos
