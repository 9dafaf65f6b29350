// SPDX-License-Identifier: MIT OR Apache-2.0
// What reads take of memory and of the OS, whatever a peer sends: no more than was asked for.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <system_error>

#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t blockBytes = 16384;
constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();

MessageSize neverKnown(void*, std::string_view) { return {}; }

// A read that has a limit.
struct Bounded {
  const char* name;
  std::error_code (*start)(StreamTransport& stream, Read& read, std::size_t limit);
};

constexpr Bounded boundedReads[] = {
    {"line", [](StreamTransport& stream, Read& read,
                std::size_t limit) { return stream.readLine(read, {limit}, Read::done, &read); }},
    {"until",
     [](StreamTransport& stream, Read& read, std::size_t limit) {
       return stream.readUntil(read, ";", {limit}, Read::done, &read);
     }},
    {"message",
     [](StreamTransport& stream, Read& read, std::size_t limit) {
       return stream.readMessage(read, neverKnown, {limit}, Read::done, &read);
     }},
    {"to end",
     [](StreamTransport& stream, Read& read, std::size_t limit) {
       return stream.readToEnd(read, {limit}, Read::done, &read);
     }},
};

// On a reactor without the record that the others keep, which allocates.
class StreamBoundTest : public testing::Test {
 protected:
  static void ok(std::error_code error) { ASSERT_EQ(error, std::error_code()); }

  StreamTransport adopt(UniqueFd fd) {
    StreamTransport stream;
    ok(StreamTransport::adopt(context_, fd.release(), stream));
    return stream;
  }
  void connect(Pair ends) {
    stream_ = adopt(std::move(ends.near));
    far_ = std::move(ends.far);
  }
  void finish(const Read& read) {
    while (read.isPending() && !HasFailure()) ok(reactor_.poll(30s).error);
  }
  void readByte(Read& read) {
    std::array<char, 1> into;
    ok(stream_.readExactly(read, into, Read::done, &read));
    finish(read);
  }

  Reactor reactor_;
  TransportContext context_{reactor_};
  StreamTransport stream_;
  UniqueFd far_;
};

// T01, T07: neither to read nor to watch.
TEST_F(StreamBoundTest, WhatIsBufferedAndNothingAreReadWithoutTheOs) {
  connect(pair());
  Read read;
  const auto expectNoCall = [&](std::string_view data, auto start) {
    const SystemCallCount calls;
    ok(start());
    ok(reactor_.poll(0ms).error);
    EXPECT_FALSE(read.isPending());
    EXPECT_FALSE(read.error);
    EXPECT_EQ(read.data, data);
    EXPECT_EQ(read.bytes, data.size());
    EXPECT_EQ(calls[SystemCall::recv] + calls[SystemCall::fcntl], 0u);
    EXPECT_EQ(calls[SystemCall::epollCtl], 0u);
  };
  const auto readNothing = [&] { return stream_.readExactly(read, {}, Read::done, &read); };
  std::array<char, 2> into;
  expectNoCall("", readNothing);
  sendAll(far_.get(), "abcdefg");
  expectNoCall("", readNothing);
  readByte(read);
  expectNoCall("bc", [&] { return stream_.readOnce(read, into, Read::done, &read); });
  expectNoCall("de", [&] { return stream_.readExactly(read, into, Read::done, &read); });
  expectNoCall("fg", [&] { return stream_.readOnce(read, Read::done, &read); });
  far_.reset();
  expectNoCall("", readNothing);
  ok(stream_.readOnce(read, Read::done, &read));
  finish(read);
  EXPECT_TRUE(read.atEnd);
  expectNoCall("", readNothing);
  expectNoCall("", [&] { return stream_.readOnce(read, Read::done, &read); });
  EXPECT_EQ(read.completions(), 10u);
}

// T18, IT6, IT11: a peer that sends without end is stopped by the limit, and by nobody reading.
TEST_F(StreamBoundTest, AFloodTakesNoMoreThanTheLimitAndARead) {
  const std::string flood(10 << 20, 'x');
  for (const Bounded& kind : boundedReads) {
    for (const std::size_t limit : {1u, 4096u, 16384u, 65536u, 1u << 20}) {
      SCOPED_TRACE(testing::Message() << kind.name << ", " << limit);
      Pair ends = pair();
      Read read;
      Write write;
      const AllocationCount memory;
      stream_ = adopt(std::move(ends.near));
      StreamTransport writer = adopt(std::move(ends.far));
      ok(writer.write(write, flood, Write::done, &write));
      ok(kind.start(stream_, read, limit));
      finish(read);
      EXPECT_EQ(read.error, TransportError::overLimit);
      EXPECT_GE(stream_.peek().size(), limit);
      // A buffer grows to twice its size, so that a read fills as much as there is.
      const std::size_t most = 2 * std::max(limit, blockBytes);
      EXPECT_LE(stream_.peek().size(), most);
      for (int i = 0; i < 100; ++i) ok(reactor_.poll(0ms).error);
      EXPECT_TRUE(write.isPending());
      EXPECT_LE(stream_.peek().size(), most);
      constexpr std::size_t pooled = 65536;  // streams, and the blocks that the context keeps
      EXPECT_LE(memory.bytes(), static_cast<std::ptrdiff_t>(most + pooled));
      writer.close();
      stream_.close();
      ok(reactor_.poll(0ms).error);
    }
  }
}

// IT12: what may come needs no memory before it comes.
TEST_F(StreamBoundTest, ALimitCostsNothing) {
  connect(pair());
  Read read;
  sendAll(far_.get(), "x");
  readByte(read);
  const AllocationCount memory;
  for (const Bounded& kind : boundedReads) {
    ok(kind.start(stream_, read, unlimited));
    ok(reactor_.poll(0ms).error);
    EXPECT_TRUE(stream_.cancel(read));
    finish(read);
  }
  ok(stream_.consume(read, unlimited, Read::done, &read));
  ok(reactor_.poll(0ms).error);
  EXPECT_TRUE(stream_.cancel(read));
  finish(read);
  EXPECT_EQ(memory.allocations(), 0u);
}

// IT12
TEST_F(StreamBoundTest, ASizeCostsNothing) {
  if (underValgrind()) GTEST_SKIP() << "valgrind looks for the memory that is not there";
  connect(pair());
  Read read;
  sendAll(far_.get(), "x");
  readByte(read);
  const AllocationCount memory;
  // More than there can be; the user has less, and the peer sends less. Not on the stack: Linux
  // makes sure that the addresses of all it may read at once, 2 GiB, are a user's.
  static std::array<char, 16> into{};
  ok(stream_.readExactly(read, {into.data(), unlimited}, Read::done, &read));
  sendAll(far_.get(), "abc");
  far_.reset();
  finish(read);
  EXPECT_EQ(read.error, TransportError::incomplete);
  EXPECT_EQ(read.data, "abc");
  EXPECT_EQ(memory.allocations(), 0u);
}

// T21: through one block, again and again.
TEST_F(StreamBoundTest, DiscardingManyMebibytesAllocatesNothing) {
  const std::string flood = pattern(10 << 20);
  Pair ends = pair();
  stream_ = adopt(std::move(ends.near));
  StreamTransport writer = adopt(std::move(ends.far));
  Read read;
  Write write;
  ok(writer.write(write, flood, Write::done, &write));
  ok(stream_.consume(read, 100'000, Read::done, &read));
  finish(read);
  const AllocationCount memory;
  ok(stream_.consume(read, flood.size() - 100'001, Read::done, &read));
  finish(read);
  EXPECT_EQ(memory.allocations(), 0u);
  EXPECT_EQ(read.bytes, flood.size() - 100'001);
  EXPECT_EQ(read.completions(), 2u);
  ok(stream_.readOnce(read, Read::done, &read));
  finish(read);
  EXPECT_EQ(read.data, flood.substr(flood.size() - 1)) << "and not a byte more";
}

}  // namespace
}  // namespace kairos
