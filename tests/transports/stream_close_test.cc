// SPDX-License-Identifier: MIT OR Apache-2.0
// The ends of streams, operations and contexts, in every order. Run under sanitizers too.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class StreamCloseTest : public StreamTest {};

INSTANTIATE_TEST_SUITE_P(Backends, StreamCloseTest, backends(), backendName);

// T85: neither datagrams, nor connections that wait, nor what counts or watches.
TEST_P(StreamCloseTest, AdoptsOnlyStreamsOfBytes) {
  StreamTransport stream;
  const auto adoptIt = [&](const UniqueFd& fd) {
    EXPECT_GE(fd.get(), 0);
    return StreamTransport::adopt(context_, fd.get(), stream);
  };
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    const UniqueFd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    EXPECT_EQ(adoptIt(socket), std::errc::invalid_argument);
    EXPECT_EQ(::fcntl(socket.get(), F_GETFL) & O_NONBLOCK, 0) << "it is as it was";
  }
  EXPECT_EQ(adoptIt(UniqueFd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))),
            std::errc::invalid_argument);
  EXPECT_EQ(adoptIt(tcpListener()), std::errc::invalid_argument);
  EXPECT_EQ(adoptIt(counter()), std::errc::operation_not_permitted);
  EXPECT_EQ(adoptIt(UniqueFd(::epoll_create1(EPOLL_CLOEXEC))), std::errc::operation_not_permitted);
  EXPECT_EQ(adoptIt(UniqueFd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC))),
            std::errc::operation_not_permitted);
  EXPECT_EQ(adoptIt(UniqueFd(::inotify_init1(IN_CLOEXEC))), std::errc::operation_not_permitted);
  EXPECT_FALSE(stream.isOpen());
}

// The state of the I/O comes by completion.
TEST_P(StreamCloseTest, AdoptsASocketThatIsNotConnected) {
  stream_ = adopt(UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  Read read;
  readOnce(read);
  Write write;
  this->write(write, "x");
  settle();
  EXPECT_EQ(read.error, std::errc::not_connected);
  EXPECT_EQ(write.error, std::errc::broken_pipe);
}

// T85, T137: a terminal is a device that can be watched, and others are not.
TEST_P(StreamCloseTest, AdoptsATerminal) {
  UniqueFd near(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (near.get() < 0 && errno == ENOENT) GTEST_SKIP() << "there is no /dev/ptmx here";
  ASSERT_EQ(::unlockpt(near.get()), 0);
  far_ = UniqueFd(::open(::ptsname(near.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  stream_ = adopt(std::move(near));
  Read read;
  readOnce(read);
  sendAll(far_.get(), "hello");
  settleUntilDone(read);
  EXPECT_EQ(read.data, "hello");
}

// T136: nobody can be told of the end, which is no failure of what was sent before.
TEST_P(StreamCloseTest, EndsATerminalWithoutAnError) {
  for (const bool closes : {false, true}) {
    UniqueFd near(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (near.get() < 0 && errno == ENOENT) GTEST_SKIP() << "there is no /dev/ptmx here";
    ASSERT_EQ(::unlockpt(near.get()), 0);
    far_ = UniqueFd(::open(::ptsname(near.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
    stream_ = adopt(std::move(near));
    Write sent;
    write(sent, "hello\n");
    Write end;
    ok(closes ? stream_.closeAfterFlush(end, Write::done, &end)
              : stream_.shutdown(end, Write::done, &end));
    settle();
    EXPECT_EQ(end.completions(), 1u);
    EXPECT_EQ(end.error, std::error_code());
    EXPECT_EQ(stream_.isOpen(), !closes);
    write(sent, "more");
    settle();
    EXPECT_EQ(sent.error, closes ? TransportError::closed : TransportError::shutDown);
  }
}

// T43: the second has nothing to do, also when the peer has ended too.
TEST_P(StreamCloseTest, EndsTwiceBehindAStalledWrite) {
  connect(tcpPair());
  ASSERT_EQ(::shutdown(far_.get(), SHUT_WR), 0);
  const std::string sent = pattern(16 << 20);
  Write stalled;
  write(stalled, sent);
  ASSERT_TRUE(stalled.isPending());
  std::array<Write, 2> ends;
  shutdown(ends[0]);
  ok(stream_.closeAfterFlush(ends[1], Write::done, &ends[1]));
  std::size_t received = 0;
  while (ends[1].isPending() && !HasFailure()) {
    received += receiveAll(far_.get()).size();
    poll();
  }
  received += receiveAll(far_.get()).size();
  EXPECT_EQ(received, sent.size());
  for (const Write& end : ends) EXPECT_EQ(end.error, std::error_code());
  EXPECT_FALSE(stream_.isOpen());
}

// T85, T137
TEST_P(StreamCloseTest, AdoptsOnlyWhatItCanWatch) {
  const auto before = openFds();
  StreamTransport stream;
  UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  EXPECT_EQ(StreamTransport::adopt(context_, file.get(), stream),
            std::errc::operation_not_permitted);
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  EXPECT_EQ(StreamTransport::adopt(context_, null.get(), stream),
            std::errc::operation_not_permitted);
  EXPECT_EQ(StreamTransport::adopt(context_, -1, stream), std::errc::bad_file_descriptor);
  Pair ends = pair();
  Probe probe;
  addReader(ends.near.get(), probe);
  EXPECT_EQ(StreamTransport::adopt(context_, ends.near.get(), stream), std::errc::file_exists);
  reactor_.removeReader(ends.near.get());
  EXPECT_FALSE(stream.isOpen());
  EXPECT_TRUE(isOpen(file.get()) && isOpen(ends.near.get())) << "they stay the caller's";

  ASSERT_EQ(::fcntl(ends.near.get(), F_SETFL, 0), 0);
  ASSERT_EQ(::fcntl(ends.near.get(), F_SETFD, 0), 0);
  stream = adopt(std::move(ends.near));
  EXPECT_NE(::fcntl(stream.fd(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(stream.fd(), F_GETFD) & FD_CLOEXEC, 0);
  stream = StreamTransport();
  for (UniqueFd* fd : {&file, &null, &ends.far}) fd->reset();
  EXPECT_TRUE(openedSince(before).empty());
}

// T27, T41
TEST_P(StreamCloseTest, EndsAllThatIsPendingOnceAndInOrder) {
  connect(pair());
  fill(stream_.fd());
  std::vector<std::size_t> order;
  std::vector<Write> writes(100);
  for (std::size_t i = 0; i < writes.size(); ++i) {
    writes[i].setThen([&order, i] { order.push_back(i); });
    write(writes[i], "x");
  }
  Write end;
  shutdown(end);
  Read read;
  readLine(read);
  stream_.close();
  EXPECT_TRUE(order.empty()) << "never inside the call";
  EXPECT_EQ(read.completions(), 0u);
  settle();
  ASSERT_EQ(order.size(), writes.size());
  for (std::size_t i = 0; i < writes.size(); ++i) {
    EXPECT_EQ(order[i], i);
    EXPECT_EQ(writes[i].error, TransportError::closed);
  }
  EXPECT_EQ(read.error, TransportError::closed);
  EXPECT_EQ(read.error, std::errc::operation_canceled);
  EXPECT_EQ(end.error, TransportError::closed);
  EXPECT_EQ(read.completions() + end.completions(), 2u);
  EXPECT_EQ(stream_.queuedBytes(), 0u);
}

// T56: closing is finished when close() returns.
TEST_P(StreamCloseTest, ClosesOnce) {
  connect(pair());
  const Fd number = stream_.fd();
  stream_.close();
  EXPECT_FALSE(stream_.isOpen());
  const UniqueFd other = duplicate(far_.get());
  ASSERT_EQ(other.get(), number) << "the number is free again";
  stream_.close();
  stream_ = StreamTransport();
  EXPECT_TRUE(isOpen(number));
}

TEST_P(StreamCloseTest, ReportsItsEndToWhatIsStartedLater) {
  connect(pair());
  stream_.close();
  Read read;
  Write write;
  readOnce(read);
  this->write(write, "x");
  settle();
  EXPECT_EQ(read.error, TransportError::closed);
  EXPECT_EQ(write.error, TransportError::closed);
  EXPECT_FALSE(stream_.cancel(read));
}

// T58
TEST_P(StreamCloseTest, MayHappenInAnyCallback) {
  connect(pair());
  const std::string large = pattern(1 << 20);
  Write queued;
  write(queued, large);
  Read read([&] { stream_.close(); });
  readOnce(read);
  sendAll(far_.get(), "x");
  settle();
  EXPECT_EQ(read.completions(), 1u);
  EXPECT_FALSE(read.error);
  EXPECT_EQ(queued.completions(), 1u);
  EXPECT_EQ(queued.error, TransportError::closed);
}

// T58: what comes from the peer is not shown any more.
TEST_P(StreamCloseTest, MayHappenInTheCallbackOfAWrite) {
  connect(pair());
  const std::string large = pattern(1 << 20);
  Write first([&] {
    sendAll(far_.get(), "x");
    stream_.close();
  });
  Write queued;
  Read read;
  write(first, "first");
  write(queued, large);
  readOnce(read);
  settle();
  EXPECT_FALSE(first.error);
  EXPECT_EQ(first.completions(), 1u);
  EXPECT_EQ(queued.completions(), 1u);
  EXPECT_EQ(queued.error, TransportError::closed);
  EXPECT_EQ(read.completions(), 1u);
  EXPECT_EQ(read.error, TransportError::closed);
  EXPECT_EQ(read.bytes, 0u);
}

// T59
TEST_P(StreamCloseTest, OfAnotherStreamBeatsItsEventInTheSameBatch) {
  connect(pair());
  Pair others = pair();
  StreamTransport other = adopt(std::move(others.near));
  Read otherRead;
  Read read;
  read.setThen([&] { other.close(); });
  otherRead.setThen([&] { stream_.close(); });
  readOnce(read);
  ok(other.readOnce(otherRead, Read::done, &otherRead));
  sendAll(far_.get(), "x");
  sendAll(others.far.get(), "x");
  settle();
  EXPECT_EQ(read.completions() + otherRead.completions(), 2u);
  const bool firstWasClosed = read.error == TransportError::closed;
  const bool secondWasClosed = otherRead.error == TransportError::closed;
  EXPECT_NE(firstWasClosed, secondWasClosed);
}

// T45, T58: everything is freed in a callback of the stream, with more to come.
TEST_P(StreamCloseTest, MayDestroyStreamAndOperationsInACallback) {
  struct Session {
    Read read;
    Write write;
    Write queued;
    StreamTransport stream;
  };
  const std::string large = pattern(1 << 20);
  for (int order = 0; order < 2; ++order) {
    Pair ends = pair();
    auto session = std::make_unique<Session>();
    session->stream = adopt(std::move(ends.near));
    std::size_t runs = 0;
    const auto destroy = [&] {
      ++runs;
      session.reset();
    };
    session->read.setThen(destroy);
    session->write.setThen(destroy);
    sendAll(ends.far.get(), "x");
    ok(session->stream.readOnce(session->read, Read::done, &session->read));
    if (order == 0) ok(session->stream.write(session->write, "y", Write::done, &session->write));
    ok(session->stream.write(session->queued, large, Write::done, &session->queued));
    settle();
    EXPECT_EQ(runs, 1u);
    EXPECT_EQ(session, nullptr);
  }
}

// An operation that is destroyed while it is pending is forgotten, and the others go on.
TEST_P(StreamCloseTest, ForgetsDestroyedOperations) {
  connect(pair());
  fill(stream_.fd());
  auto dropped = std::make_unique<Write>();
  auto droppedRead = std::make_unique<Read>();
  Write kept;
  write(*dropped, "dropped");
  write(kept, "kept");
  readOnce(*droppedRead);
  dropped.reset();
  droppedRead.reset();
  EXPECT_EQ(stream_.queuedBytes(), 4u);
  receiveAll(far_.get());
  settle();
  EXPECT_EQ(kept.completions(), 1u);
  EXPECT_EQ(receiveAll(far_.get()), "kept");
  sendAll(far_.get(), "x");
  Read read;
  readOnce(read);
  settle();
  EXPECT_EQ(read.data, "x");
}

// T48: one of which a part is sent cannot be forgotten: what follows would be taken for its rest.
TEST_P(StreamCloseTest, BreaksAStreamWhoseWriteIsDestroyedHalfway) {
  connect(pair());
  const std::string large = pattern(1 << 20);
  auto torn = std::make_unique<Write>();
  Write behind;
  Write later;
  write(*torn, large);
  write(behind, "behind");
  EXPECT_FALSE(stream_.cancel(*torn));
  EXPECT_TRUE(torn->bytes > 0 && torn->bytes < large.size()) << "it tells how far it is";
  torn.reset();
  write(later, "later");
  settle();
  EXPECT_EQ(behind.error, std::errc::operation_canceled);
  EXPECT_EQ(later.error, std::errc::operation_canceled);
  EXPECT_EQ(poll(10ms), 0u);
}

// What was done but not delivered is forgotten with its operation.
TEST_P(StreamCloseTest, ForgetsResultsOfDestroyedOperations) {
  connect(pair());
  auto write = std::make_unique<Write>();
  this->write(*write, "x");
  write.reset();
  settle();
  EXPECT_EQ(receiveAll(far_.get()), "x");
}

// A view into the buffer of a stream must not outlive it.
TEST_P(StreamCloseTest, TakesBackResultsThatWereNotDelivered) {
  connect(pair());
  sendAll(far_.get(), "ab\n");
  Read read;
  readExactly(read, {});
  settle();
  std::array<char, 1> into;
  readExactly(read, into);
  settle();
  readLine(read);  // done from the buffer, delivered by the next poll
  stream_ = StreamTransport();
  settle();
  EXPECT_EQ(read.completions(), 3u);
  EXPECT_EQ(read.error, TransportError::closed);
  EXPECT_EQ(read.data, "");
}

// T62: closed before, and kept open by a duplicate, a descriptor would stay in the kernel's set.
TEST_P(StreamCloseTest, LeavesTheReactorBeforeItCloses) {
  connect(pair());
  fill(stream_.fd());
  const UniqueFd kept = duplicate(stream_.fd());
  Read read;
  Write queued;
  readOnce(read);
  write(queued, "x");
  poll();
  const auto watched = [] {
    std::size_t count = 0;
    for (const Fd epoll : epollFds()) count += kernelSet(epoll).size();
    return count;
  };
  if (GetParam().hasKernelSet) {
    EXPECT_EQ(watched(), 1u);
  }
  time_.forget();
  stream_.close();
  ASSERT_FALSE(time_.watches().empty());
  for (const auto& watch : time_.watches()) EXPECT_EQ(watch.error, std::error_code());
  EXPECT_EQ(watched(), 0u);
  sendAll(far_.get(), "x");
  settle();
  EXPECT_EQ(read.error, TransportError::closed);
  EXPECT_EQ(poll(10ms), 0u);
}

// T62
TEST_P(StreamCloseTest, LeaksNoDescriptor) {
  const auto before = openFds();
  for (int i = 0; i < 1000; ++i) {
    Pair ends = pair();
    StreamTransport near = adopt(std::move(ends.near));
    StreamTransport far = adopt(std::move(ends.far));
    Read read;
    Write write;
    ok(near.write(write, "x", Write::done, &write));
    ok(far.readOnce(read, Read::done, &read));
    settle();
    ASSERT_EQ(read.data, "x");
  }
  EXPECT_TRUE(openedSince(before).empty());
}

// The context is a member of the fixture: these make one of their own.
class ContextEndTest : public StreamTest {
 protected:
  StreamTransport adoptIn(TransportContext& context, UniqueFd fd) {
    StreamTransport stream;
    ok(StreamTransport::adopt(context, fd.get(), stream));
    fd.release();
    return stream;
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, ContextEndTest, backends(), backendName);

TEST_P(ContextEndTest, EndsWhatIsPendingOnItOnce) {
  std::optional<TransportContext> context(std::in_place, reactor_);
  Pair ends = pair();
  StreamTransport stream = adoptIn(*context, std::move(ends.near));
  const std::string large = pattern(1 << 20);
  Read refused;
  Write write;
  Read read(
      [&] { EXPECT_EQ(stream.readOnce(refused, Read::done, &refused), TransportError::closed); });
  Write done;
  ok(stream.write(done, "x", Write::done, &done));
  ok(stream.write(write, large, Write::done, &write));
  ok(stream.readOnce(read, Read::done, &read));
  context.reset();
  EXPECT_EQ(done.completions(), 1u);
  EXPECT_FALSE(done.error);
  EXPECT_EQ(write.completions(), 1u);
  EXPECT_EQ(write.error, TransportError::closed);
  EXPECT_EQ(read.completions(), 1u);
  EXPECT_EQ(read.error, TransportError::closed);
  EXPECT_EQ(refused.completions(), 0u);
  EXPECT_FALSE(stream.isOpen());
  EXPECT_EQ(stream.write(write, "x", Write::done, &write), TransportError::closed);
  stream.close();
  EXPECT_EQ(poll(), 0u);
}

TEST_P(ContextEndTest, MayDestroyStreamsInItsLastCallbacks) {
  std::optional<TransportContext> context(std::in_place, reactor_);
  std::array<Pair, 2> ends = {pair(), pair()};
  std::array<std::optional<StreamTransport>, 2> streams;
  std::array<Read, 2> reads;
  for (std::size_t i = 0; i < 2; ++i) {
    streams[i] = adoptIn(*context, std::move(ends[i].near));
    ok(streams[i]->readOnce(reads[i], Read::done, &reads[i]));
    reads[i].setThen([&] {
      streams[0].reset();
      streams[1].reset();
    });
  }
  context.reset();
  EXPECT_EQ(reads[0].completions() + reads[1].completions(), 2u);
}

// IR29 for transports: a callback that throws loses nothing of the others.
TEST_P(StreamCloseTest, DeliversTheRestAfterACallbackThrew) {
  connect(pair());
  Write thrower([] { throw std::runtime_error("on purpose"); });
  Write next;
  write(thrower, "1");
  write(next, "2");
  EXPECT_THROW(reactor_.poll(0ms), std::runtime_error);
  EXPECT_EQ(next.completions(), 0u);
  settle();
  EXPECT_EQ(thrower.completions(), 1u);
  EXPECT_EQ(next.completions(), 1u);
}

}  // namespace
}  // namespace kairos
