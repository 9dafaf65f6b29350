// SPDX-License-Identifier: MIT OR Apache-2.0
// Writing: at once what the kernel takes, the rest in order; shutdown behind it; no SIGPIPE.
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class StreamWriteTest : public StreamTest {
 protected:
  // Near writes, also on a pipe.
  void connectToWrite(Pair ends, bool isPipe = false) {
    if (isPipe) std::swap(ends.near, ends.far);
    connect(std::move(ends));
  }

  // Receives at the far end until the stream has written all, or all until its end.
  struct Ends {
    Pair (*make)();
    bool isPipe;
  };
  static constexpr std::array<Ends, 3> allEnds = {
      {{pair, false}, {tcpPair, false}, {pipePair, true}}};
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamWriteTest, backends(), backendName);

// T35
TEST_P(StreamWriteTest, SendsAtOnceAndCompletesLater) {
  for (const auto& [make, isPipe] : allEnds) {
    connectToWrite(make(), isPipe);
    Write write;
    this->write(write, "hello");
    EXPECT_EQ(receiveAll(far_.get()), "hello") << "before any poll";
    EXPECT_EQ(write.completions(), 0u) << "never inside the call";
    EXPECT_EQ(poll(), 1u);
    EXPECT_EQ(write.completions(), 1u);
    EXPECT_EQ(write.bytes, 5u);
    EXPECT_FALSE(write.error);
    EXPECT_EQ(poll(), 0u);
  }
}

// T35
TEST_P(StreamWriteTest, CompletesInTheSamePollWhatACallbackStarted) {
  connect(pair());
  Write second;
  Write first([&] {
    write(second, "2");
    EXPECT_EQ(second.completions(), 0u);
  });
  write(first, "1");
  EXPECT_EQ(poll(), 1u);
  EXPECT_EQ(second.completions(), 1u);
}

// T36
TEST_P(StreamWriteTest, CompletesALargeWriteOnceWithItsCount) {
  for (const auto& [make, isPipe] : allEnds) {
    connectToWrite(make(), isPipe);
    const std::string sent = pattern((10 << 20) - 1);
    Write write;
    this->write(write, sent);
    EXPECT_GT(stream_.queuedBytes(), 0u);
    EXPECT_TRUE(receiveUntilDone(write) == sent);
    EXPECT_EQ(write.completions(), 1u);
    EXPECT_EQ(write.bytes, sent.size());
    EXPECT_EQ(stream_.queuedBytes(), 0u);
    EXPECT_EQ(poll(10ms), 0u) << "drained, it wakes nobody";
  }
}

// T37
TEST_P(StreamWriteTest, KeepsTheOrderOfWritesAndCompletions) {
  connect(pair());
  fill(stream_.fd());
  std::vector<std::size_t> order;
  std::vector<Write> writes(1000);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < writes.size(); ++i) texts.push_back(std::to_string(i) + " ");
  std::string sent;
  for (std::size_t i = 0; i < writes.size(); ++i) {
    writes[i].setThen([&order, i] { order.push_back(i); });
    write(writes[i], texts[i]);
    sent += texts[i];
  }
  EXPECT_EQ(stream_.queuedBytes(), sent.size());
  settle();
  EXPECT_TRUE(order.empty());
  const std::string received = receiveUntilDone(writes.back());
  EXPECT_TRUE(received.ends_with(sent));
  ASSERT_EQ(order.size(), writes.size());
  for (std::size_t i = 0; i < order.size(); ++i) EXPECT_EQ(order[i], i);
}

// T38
TEST_P(StreamWriteTest, CompletesEmptyWritesInTheirTurn) {
  connect(pair());
  Write empty;
  write(empty, "");
  settle();
  EXPECT_EQ(empty.completions(), 1u);
  EXPECT_EQ(empty.bytes, 0u);

  Write large;
  const std::string sent = pattern(1 << 20);
  write(large, sent);
  empty.setThen([&] { EXPECT_EQ(large.completions(), 1u); });
  write(empty, "");
  settle();
  EXPECT_EQ(empty.completions(), 1u);
  EXPECT_TRUE(receiveUntilDone(empty) == sent);
  EXPECT_EQ(empty.completions(), 2u);
}

TEST_P(StreamWriteTest, GathersPartsInOrder) {
  for (const auto& [make, isPipe] : allEnds) {
    connectToWrite(make(), isPipe);
    std::vector<std::string> texts(200);
    std::vector<std::string_view> parts;
    std::string sent;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      texts[i] = pattern(i % 3 == 0 ? 0 : i * 100);
      parts.push_back(texts[i]);
      sent += texts[i];
    }
    Write write;
    ok(stream_.write(write, parts, Write::done, &write));
    EXPECT_TRUE(receiveUntilDone(write) == sent);
    EXPECT_EQ(write.bytes, sent.size());
    ok(stream_.write(write, std::span<const std::string_view>(), Write::done, &write));
    settle();
    EXPECT_EQ(write.bytes, 0u);
    EXPECT_FALSE(write.error);
  }
}

// T39, T44
TEST_P(StreamWriteTest, ReportsABrokenConnectionToEachWrite) {
  for (const auto& [make, isPipe] : allEnds) {
    connectToWrite(make(), isPipe);
    if (!isPipe) resetOnClose(far_.get());
    far_.reset();
    std::array<Write, 3> writes;
    for (Write& each : writes) {
      write(each, "x");
      settle();
      EXPECT_TRUE(each.error == std::errc::broken_pipe || each.error == std::errc::connection_reset)
          << each.error.message();
      EXPECT_EQ(each.completions(), 1u);
    }
  }
}

// T44, T134: SIGPIPE has its default here, and would end the test.
TEST_P(StreamWriteTest, LeavesSigpipeAlone) {
  struct sigaction before {};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &before), 0);
  ASSERT_EQ(before.sa_handler, SIG_DFL);
  sigset_t maskBefore;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &maskBefore);

  connectToWrite(pipePair(), true);
  const std::string large = pattern(1 << 20);
  Write queued;
  write(queued, large);
  far_.reset();
  settle();
  EXPECT_EQ(queued.error, std::errc::broken_pipe);
  EXPECT_GT(queued.bytes, 0u);

  struct sigaction after {};
  ASSERT_EQ(::sigaction(SIGPIPE, nullptr, &after), 0);
  EXPECT_EQ(after.sa_handler, SIG_DFL);
  sigset_t maskAfter;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &maskAfter);
  EXPECT_EQ(::sigismember(&maskAfter, SIGPIPE), ::sigismember(&maskBefore, SIGPIPE));
  sigset_t pending;
  ::sigpending(&pending);
  EXPECT_EQ(::sigismember(&pending, SIGPIPE), 0);
}

// T44: a signal that is somebody else's stays pending.
TEST_P(StreamWriteTest, TakesNoSigpipeThatWasPendingBefore) {
  sigset_t sigpipe;
  ::sigemptyset(&sigpipe);
  ::sigaddset(&sigpipe, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &sigpipe, nullptr);
  ::raise(SIGPIPE);
  connectToWrite(pipePair(), true);
  far_.reset();
  Write write;
  this->write(write, "x");
  settle();
  EXPECT_EQ(write.error, std::errc::broken_pipe);
  sigset_t pending;
  ::sigpending(&pending);
  EXPECT_EQ(::sigismember(&pending, SIGPIPE), 1);
  const timespec now{};
  EXPECT_EQ(::sigtimedwait(&sigpipe, nullptr, &now), SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &sigpipe, nullptr);
}

// T40
TEST_P(StreamWriteTest, RefusesWritesAfterAShutdown) {
  for (const auto& [make, isPipe] : allEnds) {
    connectToWrite(make(), isPipe);
    Write end;
    Write late;
    shutdown(end);
    write(late, "x");
    settle();
    EXPECT_FALSE(end.error);
    EXPECT_EQ(end.completions(), 1u);
    EXPECT_EQ(late.error, TransportError::shutDown);
    EXPECT_EQ(late.error, std::errc::broken_pipe);
    Write again;
    shutdown(again);
    settle();
    EXPECT_FALSE(again.error);
    EXPECT_EQ(again.completions(), 1u);
  }
}

// T43
TEST_P(StreamWriteTest, ShutsDownBehindTheQueue) {
  for (const auto& [make, isPipe] : allEnds) {
    connectToWrite(make(), isPipe);
    const std::string sent = pattern(16 << 20);
    Write large;
    Write end([&] { EXPECT_EQ(large.completions(), 1u); });
    write(large, sent);
    shutdown(end);
    Write late;
    write(late, "late");
    EXPECT_EQ(poll(), 1u);
    EXPECT_EQ(late.error, TransportError::shutDown) << "at once, though much is queued";
    EXPECT_EQ(late.completions(), 1u);
    EXPECT_TRUE(large.isPending() && end.isPending());
    EXPECT_TRUE(receiveUntilDone(end) == sent);
    EXPECT_EQ(large.bytes, sent.size());
    EXPECT_FALSE(large.error);
    StreamTransport peer = adopt(std::move(far_));
    Read read;
    ok(peer.readOnce(read, Read::done, &read));
    settleUntilDone(read);
    EXPECT_TRUE(read.atEnd);
  }
}

// IT5: what the peer sends after our end is still read, and the other way round.
TEST_P(StreamWriteTest, GoesOnInTheOtherDirectionAfterAnEnd) {
  connect(pair());
  Write end;
  shutdown(end);
  settle();
  sendAll(far_.get(), "late");
  Read read;
  readOnce(read);
  settle();
  EXPECT_EQ(read.data, "late");

  connect(pair());
  ASSERT_EQ(::shutdown(far_.get(), SHUT_WR), 0);
  readOnce(read);
  settle();
  EXPECT_TRUE(read.atEnd);
  Write write;
  this->write(write, "reply");
  EXPECT_EQ(receiveAll(far_.get()), "reply");
}

// T45
TEST_P(StreamWriteTest, LooksAtBytesOnlyUntilTheCompletion) {
  connect(pair());
  auto bytes = std::make_unique<std::string>(pattern(1 << 20));
  const std::string sent = *bytes;
  Write borrowed([&] { bytes.reset(); });
  write(borrowed, *bytes);
  EXPECT_TRUE(receiveUntilDone(borrowed) == sent);
  EXPECT_EQ(bytes, nullptr);

  Write owned;
  {
    std::string mine = sent;
    ok(stream_.writeOwned(owned, std::move(mine), Write::done, &owned));
  }
  Write small;
  ok(stream_.writeOwned(small, "small", Write::done, &small));
  EXPECT_TRUE(receiveUntilDone(small) == sent + "small");
}

// T48
TEST_P(StreamWriteTest, CancelsAWriteOfWhichNothingIsSent) {
  connect(pair());
  const std::string large = pattern(1 << 20);
  Write partly;
  Write queued;
  Write last;
  write(partly, large);
  write(queued, "never");
  write(last, "last");
  EXPECT_GT(partly.bytes, 0u);
  EXPECT_FALSE(stream_.cancel(partly));
  EXPECT_TRUE(stream_.cancel(queued));
  EXPECT_FALSE(stream_.cancel(queued));
  EXPECT_EQ(queued.completions(), 0u);
  settle();
  EXPECT_EQ(queued.completions(), 1u);
  EXPECT_EQ(queued.error, std::errc::operation_canceled);
  EXPECT_TRUE(receiveUntilDone(last) == large + "last");
}

// T48: an end has nothing to wait for then, whether the peer ever reads or not.
TEST_P(StreamWriteTest, EndsWhenWhatWasQueuedBeforeIsTakenBack) {
  for (const bool isCancelled : {true, false}) {
    SCOPED_TRACE(isCancelled);
    connect(pair());
    const std::string filling = pattern(1 << 20);
    while (::send(stream_.fd(), filling.data(), filling.size(), MSG_DONTWAIT) > 0) {
    }
    auto queued = std::make_unique<Write>();
    Write nothing;
    Write end;
    write(*queued, "never");
    write(nothing, "");
    shutdown(end);
    settle();
    EXPECT_TRUE(queued->isPending() && nothing.isPending() && end.isPending());
    if (isCancelled) {
      EXPECT_TRUE(stream_.cancel(*queued));
    } else {
      queued.reset();
    }
    settle();
    EXPECT_EQ(nothing.completions() + end.completions(), 2u);
    EXPECT_EQ(end.error, std::error_code());
    receiveAll(far_.get());
    char byte = 0;
    EXPECT_EQ(::read(far_.get(), &byte, 1), 0) << "the peer sees it";
  }
}

TEST_P(StreamWriteTest, RefusesWhatMakesNoSense) {
  connect(pair());
  Write write;
  EXPECT_EQ(stream_.write(write, "x", nullptr, nullptr), std::errc::invalid_argument);
  StreamTransport empty;
  EXPECT_EQ(empty.write(write, "x", Write::done, &write), TransportError::notConnected);
  const std::string large = pattern(1 << 20);
  this->write(write, large);
  EXPECT_EQ(stream_.write(write, "x", Write::done, &write), TransportError::busy);
  EXPECT_TRUE(receiveUntilDone(write) == large);
  EXPECT_EQ(write.completions(), 1u);
}

// A fast writer and reader: others are served in between.
TEST_P(StreamWriteTest, DoesNotKeepATimerWaiting) {
  connect(pipePair());
  StreamTransport writer = adopt(std::move(far_));
  const std::string chunk = pattern(100000);
  bool isOver = false;
  Write write;
  write.setThen([&] {
    if (!isOver) ok(writer.write(write, chunk, Write::done, &write));
  });
  Read read;
  read.setThen([&] {
    if (!isOver) readOnce(read);
  });
  ok(writer.write(write, chunk, Write::done, &write));
  readOnce(read);
  Probe timer([&] { isOver = true; });
  addTimer(10ms, timer);
  for (int polls = 0; polls < 50; ++polls) poll();
  EXPECT_GT(read.completions(), 10u);
  time_.advance(10ms);
  poll();
  EXPECT_EQ(timer.runs(), 1u);
}

}  // namespace
}  // namespace kairos
