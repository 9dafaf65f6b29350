// SPDX-License-Identifier: MIT OR Apache-2.0
// Pipes, named ones, and descriptors that others share, such as standard input and output.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <string>
#include <utility>

#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

bool isBlocking(Fd fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; }

void makeBlocking(Fd fd) { ASSERT_EQ(::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK), 0); }

class StandardStreamTest : public StreamTest {
 protected:
  // A named pipe, which exists until it was opened.
  class Fifo {
   public:
    Fifo() { EXPECT_EQ(::mkfifo(path_.c_str(), 0600), 0); }
    ~Fifo() { ::unlink(path_.c_str()); }
    Fifo(const Fifo&) = delete;
    Fifo& operator=(const Fifo&) = delete;
    UniqueFd open(int mode) const {
      return UniqueFd(::open(path_.c_str(), mode | O_NONBLOCK | O_CLOEXEC));
    }

   private:
    const std::string path_ = "/tmp/kairos-" + std::to_string(::getpid()) + "-fifo";
  };
};

INSTANTIATE_TEST_SUITE_P(Backends, StandardStreamTest, backends(), backendName);

// What a program has of its terminal, and the terminal's own end. Empty: there are none here.
Pair terminalPair() {
  UniqueFd own(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (own.get() < 0) return {};
  EXPECT_EQ(::unlockpt(own.get()), 0);
  UniqueFd ofProgram(::open(::ptsname(own.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  return {std::move(ofProgram), std::move(own)};
}

// T136: a shell and its commands share the open file of their terminal.
TEST_P(StandardStreamTest, IsBlockingAgainAfterTheClose) {
  for (const auto make : {pair, pipePair, terminalPair}) {
    Pair ends = make();
    if (ends.near.get() < 0) GTEST_SKIP() << "there is no /dev/ptmx here";
    const UniqueFd ofOthers = duplicate(ends.near.get());
    for (int how = 0; how < 3; ++how) {
      makeBlocking(ofOthers.get());
      stream_ = adopt(duplicate(ofOthers.get()));
      EXPECT_FALSE(isBlocking(ofOthers.get()));
      if (how == 0) stream_.close();
      if (how == 1) stream_ = StreamTransport();
      if (how == 2) {
        Write end;
        ok(stream_.closeAfterFlush(end, Write::done, &end));
        settle();
      }
      EXPECT_TRUE(isBlocking(ofOthers.get()));
    }
    // What was non-blocking stays so.
    ASSERT_EQ(::fcntl(ofOthers.get(), F_SETFL, ::fcntl(ofOthers.get(), F_GETFL) | O_NONBLOCK), 0);
    stream_ = adopt(duplicate(ofOthers.get()));
    stream_.close();
    EXPECT_FALSE(isBlocking(ofOthers.get()));
  }
}

// T136: 0, 1 and 2 are copies of one descriptor; a write on one must not wait for the reader when
// another one was closed.
TEST_P(StandardStreamTest, IsNonBlockingUntilTheLastStreamOfTheFileIsClosed) {
  for (const auto make : {pair, pipePair}) {
    Pair ends = make();
    const UniqueFd ofOthers = duplicate(ends.far.get());
    makeBlocking(ofOthers.get());
    std::array<StreamTransport, 3> streams;
    for (auto& stream : streams) stream = adopt(duplicate(ofOthers.get()));
    streams[0].close();
    EXPECT_FALSE(isBlocking(ofOthers.get()));
    stream_ = std::move(streams[1]);
    Write write;
    const std::string sent = pattern(8 << 20);
    this->write(write, sent);
    EXPECT_TRUE(write.isPending());
    stream_.close();
    EXPECT_FALSE(isBlocking(ofOthers.get()));
    streams[2].close();
    EXPECT_TRUE(isBlocking(ofOthers.get()));
  }
}

// T136: of one pipe or terminal there may be several open files, with flags of their own.
TEST_P(StandardStreamTest, IsToldFromAnotherOpenFileOfTheSamePipe) {
  const Fifo fifo;
  const UniqueFd one = fifo.open(O_RDWR);
  const UniqueFd other = fifo.open(O_RDWR);
  makeBlocking(one.get());
  StreamTransport ofOther = adopt(duplicate(other.get()));
  StreamTransport ofOne = adopt(duplicate(one.get()));
  StreamTransport secondOfOther = adopt(duplicate(other.get()));
  ofOne.close();
  EXPECT_TRUE(isBlocking(one.get()));
  ofOther.close();
  secondOfOther.close();
  EXPECT_FALSE(isBlocking(other.get())) << "it was non-blocking before";
}

// T136: registered for writing by somebody else, as for reading.
TEST_P(StandardStreamTest, RefusesWhatSomebodyElseWatches) {
  Pair ends = pair();
  const auto never = [](void*) {};
  StreamTransport stream;
  ok(reactor_.addWriter(ends.near.get(), never, nullptr));
  EXPECT_EQ(StreamTransport::adopt(context_, ends.near.get(), stream), std::errc::file_exists);
  EXPECT_TRUE(reactor_.removeWriter(ends.near.get()));
  ok(reactor_.addReader(ends.near.get(), never, nullptr));
  EXPECT_EQ(StreamTransport::adopt(context_, ends.near.get(), stream), std::errc::file_exists);
  EXPECT_TRUE(reactor_.removeReader(ends.near.get()));
}

// T137: what cannot be watched is refused, and left as it was.
TEST_P(StandardStreamTest, RefusesAFileAndLeavesItsFlags) {
  const UniqueFd file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  StreamTransport stream;
  EXPECT_EQ(StreamTransport::adopt(context_, file.get(), stream),
            std::errc::operation_not_permitted);
  EXPECT_TRUE(isBlocking(file.get()));
}

// T133, T134
TEST_P(StandardStreamTest, CarriesMebibytesThroughAPipe) {
  connect(pipePair());
  StreamTransport writer = adopt(std::move(far_));
  const std::string sent = pattern(16 << 20);
  Write write;
  ok(writer.write(write, sent, Write::done, &write));
  Write end;
  ok(writer.shutdown(end, Write::done, &end));
  Read read;
  readToEnd(read, sent.size());
  settleUntilDone(read);
  EXPECT_TRUE(read.data == sent);
  EXPECT_TRUE(read.atEnd);
  EXPECT_EQ(write.bytes, sent.size());
}

// T134: the reader goes while more is to be written than a pipe holds.
TEST_P(StandardStreamTest, ReportsThatTheReaderHasGone) {
  connect(pipePair());
  StreamTransport writer = adopt(std::move(far_));
  const std::string sent = pattern(1 << 20);
  Write write;
  ok(writer.write(write, sent, Write::done, &write));
  stream_.close();
  settleUntilDone(write);
  EXPECT_EQ(write.error, std::errc::broken_pipe);
}

// Otherwise a read would wait until the other end is closed, and a write is refused by the OS.
TEST_P(StandardStreamTest, KnowsTheDirectionOfAPipe) {
  Pair ends = pipePair();
  StreamTransport reader = adopt(std::move(ends.near));
  StreamTransport writer = adopt(std::move(ends.far));
  Read read;
  Write write;
  ok(writer.readOnce(read, Read::done, &read));
  ok(reader.write(write, "x", Write::done, &write));
  settle();
  EXPECT_EQ(read.completions() + write.completions(), 2u);
  EXPECT_EQ(read.error, std::errc::bad_file_descriptor);
  EXPECT_EQ(write.error, std::errc::bad_file_descriptor);
  EXPECT_EQ(writer.failure(), std::error_code());
  EXPECT_TRUE(writer.isOpen());
}

// T135
TEST_P(StandardStreamTest, ReadsWhatADeadProcessHasWritten) {
  connect(pipePair());
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::write(far_.get(), "last words", 10) == 10 ? 0 : 1);
  far_.reset();
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  Read read;
  readToEnd(read);
  settleUntilDone(read);
  EXPECT_EQ(read.data, "last words");
  EXPECT_TRUE(read.atEnd);
  EXPECT_FALSE(read.error);
}

// T138: a named pipe is no end before there was a peer, and wakes nobody.
TEST_P(StandardStreamTest, WaitsForThePeerOfANamedPipe) {
  const Fifo fifo;
  stream_ = adopt(fifo.open(O_RDONLY));
  Read read;
  readOnce(read);
  EXPECT_EQ(poll(10ms), 0u);
  EXPECT_EQ(poll(10ms), 0u);
  EXPECT_TRUE(read.isPending());
  UniqueFd writer = fifo.open(O_WRONLY);
  EXPECT_EQ(poll(10ms), 0u);
  sendAll(writer.get(), "hello");
  settle();
  EXPECT_EQ(read.data, "hello");
  readOnce(read);
  writer.reset();
  settle();
  EXPECT_TRUE(read.atEnd);
  EXPECT_EQ(poll(10ms), 0u) << "nor does its end";
}

// T138: the other way round, opening reports that nobody reads; that both are one's own is allowed.
TEST_P(StandardStreamTest, IsBothEndsOfANamedPipe) {
  const Fifo fifo;
  EXPECT_LT(fifo.open(O_WRONLY).get(), 0);
  EXPECT_EQ(errno, ENXIO);
  stream_ = adopt(fifo.open(O_RDWR));
  Read read;
  readOnce(read);
  EXPECT_EQ(poll(10ms), 0u);
  Write write;
  this->write(write, "echo");
  settle();
  EXPECT_EQ(read.data, "echo");
  EXPECT_EQ(write.completions(), 1u);
}

}  // namespace
}  // namespace kairos
