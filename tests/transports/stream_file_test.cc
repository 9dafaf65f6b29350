// SPDX-License-Identifier: MIT OR Apache-2.0
// Files that are written to streams: by the OS, or through memory where it does not.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// A file without a name.
UniqueFd fileWith(std::string_view bytes) {
  UniqueFd file(::memfd_create("kairos", MFD_CLOEXEC));
  sendAll(file.get(), bytes);
  return file;
}

class StreamFileTest : public StreamTest {
 protected:
  struct Ends {
    const char* name;
    Pair (*make)();
    bool isPipe;
  };
  static constexpr std::array<Ends, 3> allEnds = {
      {{"unix", pair, false}, {"tcp", tcpPair, false}, {"pipe", pipePair, true}}};

  void connectToWrite(const Ends& kind) {
    Pair ends = kind.make();
    if (kind.isPipe) std::swap(ends.near, ends.far);
    connect(std::move(ends));
  }

  void writeFile(Write& write, const FileRange& range) {
    ok(stream_.writeFile(write, range, Write::done, &write));
  }

  // What the OS has taken is under way, which takes TCP some time.
  std::string receiveUntilDone(const Write& write) {
    std::string received;
    while (write.isPending() && !HasFailure()) {
      poll();
      received += receiveAll(far_.get());
    }
    while (received.size() < write.bytes) {
      pollfd arrival{far_.get(), POLLIN, 0};
      if (::poll(&arrival, 1, -1) < 0) break;
      received += receiveAll(far_.get());
    }
    return received + receiveAll(far_.get());
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamFileTest, backends(), backendName);

// T49, T52: from the middle, of sizes on both sides of what is copied.
TEST_P(StreamFileTest, SendsExactlyTheRangeAndLeavesThePosition) {
  const std::string bytes = pattern(3 << 20);
  const UniqueFd file = fileWith(bytes);
  ASSERT_EQ(::lseek(file.get(), 77, SEEK_SET), 77);
  for (const Ends& ends : allEnds) {
    for (const std::size_t size : {1u, 16384u, 16385u, 2000000u}) {
      connectToWrite(ends);
      Write write;
      writeFile(write, {.file = file.get(), .offset = 1000, .size = size});
      EXPECT_EQ(write.completions(), 0u) << "never inside the call";
      EXPECT_TRUE(receiveUntilDone(write) == bytes.substr(1000, size)) << ends.name << size;
      EXPECT_FALSE(write.error) << write.error.message();
      EXPECT_EQ(write.bytes, size);
      EXPECT_EQ(write.completions(), 1u);
      EXPECT_EQ(::lseek(file.get(), 0, SEEK_CUR), 77);
    }
  }
}

// T51
TEST_P(StreamFileTest, SendsToTheEndAndNothing) {
  const std::string bytes = pattern(100000);
  const UniqueFd file = fileWith(bytes);
  for (const Ends& ends : allEnds) {
    connectToWrite(ends);
    Write write;
    writeFile(write, {.file = file.get(), .offset = 10});
    EXPECT_TRUE(receiveUntilDone(write) == bytes.substr(10)) << ends.name;
    EXPECT_FALSE(write.error) << write.error.message();
    EXPECT_EQ(write.bytes, bytes.size() - 10);
    writeFile(write, {.file = file.get(), .offset = bytes.size() + 1});
    EXPECT_EQ(receiveUntilDone(write), "");
    EXPECT_FALSE(write.error);
    const SystemCallCount calls;
    writeFile(write, {.file = -1, .size = 0});
    settle();
    EXPECT_FALSE(write.error);
    EXPECT_EQ(write.bytes, 0u);
    EXPECT_EQ(calls[SystemCall::sendfile] + calls[SystemCall::pread], 0u);
    EXPECT_EQ(write.completions(), 3u);
  }
}

// T51: a file whose size the OS does not tell.
TEST_P(StreamFileTest, SendsAFileOfProcToItsEnd) {
  const UniqueFd file(::open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  const std::string expected = receiveAll(file.get());
  ASSERT_FALSE(expected.empty());
  connect(pair());
  Write write;
  writeFile(write, {.file = file.get()});
  EXPECT_EQ(receiveUntilDone(write), expected);
  EXPECT_FALSE(write.error) << write.error.message();
}

// T53
TEST_P(StreamFileTest, KeepsTheOrderAmongWrites) {
  const std::string bytes = pattern(1 << 20);
  const UniqueFd file = fileWith(bytes);
  for (const Ends& ends : allEnds) {
    connectToWrite(ends);
    const std::string head = pattern(300000);
    std::array<Write, 6> writes;
    std::string order;
    for (std::size_t i = 0; i < writes.size(); ++i) {
      writes[i].setThen([&order, i] { order += std::to_string(i); });
    }
    write(writes[0], head);
    writeFile(writes[1], {.file = file.get()});
    write(writes[2], "between");
    writeFile(writes[3], {.file = file.get(), .offset = 5, .size = 5});
    writeFile(writes[4], {.file = file.get(), .offset = 7, .size = 400000});
    shutdown(writes[5]);
    EXPECT_TRUE(receiveUntilDone(writes[5]) ==
                head + bytes + "between" + bytes.substr(5, 5) + bytes.substr(7, 400000))
        << ends.name;
    EXPECT_EQ(order, "012345");
    EXPECT_EQ(stream_.queuedBytes(), 0u);
  }
}

// T49, T54: a sparse file; what comes is discarded by the kernel.
TEST_P(StreamFileTest, CountsBeyondTwoGibibytes) {
  if (underValgrind()) GTEST_SKIP() << "valgrind looks for memory to discard to";
  constexpr std::uint64_t size = (std::uint64_t{2} << 30) + 12345;
  const UniqueFd file(::memfd_create("kairos", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), static_cast<off_t>(size)), 0);
  ASSERT_EQ(::pwrite(file.get(), "last", 4, static_cast<off_t>(size) - 4), 4);
  connect(tcpPair());
  Write write;
  writeFile(write, {.file = file.get(), .offset = 1, .size = size - 1});
  std::uint64_t received = 0;
  while (received < size - 1 && !HasFailure()) {
    poll();
    const ssize_t count = ::recv(far_.get(), nullptr, 1 << 30, MSG_TRUNC | MSG_DONTWAIT);
    if (count > 0) received += static_cast<std::uint64_t>(count);
  }
  EXPECT_EQ(received, size - 1);
  settle();
  EXPECT_FALSE(write.error);
  EXPECT_EQ(write.bytes, size - 1);
  writeFile(write, {.file = file.get(), .offset = size - 400000});
  EXPECT_TRUE(receiveUntilDone(write).ends_with("last"));
  EXPECT_EQ(write.bytes, 400000u);
}

// IT14: from beyond what 32 bits count, by the OS and through memory.
TEST_P(StreamFileTest, SendsFromBeyondFourGibibytes) {
  constexpr std::uint64_t offset = (std::uint64_t{1} << 32) + 12345;
  const std::string bytes = pattern(100000);
  const UniqueFd file(::memfd_create("kairos", MFD_CLOEXEC));
  ASSERT_EQ(::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
            static_cast<ssize_t>(bytes.size()));
  for (const Ends& ends : allEnds) {
    for (const bool isCopied : {false, true}) {
      connectToWrite(ends);
      if (isCopied) failCalls(SystemCall::sendfile, EINVAL);
      Write whole;
      writeFile(whole, {.file = file.get(), .offset = offset, .size = bytes.size()});
      EXPECT_TRUE(receiveUntilDone(whole) == bytes) << ends.name;
      EXPECT_FALSE(whole.error);
      Write last;
      writeFile(last, {.file = file.get(), .offset = offset + 99000, .size = 1000});
      EXPECT_TRUE(receiveUntilDone(last) == bytes.substr(99000)) << ends.name;
      EXPECT_EQ(last.bytes, 1000u);
    }
  }
}

// T54: interrupted, and refused for now.
TEST_P(StreamFileTest, GoesOnAfterInterruptionsAndRefusals) {
  const std::string bytes = pattern(5 << 20);
  const UniqueFd file = fileWith(bytes);
  connect(tcpPair());
  for (const int error : {EINTR, EAGAIN}) {
    Write write;
    failCalls(SystemCall::sendfile, error, 3, 1);
    writeFile(write, {.file = file.get(), .size = bytes.size()});
    EXPECT_TRUE(receiveUntilDone(write) == bytes) << error;
    EXPECT_TRUE(hasFailed(SystemCall::sendfile));
    EXPECT_FALSE(write.error);
    EXPECT_EQ(write.bytes, bytes.size());
  }
}

// T55: at once, and in the middle.
TEST_P(StreamFileTest, CopiesWhatTheOsDoesNotHandOver) {
  const std::string bytes = pattern(5 << 20);
  const UniqueFd file = fileWith(bytes);
  for (const Ends& ends : allEnds) {
    for (const int error : {EINVAL, ENOSYS, EOPNOTSUPP}) {
      for (const std::size_t after : {0u, 2u}) {
        connectToWrite(ends);
        failCalls(SystemCall::sendfile, error, 1, after);
        const SystemCallCount calls;
        Write write;
        writeFile(write, {.file = file.get(), .size = bytes.size()});
        EXPECT_TRUE(receiveUntilDone(write) == bytes) << ends.name << error;
        EXPECT_FALSE(write.error) << write.error.message();
        EXPECT_EQ(calls[SystemCall::sendfile], after + 1) << "it is not asked again";
        EXPECT_GE(calls[SystemCall::pread], 64u);
      }
    }
  }
}

// What is wrong with the file is the operation's, as long as nothing is sent.
TEST_P(StreamFileTest, ReportsAFileThatCannotBeRead) {
  const UniqueFd directory(::open("/", O_RDONLY | O_CLOEXEC));
  const UniqueFd writeOnly(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  const Pair pipe = pipePair();
  struct Row {
    Fd file;
    std::errc error;
  };
  connect(pair());
  for (const std::uint64_t size : {std::uint64_t{100}, std::uint64_t{100000}}) {
    for (const Row& row :
         {Row{-1, std::errc::bad_file_descriptor}, Row{unusedFd(), std::errc::bad_file_descriptor},
          Row{writeOnly.get(), std::errc::bad_file_descriptor},
          Row{directory.get(), std::errc::is_a_directory},
          Row{pipe.near.get(), std::errc::not_supported},  // T52
          Row{far_.get(), std::errc::not_supported}}) {
      Write write;
      Write next;
      writeFile(write, {.file = row.file, .size = size});
      this->write(next, "next");
      settle();
      EXPECT_EQ(write.error, row.error) << write.error.message();
      EXPECT_EQ(write.bytes, 0u);
      EXPECT_FALSE(next.error);
      EXPECT_EQ(receiveAll(far_.get()), "next");
    }
  }
}

// A file that ends too soon breaks the stream, if a part of it is sent.
TEST_P(StreamFileTest, ReportsATruncatedFile) {
  const std::string bytes = pattern(3 << 20);
  connect(pair());
  {
    const UniqueFd file = fileWith("abc");
    Write beyond;
    writeFile(beyond, {.file = file.get(), .offset = 3, .size = 1});
    settle();
    EXPECT_EQ(beyond.error, TransportError::incomplete);
  }
  for (const int error : {0, EINVAL}) {
    connect(pair());
    const UniqueFd file = fileWith(bytes);
    failCalls(SystemCall::sendfile, error, error != 0 ? 1 : 0);
    Write torn;
    Write behind;
    writeFile(torn, {.file = file.get(), .size = bytes.size()});
    write(behind, "behind");
    ASSERT_EQ(::ftruncate(file.get(), 1 << 20), 0);
    EXPECT_TRUE(receiveUntilDone(behind) == bytes.substr(0, 1 << 20));
    EXPECT_EQ(torn.error, TransportError::incomplete);
    EXPECT_EQ(torn.bytes, std::size_t{1} << 20);
    EXPECT_EQ(behind.error, std::errc::operation_canceled);
    EXPECT_EQ(poll(10ms), 0u);
  }
}

// T44: sendfile(2) raises SIGPIPE, which has its default here.
TEST_P(StreamFileTest, ReportsABrokenConnectionWithoutASignal) {
  const UniqueFd file = fileWith(pattern(5 << 20));
  for (const Ends& ends : allEnds) {
    for (const bool isCopied : {false, true}) {
      connectToWrite(ends);
      if (isCopied) failCalls(SystemCall::sendfile, EINVAL, 1000);
      Write write;
      Write behind;
      writeFile(write, {.file = file.get()});
      this->write(behind, "x");
      settle();
      far_.reset();
      settleUntilDone(behind);
      EXPECT_TRUE(write.error == std::errc::broken_pipe ||
                  write.error == std::errc::connection_reset)
          << ends.name << write.error.message();
      EXPECT_EQ(behind.error, write.error);
      failCalls(SystemCall::sendfile, 0, 0);
    }
  }
}

// T44: the peer is gone, and its reset comes while sendfile(2) is at work: that has sent a part,
// and raised the signal for the next.
TEST_P(StreamFileTest, TakesBackTheSignalOfACallThatSentAPart) {
  const UniqueFd file = fileWith(pattern(4 << 20));
  connectToWrite(allEnds[1]);
  const int room = 4 << 20;
  ASSERT_EQ(::setsockopt(stream_.fd(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
  far_.reset();
  Write write;
  writeFile(write, {.file = file.get(), .size = 4 << 20});
  settleUntilDone(write);
  EXPECT_TRUE(write.error == std::errc::broken_pipe || write.error == std::errc::connection_reset)
      << write.error.message();
}

// Others are served while a large file goes out: a bounded part per poll.
TEST_P(StreamFileTest, SendsABoundedPartPerPoll) {
  const UniqueFd file = fileWith(pattern(16 << 20));
  for (const int error : {0, EINVAL}) {
    connectToWrite(allEnds[1]);
    failCalls(SystemCall::sendfile, error, error != 0 ? 1 : 0);
    Write write;
    writeFile(write, {.file = file.get()});
    while (write.isPending()) {
      receiveAll(far_.get());
      const SystemCallCount calls;
      poll();
      EXPECT_LE(calls[SystemCall::sendfile] + calls[SystemCall::send], 9u);
    }
    EXPECT_FALSE(write.error);
  }
}

TEST_P(StreamFileTest, CancelsAndForgets) {
  const UniqueFd file = fileWith(pattern(1 << 20));
  connect(pair());
  fill(stream_.fd());
  Write first;
  write(first, "first");
  Write write;
  auto dropped = std::make_unique<Write>();
  writeFile(write, {.file = file.get()});
  writeFile(*dropped, {.file = file.get()});
  EXPECT_EQ(stream_.queuedBytes(), 5u) << "files are not in memory";
  EXPECT_TRUE(stream_.cancel(write));
  dropped.reset();
  EXPECT_EQ(stream_.queuedBytes(), 5u);
  EXPECT_TRUE(receiveUntilDone(first).ends_with("first"));
  settle();
  EXPECT_EQ(write.error, std::errc::operation_canceled);
}

TEST_P(StreamFileTest, RefusesWhatNoFileHas) {
  connect(pair());
  Write write;
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  for (const FileRange& range :
       {FileRange{.file = 0, .offset = most + 1}, FileRange{.file = 0, .offset = most, .size = 1},
        FileRange{.file = 0, .offset = 1, .size = most}}) {
    EXPECT_EQ(stream_.writeFile(write, range, Write::done, &write), std::errc::invalid_argument);
  }
  EXPECT_EQ(stream_.writeFile(write, {}, nullptr, nullptr), std::errc::invalid_argument);
  EXPECT_FALSE(write.isPending());
}

// Small files cost one call to read and one to send.
TEST_P(StreamFileTest, CostsTwoCallsIfItIsSmall) {
  const UniqueFd file = fileWith(pattern(16384));
  connect(pair());
  Write write;
  writeFile(write, {.file = file.get(), .size = 16384});
  settle();
  receiveAll(far_.get());
  const SystemCallCount calls;
  const AllocationCount allocations;
  writeFile(write, {.file = file.get(), .size = 16384});
  EXPECT_EQ(calls[SystemCall::pread], 1u);
  EXPECT_EQ(calls[SystemCall::send], 1u);
  EXPECT_EQ(calls[SystemCall::sendfile], 0u);
  EXPECT_EQ(allocations.allocations(), 0u);
  settle();
  EXPECT_FALSE(write.error);
}

// T26: sendfile(2) sends a part, is told of the reset by the next, and keeps it to itself. Here the
// peer has closed before its own bytes were taken, and resets when the first part comes.
TEST_P(StreamFileTest, DoesNotTakeAResetInTheMidstOfAFileForTheEnd) {
  const std::string bytes = pattern(1 << 20);
  const UniqueFd file = fileWith(bytes);
  for (const bool readsLater : {false, true}) {
    connect(tcpPair());
    fill(far_.get());
    far_.reset();
    Write write;
    writeFile(write, {.file = file.get(), .size = bytes.size()});
    ASSERT_TRUE(write.isPending());
    ASSERT_EQ(stream_.failure(), std::error_code()) << "the write was told of it";
    if (readsLater) settleUntilDone(write);
    Read read;
    readToEnd(read, 64 << 20);
    settleUntilDone(read);
    settleUntilDone(write);
    EXPECT_EQ(read.error, std::errc::connection_reset) << read.error.message();
    EXPECT_FALSE(read.atEnd);
    EXPECT_TRUE(write.error);
    EXPECT_GT(write.bytes, 0u);
  }
}

}  // namespace
}  // namespace kairos
