// SPDX-License-Identifier: MIT OR Apache-2.0
// Reading and writing in coroutines.
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/futures-addon/transport_fixture.h"

namespace kairos {
namespace {

// As DESIGN has it.
Future<void> echo(StreamTransport stream) {
  while (auto line = co_await readLine(stream, {.limit = 8192})) co_await write(stream, *line);
}

// What a call gave, as text that tells all cases apart.
template <class Call>
Future<std::string> told(FutureContext&, Call call) {
  auto [error, data] = co_await noThrow(std::move(call));
  const std::string text = data ? "'" + std::string(*data) + "'" : "end";
  co_return error ? text + ": " + error.message() : text;
}

std::string message(TransportError error) { return ": " + make_error_code(error).message(); }

class StreamAwaitTest : public AwaitStreamTest {
 protected:
  template <class Call>
  std::string tell(Call call) {
    Future<std::string> text = told(context_, std::move(call));
    settleUntil(text);
    return text.read();
  }
  template <class Call>
  auto take(Call call) {
    auto future = asFuture(context_, std::move(call));
    settleUntil(future);
    return std::move(future).read();
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, StreamAwaitTest, backends(), backendName);

TEST_P(StreamAwaitTest, EchoesLinesUntilTheEnd) {
  Future<> future = echo(std::move(stream_));
  asyncSpawn(context_, future);
  sendAll(far_.get(), "one\ntwo\r\n\n");
  settle();
  EXPECT_EQ(receiveAll(far_.get()), "onetwo");
  sendAll(far_.get(), "last");
  ::shutdown(far_.get(), SHUT_WR);
  settle();
  EXPECT_EQ(receiveAll(far_.get()), "last");
  EXPECT_TRUE(future.completed());
}

TEST_P(StreamAwaitTest, AnEmptyLineIsNoEnd) {
  sendAll(far_.get(), "\nx");
  ::shutdown(far_.get(), SHUT_WR);
  EXPECT_EQ(tell(readLine(stream_)), "''");
  EXPECT_EQ(tell(readLine(stream_)), "'x'");
  EXPECT_EQ(tell(readLine(stream_)), "end");
  EXPECT_EQ(tell(readLine(stream_)), "end");
}

TEST_P(StreamAwaitTest, ReadsWhatThereIs) {
  std::array<char, 2> into{};
  sendAll(far_.get(), "some");
  EXPECT_EQ(tell(readOnce(stream_, into)), "'so'");
  EXPECT_EQ(tell(readOnce(stream_)), "'me'");
  ::shutdown(far_.get(), SHUT_WR);
  EXPECT_EQ(tell(readOnce(stream_)), "end");
  EXPECT_EQ(tell(readOnce(stream_, into)), "end");
}

TEST_P(StreamAwaitTest, AnEndBeforeTheFirstByteIsNoError) {
  std::array<char, 4> into{};
  sendAll(far_.get(), "fourthen;res");
  EXPECT_EQ(tell(readExactly(stream_, into)), "'four'");
  EXPECT_EQ(tell(readUntil(stream_, ";")), "'then;'");
  ::shutdown(far_.get(), SHUT_WR);
  EXPECT_EQ(tell(readUntil(stream_, ";")), "'res'" + message(TransportError::incomplete));
  EXPECT_EQ(tell(readExactly(stream_, into)), "'res'" + message(TransportError::incomplete));
  EXPECT_EQ(tell(readExactly(stream_, into)), "end");
  EXPECT_EQ(tell(readUntil(stream_, ";")), "end");
  EXPECT_EQ(tell(readExactly(stream_, {})), "''");
}

TEST_P(StreamAwaitTest, ReadsMessagesAndAllTheRest) {
  const MessageFunc byFirstByte = [](void*, std::string_view bytes) {
    return MessageSize{.size = bytes.empty() ? 0U : static_cast<std::size_t>(bytes[0] - '0')};
  };
  sendAll(far_.get(), "3ab2cthe rest");
  ::shutdown(far_.get(), SHUT_WR);
  EXPECT_EQ(tell(readMessage(stream_, byFirstByte)), "'3ab'");
  EXPECT_EQ(tell(readMessage(stream_, byFirstByte)), "'2c'");
  EXPECT_EQ(take(consume(stream_, 4)), 4U);
  EXPECT_EQ(take(readToEnd(stream_)), "rest");
  EXPECT_EQ(take(readToEnd(stream_)), "");
  EXPECT_EQ(take(consume(stream_, 4)), 0U);
  EXPECT_EQ(tell(readMessage(stream_, byFirstByte)), "end");
}

// T57
TEST_P(StreamAwaitTest, WaitsForTheClose) {
  std::vector<int> order;
  const auto join = [&order](FutureContext&, StreamTransport& stream, int name) -> Future<> {
    co_await waitUntilClosed(stream);
    order.push_back(name);
  };
  std::vector<Future<>> waiting;
  for (int name = 0; name < 3; ++name) waiting.push_back(join(context_, stream_, name));
  settle();
  EXPECT_TRUE(order.empty());
  stream_.close();
  waiting.push_back(join(context_, stream_, 3));
  settle();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3}));
}

Future<> writeAll(FutureContext&, StreamTransport& stream, Fd file) {
  co_await write(stream, "one ");
  const std::array<std::string_view, 2> parts = {"two ", "three "};
  co_await write(stream, parts);
  co_await writeOwned(stream, std::string("four "));
  EXPECT_EQ(co_await writeFile(stream, {.file = file}), 4U);
  co_await waitUntilDrained(stream);
  co_await shutdown(stream);
  const auto refused = co_await noThrow(write(stream, "more"));
  EXPECT_EQ(refused.error, TransportError::shutDown);
  co_await closeAfterFlush(stream);
  EXPECT_FALSE(stream.isOpen());
}

TEST_P(StreamAwaitTest, WritesInEachWay) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  sendAll(::fileno(file.get()), "file");
  Future<> future = writeAll(context_, stream_, ::fileno(file.get()));
  settleUntil(future);
  EXPECT_TRUE(future.completed());
  EXPECT_EQ(receiveAll(far_.get()), "one two three four file");
}

Future<std::string> line(FutureContext&, StreamTransport& stream, std::size_t limit = 8) {
  const auto line = co_await readLine(stream, {.limit = limit});
  co_return std::string(line.value_or("end"));
}

// S3-08: the first example of the asyncdispatch manual: receive, add a callback, read in it.
struct Received {
  static void onReceived(void* udata) {
    auto& self = *static_cast<Received*>(udata);
    self.text = self.data.read().value();
  }

  std::array<char, 100> into{};
  Future<std::optional<std::string_view>> data{};
  std::string text{};
};

TEST_P(StreamAwaitTest, TellsACallbackThatReadsWhatCame) {
  Received received;
  received.data = asFuture(context_, readOnce(stream_, received.into));
  received.data.addCallback(Received::onReceived, &received);
  EXPECT_EQ(received.text, "");
  sendAll(far_.get(), "some bytes");
  settle();
  EXPECT_EQ(received.text, "some bytes");
}

// S3-15, S3-25
TEST_P(StreamAwaitTest, ThrowsWhatTheOperationSays) {
  sendAll(far_.get(), "a line that is too long\n");
  Future<std::string> tooLong = line(context_, stream_);
  settleUntil(tooLong);
  EXPECT_EQ(errorOf(tooLong), TransportError::overLimit);
  resetOnClose(far_.get());
  Future<std::string> closed = line(context_, stream_, 100);
  Future<std::string> afterwards = line(context_, stream_, 100);
  EXPECT_TRUE(afterwards.finished()) << "a second read is refused at once";
  EXPECT_EQ(errorOf(afterwards), TransportError::busy);
  settleUntil(closed);
  EXPECT_EQ(closed.read(), "a line that is too long");
}

TEST_P(StreamAwaitTest, ThrowsWhenTheStreamIsClosedOrEmpty) {
  Future<std::string> reading = line(context_, stream_);
  stream_.close();
  settleUntil(reading);
  EXPECT_EQ(errorOf(reading), TransportError::closed);
  EXPECT_FALSE(reading.cancelled());
  StreamTransport empty;
  Future<std::string> refused = line(context_, empty);
  EXPECT_EQ(errorOf(refused), TransportError::notConnected);
}

// The stream is gone before the result was delivered.
TEST_P(StreamAwaitTest, OutlivesTheStream) {
  Future<std::string> reading = line(context_, stream_);
  stream_ = StreamTransport();
  EXPECT_FALSE(reading.tryCancel());
  settleUntil(reading);
  EXPECT_EQ(errorOf(reading), TransportError::closed);
}

// A lone coroutine goes on in the operation's own callback.
TEST_P(StreamAwaitTest, GoesOnInTheSamePoll) {
  Future<std::string> reading = line(context_, stream_);
  sendAll(far_.get(), "x\n");
  poll();
  EXPECT_TRUE(reading.finished());
  EXPECT_EQ(reading.read(), "x");
}

Future<std::size_t> countLines(FutureContext&, StreamTransport& stream) {
  std::size_t count = 0;
  while (co_await readLine(stream)) ++count;
  co_return count;
}

// IF8: what is buffered is read without a wait, and without a deeper stack.
TEST_P(StreamAwaitTest, ReadsManyLinesInConstantStack) {
  Future<std::size_t> count = countLines(context_, stream_);
  const std::string lines(8192, '\n');
  constexpr std::size_t times = 30;
  for (std::size_t i = 0; i < times; ++i) {
    sendAll(far_.get(), lines);
    settle();
  }
  far_ = UniqueFd();
  settleUntil(count);
  EXPECT_EQ(count.read(), times * lines.size());
}

// F44, F45: the frame, and the operation in it, go with the context.
TEST_P(StreamAwaitTest, IsForgottenWithItsFrame) {
  {
    FutureContext futures(reactor_);
    asyncCheck(line(futures, stream_));
    EXPECT_TRUE(futures.hasPendingOperations());
  }
  sendAll(far_.get(), "x\n");
  EXPECT_EQ(tell(readLine(stream_)), "'x'");
}

TEST_P(StreamAwaitTest, EndsWithTheTransports) {
  auto transports = std::make_unique<TransportContext>(reactor_);
  Pair ends = pair();
  StreamTransport stream;
  ok(StreamTransport::adopt(*transports, ends.near.release(), stream));
  Future<> future = echo(std::move(stream));
  future.attach(context_);
  transports.reset();
  EXPECT_EQ(errorOf(future), TransportError::closed);
}

}  // namespace
}  // namespace kairos
