// SPDX-License-Identifier: MIT OR Apache-2.0
// Cancelling what a coroutine awaits of a stream. F43
#include <array>
#include <string>
#include <string_view>

#include "kairos/tests/futures-addon/transport_fixture.h"

namespace kairos {
namespace {

class StreamCancelTest : public AwaitStreamTest {
 protected:
  template <class Call>
  auto start(Call call) {
    return asFuture(context_, std::move(call));
  }

  // Cancels `future`, and waits for it to say so.
  void cancel(const FutureBase& future) {
    FutureBase cancelled = future;
    EXPECT_TRUE(cancelled.tryCancel());
    EXPECT_FALSE(future.finished()) << "not inside the call";
    settle();
    EXPECT_TRUE(future.cancelled());
  }

  std::string nextLine() {
    auto line = start(readLine(stream_));
    settleUntil(line);
    return std::string(line.read().value_or("end"));
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamCancelTest, backends(), backendName);

// T04
TEST_P(StreamCancelTest, ACancelledReadHasTakenNothing) {
  const auto message = [](void*, std::string_view) { return MessageSize{.size = 8}; };
  sendAll(far_.get(), "abcd");
  cancel(start(readLine(stream_)));
  cancel(start(readUntil(stream_, ";")));
  cancel(start(readToEnd(stream_)));
  cancel(start(readMessage(stream_, message)));
  sendAll(far_.get(), "efgh\n");
  EXPECT_EQ(nextLine(), "abcdefgh");
  cancel(start(readOnce(stream_)));
  sendAll(far_.get(), "x\n");
  EXPECT_EQ(nextLine(), "x");
}

// T04: what is in the user's buffer is told.
TEST_P(StreamCancelTest, AReadIntoABufferTellsHowFarItCame) {
  std::array<char, 8> into{};
  sendAll(far_.get(), "abcd");
  auto outcome = start(noThrow(readExactly(stream_, into)));
  settle();
  EXPECT_TRUE(outcome.tryCancel());
  settle();
  ASSERT_TRUE(outcome.completed()) << "it does not throw";
  EXPECT_EQ(outcome.read().error, std::errc::operation_canceled);
  EXPECT_EQ(outcome.read().value, "abcd");
}

// F42
TEST_P(StreamCancelTest, ComesTooLateForWhatIsDone) {
  sendAll(far_.get(), "one\ntwo\n");
  auto first = start(readLine(stream_));
  settleUntil(first);
  auto second = start(readLine(stream_));  // done at once, and delivered in the next poll
  EXPECT_FALSE(second.tryCancel());
  settleUntil(second);
  EXPECT_EQ(second.read(), "two");
}

Future<> two(FutureContext&, StreamTransport& stream, std::string& text) {
  text += *co_await readLine(stream);
  text += *co_await readLine(stream);
}

// F42: a request that comes too late for one await is for the next.
TEST_P(StreamCancelTest, IsKeptForTheNextAwait) {
  std::string text;
  sendAll(far_.get(), "zero\none\n");
  EXPECT_EQ(nextLine(), "zero");
  Future<> future = two(context_, stream_, text);
  future.cancelSoon();
  settle();
  EXPECT_EQ(text, "one");
  EXPECT_TRUE(future.cancelled());
}

// T48
TEST_P(StreamCancelTest, AWriteThatHasNotBegunIsTakenBack) {
  fill(stream_.fd());
  auto first = start(write(stream_, "first"));
  auto second = start(write(stream_, "second"));
  auto third = start(write(stream_, "third"));
  cancel(second);
  drain(far_.get());
  settleUntil(third);
  EXPECT_TRUE(first.completed());
  EXPECT_EQ(receiveAll(far_.get()), "firstthird");
}

// T48: a peer that does not read cannot keep a coroutine for ever.
TEST_P(StreamCancelTest, AWriteOfWhichAPartIsSentBreaksTheStream) {
  const std::string large(1 << 22, 'x');
  auto writing = start(write(stream_, large));
  auto behind = start(write(stream_, "behind"));
  settle();
  ASSERT_FALSE(writing.finished());
  ASSERT_GT(large.size(), stream_.queuedBytes());
  cancel(writing);
  EXPECT_EQ(errorOf(behind), std::errc::operation_canceled);
  EXPECT_FALSE(behind.cancelled()) << "nobody asked it to";
  auto further = start(write(stream_, "further"));
  settle();
  EXPECT_EQ(errorOf(further), std::errc::operation_canceled);
  drain(far_.get());
  settle();
  EXPECT_EQ(drain(far_.get()), 0U);
}

TEST_P(StreamCancelTest, AShutdownBehindAWriteEnds) {
  const std::string large(1 << 22, 'x');
  auto writing = start(write(stream_, large));
  auto shuttingDown = start(shutdown(stream_));
  auto draining = start(waitUntilDrained(stream_));
  cancel(draining);
  cancel(start(waitUntilClosed(stream_)));
  cancel(shuttingDown);
  EXPECT_FALSE(stream_.isShutDown()) << "it was not done, and will not be";
  cancel(writing);
}

// Without an exception too, whatever else the stream says to those who write.
TEST_P(StreamCancelTest, ShutdownsBehindAWriteTellThatTheyWereCancelled) {
  const std::string large(1 << 22, 'x');
  auto writing = start(write(stream_, large));
  Future<Outcome<>> quiet[] = {start(noThrow(shutdown(stream_))), start(noThrow(shutdown(stream_))),
                               start(noThrow(closeAfterFlush(stream_)))};
  for (auto& each : quiet) {
    settle();
    EXPECT_TRUE(each.tryCancel());
    settleUntil(each);
    EXPECT_EQ(each.read().error,
              std::error_code(std::make_error_code(std::errc::operation_canceled)));
  }
  cancel(writing);
}

Future<bool> writeWithin(FutureContext& context, StreamTransport& stream, std::string_view bytes,
                         Clock::duration limit) {
  co_return co_await withTimeout(asFuture(context, write(stream, bytes)), limit);
}

TEST_P(StreamCancelTest, LimitsOfTimeEndReadsAndWrites) {
  const std::string large(1 << 22, 'x');
  auto inTime = writeWithin(context_, stream_, large, seconds(5));
  auto line = wait(start(readLine(stream_)), seconds(2));
  settleUntil(line);
  EXPECT_EQ(time_.elapsed(), seconds(2));
  EXPECT_THROW(line.read(), TimeoutError);
  settleUntil(inTime);
  EXPECT_EQ(time_.elapsed(), seconds(5));
  EXPECT_FALSE(inTime.read());
}

// IF5: what a poll brings is in time for a limit that is over in the same poll; timers come after
// descriptors, and in the order of their deadlines.
TEST_P(StreamCancelTest, AReadThatComesWithTheEndOfItsLimitIsInTime) {
  auto line = start(readLine(stream_));
  Future<bool> inTime = withTimeout(line, seconds(2));
  auto waited = wait(line, seconds(2));
  sendAll(far_.get(), "late\n");
  time_.advance(seconds(3));
  settle();
  EXPECT_TRUE(inTime.read());
  EXPECT_EQ(waited.read(), "late");
}

Future<> serveUntilCancelled(FutureContext&, StreamTransport stream, bool& isGone) {
  struct Guard {
    ~Guard() { isGone = true; }
    bool& isGone;
  } const guard{isGone};
  for (;;) co_await write(stream, *co_await readLine(stream));
}

// F45, F59: cancelled, a coroutine leaves nothing behind, and its stream is closed.
TEST_P(StreamCancelTest, EndsACoroutineThatOwnsItsStream) {
  bool isGone = false;
  {
    Future<> serving = serveUntilCancelled(context_, std::move(stream_), isGone);
    cancel(serving);
    EXPECT_TRUE(isGone);
  }
  char byte = 0;
  EXPECT_EQ(::read(far_.get(), &byte, 1), 0);
}

}  // namespace
}  // namespace kairos
