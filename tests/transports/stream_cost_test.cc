// SPDX-License-Identifier: MIT OR Apache-2.0
// What operations cost in system calls and allocations. On real time: epoll is counted.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

// One end of a conversation: answers each message with itself.
class Player {
 public:
  Player(TransportContext& context, UniqueFd fd, std::string message)
      : message_(std::move(message)), into_(message_.size(), '\0') {
    EXPECT_FALSE(StreamTransport::adopt(context, fd.get(), stream_));
    fd.release();
  }

  void serve() { EXPECT_FALSE(stream_.write(write_, message_, onWritten, this)); }
  void listen() { EXPECT_FALSE(stream_.readExactly(read_, into_, onRead, this)); }
  std::size_t rounds() const { return rounds_; }

 private:
  static void onWritten(void*) {}
  static void onRead(void* udata) {
    auto& self = *static_cast<Player*>(udata);
    ASSERT_TRUE(self.read_.data == self.message_);
    ++self.rounds_;
    self.listen();
    self.serve();
  }

  const std::string message_;
  std::string into_;
  StreamTransport stream_;
  ReadOperation read_;
  WriteOperation write_;
  std::size_t rounds_ = 0;
};

class StreamCostTest : public testing::Test {
 protected:
  Reactor reactor_;
  TransportContext context_{reactor_};
};

// A size is a peer's word. Memory is taken for what comes, whatever the limit allows.
TEST_F(StreamCostTest, AMessageCostsNothingBeforeItComes) {
  Pair ends = pair();
  StreamTransport stream;
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.near.release(), stream));
  static std::size_t told;
  const auto sizeOf = [](void*, std::string_view) { return MessageSize{.size = told}; };
  const auto isRefused = [&](std::size_t size, std::size_t limit) {
    told = size;
    Read read;
    EXPECT_FALSE(stream.readMessage(read, sizeOf, {.limit = limit}, Read::done, &read));
    for (int polls = 0; polls < 10 && read.isPending(); ++polls) reactor_.poll(0ms);
    return read.error == TransportError::overLimit;
  };
  sendAll(ends.far.get(), "x");
  EXPECT_TRUE(isRefused(2, 1));
  const AllocationCount allocations;
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  for (const std::size_t size : {std::size_t{1} << 31, std::size_t{1} << 63, all}) {
    EXPECT_TRUE(isRefused(size, size - 1));
    EXPECT_FALSE(isRefused(size, all)) << "it may come";
  }
  EXPECT_EQ(allocations.allocations(), 0u);
  EXPECT_EQ(stream.peek(), "x");
}

// S0-39 to S0-41: 6 system calls per round trip, no epoll_ctl, no allocation, whatever the size.
TEST_F(StreamCostTest, ARoundTripCostsSixSystemCalls) {
  for (const std::size_t size : {1u, 4u, 4096u, 16384u, 32768u}) {
    SCOPED_TRACE(size);
    Pair ends = tcpPair();
    Player near(context_, std::move(ends.near), pattern(size));
    Player far(context_, std::move(ends.far), pattern(size));
    near.listen();
    far.listen();
    near.serve();
    while (near.rounds() < 10) reactor_.poll(Reactor::forever);
    const std::size_t before = near.rounds();
    const SystemCallCount calls;
    const AllocationCount allocations;
    while (near.rounds() < before + 1000) reactor_.poll(Reactor::forever);
    EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
    EXPECT_EQ(calls.waits(), 2000u);
    EXPECT_EQ(calls[SystemCall::send], 2000u);
    EXPECT_EQ(calls[SystemCall::recv], 2000u);
    EXPECT_EQ(calls[SystemCall::sendmsg], 0u);
    EXPECT_EQ(allocations.allocations(), 0u);
  }
}

// S0-41: one to watch it and one to forget it, whatever is sent meanwhile.
TEST_F(StreamCostTest, AConnectionCostsTwoChangesOfTheWatchInItsLife) {
  Pair ends = pair();
  StreamTransport stream;
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.near.release(), stream));
  Read read;
  Write write;
  const SystemCallCount calls;
  for (int i = 0; i < 100; ++i) {
    ASSERT_FALSE(stream.readOnce(read, Read::done, &read));
    reactor_.poll(0ms);
    ASSERT_FALSE(stream.write(write, "question", Write::done, &write));
    sendAll(ends.far.get(), "answer");
    while (read.isPending()) reactor_.poll(0ms);
    ASSERT_EQ(read.data, "answer");
  }
  EXPECT_EQ(calls[SystemCall::epollCtl], 1u);
  EXPECT_EQ(calls[SystemCall::epollAdd], 1u);
  stream.close();
  EXPECT_EQ(calls[SystemCall::epollCtl], 2u);
  EXPECT_EQ(calls[SystemCall::epollAdd], 1u);
}

// S0-39 to S0-41: a window of the socket is filled by one call, and waited for by another, also
// where the file says how much there is. A call more tells that it has ended then.
TEST_F(StreamCostTest, AFileCostsTwoCallsForEachWindowOfTheSocket) {
  Pair ends = pair();
  StreamTransport stream;
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.near.release(), stream));
  const UniqueFd file(::memfd_create("kairos", MFD_CLOEXEC));
  constexpr std::size_t size = 4 << 20;
  ASSERT_EQ(::ftruncate(file.get(), size), 0);
  Write write;
  const auto sendFile = [&](std::uint64_t asked) {
    ASSERT_FALSE(stream.writeFile(write, {.file = file.get(), .size = asked}, Write::done, &write));
    while (write.isPending()) {
      drain(ends.far.get());
      reactor_.poll(0ms);
    }
    ASSERT_EQ(write.bytes, size);
    drain(ends.far.get());
  };
  sendFile(size);
  for (const std::uint64_t asked : {std::uint64_t{size}, FileRange::toEnd}) {
    const SystemCallCount calls;
    const AllocationCount allocations;
    sendFile(asked);
    EXPECT_GT(calls.waits(), 1u);
    EXPECT_EQ(calls[SystemCall::sendfile], calls.waits() + (asked == size ? 1 : 2));
    EXPECT_EQ(calls[SystemCall::send] + calls[SystemCall::pread], 0u);
    EXPECT_LE(calls[SystemCall::epollCtl], 2u);
    EXPECT_EQ(allocations.allocations(), 0u);
  }
}

// T46
TEST_F(StreamCostTest, QueuedWritesAreGathered) {
  Pair ends = pair();
  fill(ends.near.get());
  StreamTransport stream;
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.near.release(), stream));
  std::vector<Write> writes(1000);
  for (Write& write : writes) {
    ASSERT_FALSE(stream.write(write, "message", Write::done, &write));
  }
  const SystemCallCount calls;
  while (writes.back().completions() == 0) {
    reactor_.poll(0ms);
    drain(ends.far.get());
  }
  EXPECT_LE(calls[SystemCall::send] + calls[SystemCall::sendmsg], 1000u / 16);
}

// T35, T38, T40
TEST_F(StreamCostTest, AWriteCostsOneCallAndAnEmptyOneNone) {
  Pair ends = pair();
  StreamTransport stream;
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.near.release(), stream));
  Write write;
  const SystemCallCount calls;
  ASSERT_FALSE(stream.write(write, "x", Write::done, &write));
  reactor_.poll(0ms);
  EXPECT_EQ(calls[SystemCall::send], 1u);
  ASSERT_FALSE(stream.write(write, "", Write::done, &write));
  reactor_.poll(0ms);
  ASSERT_FALSE(stream.shutdown(write, Write::done, &write));
  reactor_.poll(0ms);
  ASSERT_FALSE(stream.write(write, "x", Write::done, &write));
  reactor_.poll(0ms);
  EXPECT_EQ(write.completions(), 4u);
  EXPECT_EQ(calls[SystemCall::send], 1u);
  EXPECT_EQ(calls[SystemCall::sendmsg], 0u);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
}

// T07
TEST_F(StreamCostTest, BufferedLinesCostNoCall) {
  Pair ends = pair();
  std::string lines;
  for (int i = 0; i < 100; ++i) lines += "line\n";
  sendAll(ends.far.get(), lines);
  StreamTransport stream;
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.near.release(), stream));
  const SystemCallCount calls;
  Read read;
  read.setThen([&] {
    EXPECT_EQ(read.data, "line");
    if (read.completions() < 100) {
      ASSERT_FALSE(stream.readLine(read, {}, Read::done, &read));
    }
  });
  ASSERT_FALSE(stream.readLine(read, {}, Read::done, &read));
  reactor_.poll(0ms);
  EXPECT_EQ(read.completions(), 100u) << "in one poll";
  EXPECT_EQ(calls[SystemCall::recv], 1u);
  EXPECT_EQ(calls[SystemCall::epollCtl], 1u);
}

// No read buffer until data comes, and none after it was read; no queue of writes. What is left is
// the stream, with what the heap adds to it, its slot in the reactor, and the read that waits.
TEST_F(StreamCostTest, AnIdleConnectionTakes256Bytes) {
  constexpr std::size_t connections = 100;
  constexpr std::size_t perSlot = 56;  // as reactor.h says
  constexpr std::size_t perAllocation = 8;
  std::vector<StreamTransport> streams(connections);
  std::vector<ReadOperation> reads(connections);
  std::vector<UniqueFd> fars;
  std::vector<UniqueFd> nears;
  const auto ignore = [](void*) {};
  for (std::size_t i = 0; i < connections; ++i) {
    Pair ends = pair();
    nears.push_back(std::move(ends.near));
    fars.push_back(std::move(ends.far));
    // The reactor's table grows in chunks, which it keeps.
    ASSERT_FALSE(reactor_.addReader(nears[i].get(), ignore, nullptr));
    reactor_.removeReader(nears[i].get());
  }
  const AllocationCount allocations;
  for (std::size_t i = 0; i < connections; ++i) {
    ASSERT_FALSE(StreamTransport::adopt(context_, nears[i].release(), streams[i]));
    ASSERT_FALSE(streams[i].readOnce(reads[i], ignore, nullptr));
  }
  WriteOperation write;
  for (std::size_t i = 0; i < connections; ++i) {
    writeByte(fars[i].get());
    while (reads[i].isPending()) reactor_.poll(0ms);
    ASSERT_FALSE(streams[i].write(write, "answer", ignore, nullptr));
    ASSERT_FALSE(streams[i].readOnce(reads[i], ignore, nullptr));
    while (write.isPending()) reactor_.poll(0ms);
  }
  // One buffer and one queue for all.
  const auto bytes = static_cast<std::size_t>(allocations.bytes()) - 16384 - 112;
  const std::size_t each = bytes / connections + perAllocation + perSlot + sizeof(ReadOperation) +
                           sizeof(StreamTransport);
  RecordProperty("bytesPerConnection", static_cast<int>(each));
  EXPECT_LE(each, 256u);
  // A session of its own on the heap has a write too.
  const std::size_t session = each + sizeof(WriteOperation) + perAllocation;
  RecordProperty("bytesPerSession", static_cast<int>(session));
  EXPECT_LE(session, 360u);
}

// What an operation keeps its bytes in is kept for the next.
TEST_F(StreamCostTest, OnlyTheFirstOwnedWriteOfAnOperationAllocates) {
  Pair ends = pair();
  StreamTransport stream;
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.near.release(), stream));
  Write write;
  const auto writeOwned = [&] { return stream.writeOwned(write, "owned", Write::done, &write); };
  {
    const OutOfMemory none(1, 1);
    EXPECT_EQ(writeOwned(), std::errc::not_enough_memory);
  }
  EXPECT_FALSE(write.isPending());
  ASSERT_FALSE(writeOwned());
  reactor_.poll(0ms);
  const AllocationCount allocations;
  ASSERT_FALSE(writeOwned());
  reactor_.poll(0ms);
  EXPECT_EQ(allocations.allocations(), 0u);
  EXPECT_EQ(write.completions(), 2u);
}

// A queue of writes costs an allocation only while many streams have one at the same time.
TEST_F(StreamCostTest, WritesThatWaitCostNoAllocationInSteadyState) {
  Pair ends = pair();
  StreamTransport stream;
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.near.release(), stream));
  const std::string large(1 << 20, 'x');
  Write write;
  const auto writeAndReceive = [&] {
    ASSERT_FALSE(stream.write(write, large, Write::done, &write));
    while (write.isPending()) {
      drain(ends.far.get());
      reactor_.poll(0ms);
    }
  };
  writeAndReceive();
  const AllocationCount allocations;
  writeAndReceive();
  EXPECT_EQ(allocations.allocations(), 0u);
}

// What is kept for a wait goes with it.
TEST_F(StreamCostTest, AStreamWhoseCloseNobodyWaitsForAnyMoreIsIdle) {
  Pair ends = pair();
  StreamTransport streams[2];
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.near.release(), streams[0]));
  ASSERT_FALSE(StreamTransport::adopt(context_, ends.far.release(), streams[1]));
  Watched<CloseOperation> wait;
  const auto waitAndCancel = [&](StreamTransport& stream) {
    ASSERT_FALSE(stream.waitUntilClosed(wait, wait.done, &wait));
    EXPECT_TRUE(stream.cancel(wait));
    reactor_.poll(0ms);
  };
  waitAndCancel(streams[0]);
  const AllocationCount allocations;
  waitAndCancel(streams[1]);
  EXPECT_EQ(allocations.allocations(), 0u) << "one queue for both";
  EXPECT_EQ(wait.completions(), 2u);
}

}  // namespace
}  // namespace kairos
