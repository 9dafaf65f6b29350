// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/tls.h"

#include <string>

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

}  // namespace
}  // namespace kairos
