// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/tls.h"

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kairos/tests/futures-addon/transport_fixture.h"
#include "kairos/tests/transports/tls_fixture.h"

namespace kairos {
namespace {

Future<> echo(FutureContext&, TlsStream& stream) {
  co_await handshake(stream);
  while (auto line = co_await readLine(stream))
    co_await writeOwned(stream, std::string(*line) + "\n");
  co_await shutdown(stream);
}

Future<std::string> converse(FutureContext&, TlsStream& stream) {
  co_await handshake(stream);
  co_await write(stream, "one\ntwo\n");
  std::string heard(*co_await kairos::readLine(stream));
  heard += *co_await kairos::readLine(stream);
  co_await shutdown(stream);
  heard += co_await kairos::readLine(stream) ? "more" : "end";
  co_return heard;
}

class TlsAwaitTest : public TlsTest {
 protected:
  void pollUntil(const FutureBase& future) {
    while (!future.finished() && !HasFailure()) poll(Reactor::forever);
  }

  FutureContext futures_{reactor_};
};

INSTANTIATE_TEST_SUITE_P(Backends, TlsAwaitTest, backends(), backendName);

TEST_P(TlsAwaitTest, ReadsAndWritesAsAStreamDoes) {
  makeEnds(pair());
  Future<> echoing = echo(futures_, server_);
  Future<std::string> conversing = converse(futures_, client_);
  pollUntil(conversing);
  EXPECT_EQ(conversing.read(), "onetwoend");
  pollUntil(echoing);
  EXPECT_TRUE(echoing.completed());
}

Future<> sayInEachWay(FutureContext&, TlsStream& stream) {
  co_await handshake(stream);
  co_await kairos::write(stream, "1234until;");
  const std::array<std::string_view, 2> parts = {"2m", "skip"};
  co_await kairos::write(stream, parts);
  co_await writeOwned(stream, std::string("onceand the rest"));
  co_await shutdown(stream);
}

Future<std::vector<std::string>> hearInEachWay(FutureContext&, TlsStream& stream) {
  const MessageFunc byFirstByte = [](void*, std::string_view bytes) {
    return MessageSize{.size = bytes.empty() ? 0U : static_cast<std::size_t>(bytes[0] - '0')};
  };
  std::vector<std::string> heard;
  const auto hear = [&heard](std::optional<std::string_view> data) {
    heard.emplace_back(data.value_or("end"));
  };
  std::array<char, 4> into{};
  co_await handshake(stream);
  hear(co_await kairos::readExactly(stream, into));
  hear(co_await kairos::readUntil(stream, ";"));
  hear(co_await kairos::readMessage(stream, byFirstByte));
  heard.push_back(std::to_string(co_await kairos::consume(stream, 4)));
  hear(co_await kairos::readOnce(stream, into));
  hear(co_await kairos::readToEnd(stream));
  hear(co_await kairos::readOnce(stream));
  co_return heard;
}

TEST_P(TlsAwaitTest, ReadsAndWritesInEachWay) {
  makeEnds(pair());
  Future<> saying = sayInEachWay(futures_, client_);
  auto hearing = hearInEachWay(futures_, server_);
  pollUntil(hearing);
  EXPECT_EQ(hearing.read(),
            (std::vector<std::string>{"1234", "until;", "2m", "4", "once", "and the rest", "end"}));
  pollUntil(saying);
  EXPECT_TRUE(saying.completed());
}

TEST_P(TlsAwaitTest, ThrowsWhenTheServerIsAnother) {
  makeEnds(pair(), {}, "another.test");
  Future<> echoing = echo(futures_, server_);
  Future<std::string> conversing = converse(futures_, client_);
  pollUntil(conversing);
  pollUntil(echoing);
  EXPECT_TRUE(errorOf(conversing));
  EXPECT_TRUE(errorOf(echoing));
}

// A peer that does not read cannot keep a coroutine for ever, however far the write has come.
TEST_P(TlsAwaitTest, EndsWhatIsCancelled) {
  makeEnds(pair());
  auto shaking = asFuture(futures_, handshake(client_));
  auto reading = asFuture(futures_, kairos::readLine(client_));
  EXPECT_TRUE(reading.tryCancel());
  auto shakingToo = asFuture(futures_, handshake(server_));
  pollUntil(shaking);
  pollUntil(shakingToo);
  EXPECT_TRUE(shaking.completed());
  EXPECT_TRUE(reading.cancelled());
  const std::string large(1 << 23, 'x');
  auto writing = asFuture(futures_, kairos::write(client_, large));
  auto ending = asFuture(futures_, kairos::shutdown(client_));
  settle();
  ASSERT_FALSE(writing.finished());
  EXPECT_TRUE(ending.tryCancel());
  EXPECT_TRUE(writing.tryCancel());
  settle();
  EXPECT_TRUE(ending.cancelled());
  EXPECT_TRUE(writing.cancelled());
}

// What comes behind the writes, and who waits for room or for the close, as of any stream.
Future<std::string> closeInItsTurn(FutureContext& context, TlsStream& stream) {
  auto closed = asFuture(context, waitUntilClosed(stream));
  co_await handshake(stream);
  static_cast<void>(co_await kairos::readLine(stream));
  const std::string large(1 << 20, 'x');
  auto writing = asFuture(context, kairos::write(stream, large));
  EXPECT_TRUE(stream.isCongested());
  EXPECT_FALSE(co_await withTimeout(asFuture(context, waitUntilDrained(stream)), milliseconds(1)));
  co_await waitUntilDrained(stream);
  EXPECT_EQ((co_await noThrow(closeAfterFlush(stream))).error, std::error_code());
  EXPECT_TRUE(writing.completed());
  co_await closed;
  EXPECT_EQ((co_await noThrow(kairos::write(stream, "late"))).error, TransportError::closed);
  EXPECT_EQ((co_await noThrow(waitUntilDrained(stream))).error, TransportError::closed);
  EXPECT_EQ((co_await noThrow(kairos::shutdown(stream))).error, TransportError::closed);
  co_await closeAfterFlush(stream);
  co_return "not thrown";
}

Future<std::size_t> hearLate(FutureContext&, TlsStream& stream) {
  co_await handshake(stream);
  co_await kairos::write(stream, "hello\n");
  co_await sleepFor(milliseconds(5));
  co_return (co_await kairos::readToEnd(stream, {.limit = 1 << 24})).size();
}

TEST_P(TlsAwaitTest, ClosesInItsTurn) {
  makeEnds(pair());
  auto hearing = hearLate(futures_, server_);
  auto closing = closeInItsTurn(futures_, client_);
  pollUntil(closing);
  pollUntil(hearing);
  EXPECT_EQ(errorOf(closing), TransportError::closed);
  EXPECT_EQ(hearing.read(), 1U << 20);
  EXPECT_FALSE(client_.isOpen());
}

// The close goes on, when nobody waits for it any more.
TEST_P(TlsAwaitTest, IsClosedInItsTurnNevertheless) {
  makeEnds(pair());
  auto draining = asFuture(futures_, waitUntilClosed(client_));
  auto closed = asFuture(futures_, waitUntilClosed(client_));
  auto closing = asFuture(futures_, closeAfterFlush(client_));
  auto late = withTimeout(asFuture(futures_, closeAfterFlush(client_)), milliseconds(1));
  EXPECT_TRUE(draining.tryCancel());
  EXPECT_TRUE(closing.tryCancel());
  pollUntil(late);
  EXPECT_TRUE(draining.cancelled() && closing.cancelled());
  EXPECT_FALSE(late.read());
  EXPECT_TRUE(client_.isOpen());
  auto shaking = asFuture(futures_, handshake(client_));
  auto shakingToo = asFuture(futures_, handshake(server_));
  pollUntil(shakingToo);
  pollUntil(closed);
  EXPECT_TRUE(shaking.completed() && shakingToo.completed());
  EXPECT_FALSE(client_.isOpen());
}

}  // namespace
}  // namespace kairos
