// SPDX-License-Identifier: MIT OR Apache-2.0
// Writes after a first one, which go to the OS without a queue: what it leaves gets one.
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <string>

#include "kairos/tests/transports/fixture.h"

namespace kairos {
namespace {

class StreamNextWriteTest : public StreamTest {
 protected:
  // A first write leaves memory for a queue behind.
  void connectAndWrite(Pair ends, bool isPipe = false) {
    if (isPipe) std::swap(ends.near, ends.far);
    connect(std::move(ends));
    Write first;
    write(first, "first");
    poll();
    ASSERT_EQ(first.completions(), 1u);
    ASSERT_EQ(receiveAll(far_.get()), "first");
  }

  struct Ends {
    Pair (*make)();
    bool isPipe;
  };
  static constexpr std::array<Ends, 3> allEnds = {
      {{pair, false}, {tcpPair, false}, {pipePair, true}}};
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamNextWriteTest, backends(), backendName);

// T36
TEST_P(StreamNextWriteTest, ThatIsTakenInPartIsFinishedBeforeTheOneBehind) {
  for (const auto& [make, isPipe] : allEnds) {
    connectAndWrite(make(), isPipe);
    const std::string large = pattern(8 << 20);
    Write next;
    Write behind;
    write(next, large);
    EXPECT_GT(stream_.queuedBytes(), 0u);
    EXPECT_LT(stream_.queuedBytes(), large.size());
    EXPECT_FALSE(stream_.cancel(next)) << "a part is sent";
    write(behind, "behind");
    EXPECT_TRUE(receiveUntilDone(behind) == large + "behind");
    EXPECT_EQ(next.completions(), 1u);
    EXPECT_EQ(next.bytes, large.size());
    EXPECT_EQ(stream_.queuedBytes(), 0u);
  }
}

// T36
TEST_P(StreamNextWriteTest, ThatIsRefusedWaitsAndMayBeCancelled) {
  for (const auto& [make, isPipe] : allEnds) {
    connectAndWrite(make(), isPipe);
    fill(stream_.fd());
    Write cancelled;
    Write next;
    write(cancelled, "cancelled");
    write(next, "next");
    EXPECT_EQ(stream_.queuedBytes(), 13u);
    EXPECT_TRUE(stream_.cancel(cancelled));
    const std::string received = receiveUntilDone(next);
    EXPECT_EQ(cancelled.error, std::errc::operation_canceled);
    EXPECT_EQ(cancelled.completions(), 1u);
    EXPECT_FALSE(next.error);
    EXPECT_TRUE(received.ends_with("next"));
    EXPECT_EQ(received.find("cancelled"), std::string::npos);
  }
}

// T38
TEST_P(StreamNextWriteTest, ThatFailsMakesTheErrorStay) {
  for (const auto& [make, isPipe] : allEnds) {
    connectAndWrite(make(), isPipe);
    if (!isPipe) resetOnClose(far_.get());
    far_.reset();
    Write failed;
    Write after;
    write(failed, "failed");
    write(after, "after");
    settle();
    EXPECT_TRUE(failed.error);
    EXPECT_EQ(failed.bytes, 0u);
    EXPECT_EQ(after.error, failed.error);
    EXPECT_EQ(failed.completions() + after.completions(), 2u);
    EXPECT_TRUE(stream_.isOpen());
  }
}

// T45
TEST_P(StreamNextWriteTest, IsRefusedAfterAShutdownAndAClose) {
  for (const auto& [make, isPipe] : allEnds) {
    connectAndWrite(make(), isPipe);
    Write last;
    Write after;
    shutdown(last);
    write(after, "after");
    settle();
    EXPECT_EQ(after.error, TransportError::shutDown);
    stream_.close();
    write(after, "after");
    settle();
    EXPECT_EQ(after.error, TransportError::closed);
  }
}

}  // namespace
}  // namespace kairos
