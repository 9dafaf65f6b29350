// SPDX-License-Identifier: MIT OR Apache-2.0
// What a coroutine costs more than callbacks: nothing that could be counted. On real time: epoll is
// counted.
#include <gtest/gtest.h>

#include <array>
#include <string_view>
#include <utility>

#include "kairos/futures-addon/check.h"
#include "kairos/futures-addon/future.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/transports.h"
#include "kairos/tests/support/allocations.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/support/system_calls.h"

namespace kairos {
namespace {

class StreamAwaitCostTest : public testing::Test {
 protected:
  StreamTransport adopt(UniqueFd fd) {
    StreamTransport stream;
    EXPECT_FALSE(StreamTransport::adopt(transports_, fd.get(), stream));
    fd.release();
    return stream;
  }

  // Until `count` is so much more.
  void pollUntilMore(const std::size_t& count, std::size_t more) {
    const std::size_t end = count + more;
    while (count < end) reactor_.poll(Reactor::forever);
  }

  Reactor reactor_;
  FutureContext futures_{reactor_};
  TransportContext transports_{reactor_};
};

// Answers each message of 4 bytes, after it has said one itself if it is the first.
Future<> play(FutureContext&, StreamTransport stream, bool isFirst, std::size_t& rounds) {
  constexpr std::string_view message = "ping";
  std::array<char, message.size()> into{};
  if (isFirst) co_await write(stream, message);
  while (co_await readExactly(stream, into)) {
    ++rounds;
    co_await write(stream, message);
  }
}

// The same as tests/transports/stream_cost_test.cc counts for callbacks.
TEST_F(StreamAwaitCostTest, ARoundTripCostsSixSystemCallsAndNoAllocation) {
  Pair ends = tcpPair();
  std::size_t rounds = 0;
  std::size_t ignored = 0;
  Future<> far = play(futures_, adopt(std::move(ends.far)), false, ignored);
  Future<> near = play(futures_, adopt(std::move(ends.near)), true, rounds);
  pollUntilMore(rounds, 10);
  const SystemCallCount calls;
  const AllocationCount allocations;
  pollUntilMore(rounds, 1000);
  EXPECT_EQ(calls[SystemCall::epollCtl], 0U);
  EXPECT_EQ(calls.waits(), 2000U);
  EXPECT_EQ(calls[SystemCall::send], 2000U);
  EXPECT_EQ(calls[SystemCall::recv], 2000U);
  EXPECT_EQ(calls[SystemCall::sendmsg], 0U);
  EXPECT_EQ(allocations.allocations(), 0U);
}

Future<> echo(StreamTransport stream, std::size_t& lines) {
  while (auto line = co_await readLine(stream, {.limit = 8192})) {
    co_await write(stream, *line);
    ++lines;
  }
}

// Coroutines without a context cost no more, once they run.
TEST_F(StreamAwaitCostTest, ALineCostsNoAllocation) {
  Pair ends = pair();
  std::size_t lines = 0;
  asyncSpawn(futures_, echo(adopt(std::move(ends.near)), lines));
  const auto say = [&] {
    EXPECT_EQ(::write(ends.far.get(), "line\nline\n", 10), 10);
    pollUntilMore(lines, 2);
    EXPECT_EQ(drain(ends.far.get()), 8U);
  };
  say();
  const AllocationCount allocations;
  const SystemCallCount calls;
  for (int i = 0; i < 100; ++i) say();
  EXPECT_EQ(allocations.allocations(), 0U);
  EXPECT_EQ(calls[SystemCall::recv], 100U);
  EXPECT_EQ(calls[SystemCall::send], 200U);
  EXPECT_EQ(calls.waits(), 100U);
}

}  // namespace
}  // namespace kairos
