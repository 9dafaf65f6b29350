// SPDX-License-Identifier: MIT OR Apache-2.0
// Reading without framing, ends, errors, cancellation. Nothing is asked of the kernel before a
// read asks for it.
#include <gtest/gtest.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <limits>
#include <string>
#include <vector>

#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class StreamReadTest : public StreamTest {
 protected:
  // What the kernel still holds of what was sent.
  std::size_t inKernel() const {
    int count = 0;
    EXPECT_EQ(::ioctl(stream_.fd(), FIONREAD, &count), 0);
    return static_cast<std::size_t>(count);
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamReadTest, backends(), backendName);

// T05
TEST_P(StreamReadTest, ReadsOnceWhatThereIs) {
  for (const auto make : {pair, tcpPair, pipePair}) {
    connect(make());
    std::array<char, 100> into;
    Read read;
    ok(stream_.readOnce(read, into, Read::done, &read));
    settle();
    EXPECT_EQ(read.completions(), 0u);
    sendAll(far_.get(), "abc");
    settleUntilDone(read);
    EXPECT_EQ(read.completions(), 1u);
    EXPECT_EQ(read.data, "abc");
    EXPECT_EQ(read.data.data(), into.data());
    EXPECT_EQ(read.bytes, 3u);
    EXPECT_FALSE(read.error);
    EXPECT_FALSE(read.atEnd);
  }
}

// T01
TEST_P(StreamReadTest, ReadsExactlyNothingAlsoAtTheEnd) {
  connect(pair());
  Read read;
  readExactly(read, {});
  settle();
  EXPECT_EQ(read.completions(), 1u);
  far_.reset();
  for (std::size_t n = 2; n <= 5; n += 2) {
    readExactly(read, {});
    settle();
    EXPECT_EQ(read.completions(), n);
    EXPECT_FALSE(read.error);
    EXPECT_EQ(read.bytes, 0u);
    readOnce(read);  // the second time the stream knows that it is at its end
    settle();
    EXPECT_TRUE(read.atEnd);
  }
  stream_.close();
  readExactly(read, {});
  settle();
  EXPECT_EQ(read.completions(), 6u);
  EXPECT_EQ(read.error, TransportError::closed);
}

// T02
TEST_P(StreamReadTest, ReadsExactlyWhatComesInSmallPieces) {
  connect(pair());
  const std::string sent = pattern(10000);
  std::vector<char> into(sent.size());
  Read read;
  readExactly(read, into);
  for (std::size_t at = 0; at < sent.size(); at += 7) {
    EXPECT_EQ(read.completions(), 0u);
    sendAll(far_.get(), std::string_view(sent).substr(at, 7));
    settle();
  }
  EXPECT_EQ(read.completions(), 1u);
  EXPECT_EQ(read.data, sent);
}

// T02: through the buffer, around it, and both.
TEST_P(StreamReadTest, ReadsExactlyAnySize) {
  for (const std::size_t size :
       {1u, 4095u, 4096u, 4097u, 16383u, 16384u, 16385u, 65536u, 1u << 20, 16u << 20}) {
    connect(pipePair());
    const std::string sent = pattern(size + 3);
    StreamTransport writer = adopt(std::move(far_));
    Write write;
    ok(writer.write(write, sent, Write::done, &write));
    std::array<char, 2> head;
    Read read;
    readExactly(read, head);
    settleUntilDone(read);
    std::vector<char> into(size);
    readExactly(read, into);
    settleUntilDone(read);
    EXPECT_TRUE(read.data == sent.substr(2, size)) << size;
    readOnce(read);
    settleUntilDone(read);
    EXPECT_EQ(read.data, sent.substr(size + 2));
  }
}

// T03
TEST_P(StreamReadTest, TellsHowMuchCameBeforeTheEnd) {
  connect(pair());
  sendAll(far_.get(), "abc");
  far_.reset();
  std::array<char, 4> into;
  Read read;
  readExactly(read, into);
  settle();
  EXPECT_EQ(read.completions(), 1u);
  EXPECT_EQ(read.error, TransportError::incomplete);
  EXPECT_TRUE(read.atEnd);
  EXPECT_EQ(read.data, "abc");
}

// T04
TEST_P(StreamReadTest, LosesNothingWhenARecallIsHalfDone) {
  connect(pair());
  std::array<char, 8> into;
  Read read;
  readExactly(read, into);
  sendAll(far_.get(), "abcd");
  settle();
  EXPECT_TRUE(stream_.cancel(read));
  EXPECT_FALSE(stream_.cancel(read)) << "it has its result";
  EXPECT_EQ(read.completions(), 0u) << "never inside the call";
  settle();
  EXPECT_EQ(read.completions(), 1u);
  EXPECT_EQ(read.error, std::errc::operation_canceled);
  EXPECT_NE(read.error, TransportError::closed);
  EXPECT_EQ(read.data, "abcd");
  sendAll(far_.get(), "efgh");
  readOnce(read);
  settle();
  EXPECT_EQ(read.data, "efgh");
  EXPECT_FALSE(stream_.cancel(read)) << "it is not pending";
}

// T04: what is read into the buffer of the stream is not consumed by a cancelled read.
TEST_P(StreamReadTest, ConsumesNothingByACancelledLine) {
  connect(pair());
  Read read;
  readLine(read);
  sendAll(far_.get(), "abcd");
  settle();
  EXPECT_TRUE(stream_.cancel(read));
  settle();
  sendAll(far_.get(), "efgh\n");
  readLine(read);
  settle();
  EXPECT_EQ(read.data, "abcdefgh");
}

// T06, T31
TEST_P(StreamReadTest, ReportsTheEndOncePerRead) {
  for (const auto make : {pair, tcpPair, pipePair}) {
    connect(make());
    sendAll(far_.get(), "last");
    far_.reset();
    Read read;
    readOnce(read);
    settleUntilDone(read);
    EXPECT_EQ(read.data, "last");
    EXPECT_FALSE(stream_.atEnd());
    for (std::size_t i = 2; i <= 4; ++i) {
      readOnce(read);
      settleUntilDone(read);
      EXPECT_EQ(read.completions(), i);
      EXPECT_EQ(read.data, "");
      EXPECT_TRUE(read.atEnd);
      EXPECT_FALSE(read.error);
      EXPECT_TRUE(stream_.atEnd());
    }
    EXPECT_EQ(poll(), 0u) << "an end wakes nobody";
  }
}

// T31: what is unread keeps a stream from its end, also when nothing more can come.
TEST_P(StreamReadTest, IsAtItsEndWhenAllHasBeenRead) {
  for (const auto make : {pair, tcpPair, pipePair}) {
    connect(make());
    const std::string sent = pattern(50000);
    sendAll(far_.get(), sent);
    far_.reset();
    Read read;
    readUntil(read, "no such text", 60000);
    settleUntilDone(read);
    EXPECT_EQ(read.error, TransportError::incomplete);
    EXPECT_TRUE(read.atEnd);
    EXPECT_FALSE(stream_.atEnd()) << "it is unread";
    std::array<char, 999> into;
    std::string received;
    while (!stream_.atEnd() && !HasFailure()) {
      ok(stream_.readOnce(read, into, Read::done, &read));
      settleUntilDone(read);
      EXPECT_FALSE(read.error);
      received += read.data;
    }
    EXPECT_TRUE(received == sent);
  }
}

// T07
TEST_P(StreamReadTest, ServesFromTheBufferAndShowsIt) {
  connect(pair());
  sendAll(far_.get(), "abcdef");
  std::array<char, 2> into;
  Read read;
  readExactly(read, into);
  settle();
  EXPECT_EQ(read.data, "ab");
  EXPECT_EQ(stream_.peek(), "cdef");
  EXPECT_EQ(stream_.peek(), "cdef");
  EXPECT_EQ(inKernel(), 0u);
  readOnce(read);
  time_.forget();
  EXPECT_EQ(poll(), 1u) << "no readiness is needed";
  EXPECT_EQ(read.data, "cdef");
  EXPECT_EQ(stream_.peek(), "");
}

// T20
TEST_P(StreamReadTest, ReadsToTheEndWhatWasBufferedToo) {
  connect(pair());
  sendAll(far_.get(), "head\nbody");
  Read read;
  readLine(read);
  settle();
  readToEnd(read);
  settle();
  EXPECT_EQ(read.completions(), 1u);
  sendAll(far_.get(), pattern(50000));
  far_.reset();
  settle();
  EXPECT_EQ(read.completions(), 2u);
  EXPECT_TRUE(read.data == "body" + pattern(50000));
  EXPECT_TRUE(read.atEnd);
  EXPECT_FALSE(read.error);
}

TEST_P(StreamReadTest, BoundsAReadToTheEnd) {
  connect(pair());
  sendAll(far_.get(), "abcd");
  Read read;
  readToEnd(read, 4);
  settle();
  EXPECT_EQ(read.completions(), 0u);
  sendAll(far_.get(), "e");
  settle();
  EXPECT_EQ(read.error, TransportError::overLimit);
  EXPECT_EQ(stream_.peek(), "abcde");
}

// T21
TEST_P(StreamReadTest, DiscardsAsManyAsAsked) {
  connect(pair());
  sendAll(far_.get(), "abcdef");
  Read read;
  ok(stream_.consume(read, 4, Read::done, &read));
  settle();
  EXPECT_EQ(read.bytes, 4u);
  EXPECT_EQ(read.data, "");
  EXPECT_EQ(stream_.peek(), "ef");
  ok(stream_.consume(read, std::numeric_limits<std::size_t>::max(), Read::done, &read));
  settle();
  EXPECT_EQ(read.completions(), 1u);
  sendAll(far_.get(), pattern(40000));
  far_.reset();
  settle();
  EXPECT_EQ(read.bytes, 40002u);
  EXPECT_TRUE(read.atEnd);
  EXPECT_FALSE(read.error);
}

// T25
TEST_P(StreamReadTest, RefusesASecondRead) {
  connect(pair());
  Read first;
  Read second;
  readOnce(first);
  EXPECT_EQ(stream_.readOnce(second, Read::done, &second), TransportError::busy);
  EXPECT_EQ(stream_.readOnce(first, Read::done, &first), TransportError::busy);
  EXPECT_FALSE(second.isPending());
  sendAll(far_.get(), "x");
  settle();
  EXPECT_EQ(first.completions(), 1u);
  EXPECT_EQ(second.completions(), 0u);
}

TEST_P(StreamReadTest, RefusesWhatMakesNoSense) {
  connect(pair());
  Read read;
  const auto invalid = std::errc::invalid_argument;
  EXPECT_EQ(stream_.readOnce(read, nullptr, &read), invalid);
  EXPECT_EQ(stream_.readOnce(read, std::span<char>(), Read::done, &read), invalid);
  EXPECT_EQ(stream_.readUntil(read, "", {}, Read::done, &read), invalid);
  EXPECT_EQ(stream_.readUntil(read, "ab", {.limit = 1}, Read::done, &read), invalid);
  EXPECT_EQ(stream_.readLine(read, {.limit = 0}, Read::done, &read), invalid);
  EXPECT_EQ(stream_.readToEnd(read, {.limit = 0}, Read::done, &read), invalid);
  StreamTransport empty;
  EXPECT_EQ(empty.readOnce(read, Read::done, &read), TransportError::notConnected);
  EXPECT_FALSE(read.isPending());
  settle();
  EXPECT_EQ(read.completions(), 0u);
}

// T26: the OS tells one call of a reset, which is the write here, and shows the next an end.
TEST_P(StreamReadTest, DoesNotTakeAResetForTheEndBecauseAWriteWasToldOfIt) {
  connect(tcpPair());
  sendAll(far_.get(), "half a mess");
  resetOnClose(far_.get());
  far_.reset();
  Write write;
  this->write(write, "request");
  Read read;
  readToEnd(read);
  settleUntilDone(read);
  EXPECT_EQ(write.error, std::errc::connection_reset);
  EXPECT_EQ(read.error, std::errc::connection_reset);
  EXPECT_FALSE(read.atEnd);
  EXPECT_EQ(stream_.peek(), "half a mess");
  EXPECT_FALSE(stream_.atEnd());
}

// T26, T29
TEST_P(StreamReadTest, DeliversWhatIsBufferedBeforeAnErrorWhichStays) {
  connect(tcpPair());
  sendAll(far_.get(), "line\nrest");
  Read read;
  readLine(read);
  settleUntilDone(read);
  EXPECT_EQ(stream_.peek(), "rest");
  resetOnClose(far_.get());
  far_.reset();
  readUntil(read, ";");
  settleUntilDone(read);
  EXPECT_EQ(read.error, std::errc::connection_reset);
  EXPECT_FALSE(read.atEnd);
  readOnce(read);
  settleUntilDone(read);
  EXPECT_EQ(read.data, "rest");
  EXPECT_FALSE(read.error);
  for (int i = 0; i < 2; ++i) {
    readOnce(read);
    settleUntilDone(read);
    EXPECT_EQ(read.error, std::errc::connection_reset);
  }
}

// T03: of a connection that breaks too.
TEST_P(StreamReadTest, TellsHowMuchCameBeforeAnError) {
  connect(tcpPair());
  sendAll(far_.get(), "abc");
  std::array<char, 4> into;
  Read read;
  readExactly(read, into);
  while (inKernel() > 0 && !HasFailure()) poll();
  resetOnClose(far_.get());
  far_.reset();
  settleUntilDone(read);
  EXPECT_EQ(read.error, std::errc::connection_reset);
  EXPECT_FALSE(read.atEnd);
  EXPECT_EQ(read.data, "abc");
  EXPECT_EQ(read.bytes, 3u);
}

// T28
TEST_P(StreamReadTest, EndsByAShutdownOfItsOwn) {
  for (const auto make : {pair, tcpPair, pipePair}) {
    connect(make());
    Read read;
    readLine(read);
    sendAll(far_.get(), "abc");
    while (stream_.peek() != "abc") poll(Reactor::forever);
    stream_.shutdownRead();
    EXPECT_EQ(read.completions(), 0u) << "never inside the call";
    settle();
    EXPECT_EQ(read.completions(), 1u);
    EXPECT_EQ(read.data, "abc");
    EXPECT_TRUE(read.atEnd);
    EXPECT_FALSE(read.error);
    readOnce(read);
    settle();
    EXPECT_EQ(read.completions(), 2u);
    EXPECT_TRUE(read.atEnd);
    EXPECT_FALSE(read.error);
  }
}

// T33, T71
TEST_P(StreamReadTest, TakesNothingFromTheKernelThatNobodyAskedFor) {
  connect(pair());
  sendAll(far_.get(), "abc");
  settle();
  EXPECT_EQ(inKernel(), 3u);
  Read read;
  readOnce(read);
  settle();
  EXPECT_EQ(read.data, "abc");
  sendAll(far_.get(), "def");
  settle();
  EXPECT_EQ(inKernel(), 3u);
  EXPECT_EQ(poll(10ms), 0u) << "unread, it wakes nobody";
  readOnce(read);
  settle();
  EXPECT_EQ(read.data, "def");
}

// T33: a read of one byte takes a block at most; the rest waits in the kernel, and wakes nobody.
TEST_P(StreamReadTest, TakesABlockAtMostAndGoesOnWithoutALoss) {
  connect(pair());
  const std::string sent = pattern(100000);
  sendAll(far_.get(), sent);
  std::array<char, 1> into;
  Read read;
  readExactly(read, into);
  settle();
  EXPECT_EQ(read.completions(), 1u);
  EXPECT_LE(stream_.peek().size(), 16384u);
  EXPECT_EQ(inKernel() + stream_.peek().size() + 1, sent.size());
  const std::size_t left = inKernel();
  EXPECT_EQ(poll(10ms), 0u);
  EXPECT_EQ(inKernel(), left);
  far_.reset();
  settle();
  EXPECT_EQ(poll(10ms), 0u) << "nor does the end";
  readToEnd(read, sent.size());
  settle();
  EXPECT_TRUE(read.data == std::string_view(sent).substr(1));
  EXPECT_FALSE(read.error);
}

// The view of one read lives until the next, whatever other streams do.
TEST_P(StreamReadTest, KeepsWhatWasReadUntilTheNextRead) {
  connect(pair());
  Pair others = pair();
  StreamTransport other = adopt(std::move(others.near));
  sendAll(far_.get(), "mine");
  Read read;
  readOnce(read);
  settle();
  sendAll(others.far.get(), "other");
  Read otherRead;
  ok(other.readOnce(otherRead, Read::done, &otherRead));
  settle();
  EXPECT_EQ(read.data, "mine");
  EXPECT_EQ(otherRead.data, "other");
}

// IT9: many reads that are ready at once.
TEST_P(StreamReadTest, DoesNotRecurse) {
  constexpr std::size_t reads = 1'000'000;
  connect(pair());
  const std::string chunk(100000, 'x');
  sendAll(far_.get(), chunk);
  std::array<char, 1> into;
  Read read;
  bool isInside = false;
  read.setThen([&] {
    EXPECT_FALSE(isInside);
    isInside = true;
    if (read.completions() % chunk.size() == 0) sendAll(far_.get(), chunk);
    if (read.completions() < reads) readExactly(read, into);
    isInside = false;
  });
  readExactly(read, into);
  std::size_t most = 0;
  while (read.completions() < reads) {
    const std::size_t before = read.completions();
    poll();
    most = std::max(most, read.completions() - before);
  }
  EXPECT_LE(most, 2u * TransportContext::completionsPerCallbackMax);
  EXPECT_GE(most, std::size_t{TransportContext::completionsPerCallbackMax});
}

}  // namespace
}  // namespace kairos
