// SPDX-License-Identifier: MIT OR Apache-2.0
// Accepting and connecting in coroutines.
#include <array>
#include <string>
#include <utility>

#include "kairos/tests/futures-addon/transport_fixture.h"
#include "kairos/tests/support/descriptors.h"
#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

class ConnectionAwaitTest : public AwaitTest {
 protected:
  void SetUp() override {
    ok(StreamServer::listen(transports_, loopback(), {}, server_));
    ok(server_.localAddress(address_));
  }
  void TearDown() override { server_.close(); }

  StreamServer server_;
  Address address_;
};

INSTANTIATE_TEST_SUITE_P(Backends, ConnectionAwaitTest, backends(), backendName);

Future<> answerOnce(FutureContext&, StreamServer& server) {
  auto [stream, peer] = co_await accept(server);
  Address remote;
  EXPECT_FALSE(stream.remoteAddress(remote));
  EXPECT_EQ(peer, remote);
  const auto line = co_await readLine(stream);
  co_await writeOwned(stream, "you said: " + std::string(line.value()));
}

Future<std::string> ask(FutureContext&, TransportContext& transports, Address address) {
  StreamTransport stream = co_await connect(transports, address);
  co_await write(stream, "hello\n");
  co_return std::string(co_await readToEnd(stream));
}

Future<std::string> askAny(FutureContext&, TransportContext& transports,
                           std::span<const Address> addresses) {
  StreamTransport stream = co_await connectAny(transports, addresses);
  co_await write(stream, "any\n");
  co_return std::string(co_await readToEnd(stream));
}

TEST_P(ConnectionAwaitTest, ServesAndAsks) {
  Future<> answering = answerOnce(context_, server_);
  Future<std::string> asking = ask(context_, transports_, address_);
  settleUntil(asking);
  EXPECT_EQ(asking.read(), "you said: hello");
  EXPECT_TRUE(answering.completed());
}

TEST_P(ConnectionAwaitTest, ConnectsToOneOfSeveral) {
  StreamServer refusing;
  ok(StreamServer::listen(transports_, loopback(), {}, refusing));
  std::array<Address, 2> addresses;
  ok(refusing.localAddress(addresses[0]));
  refusing.close();
  addresses[1] = address_;
  Future<> answering = answerOnce(context_, server_);
  Future<std::string> asking = askAny(context_, transports_, addresses);
  settleUntil(asking);
  EXPECT_EQ(asking.read(), "you said: any");
}

TEST_P(ConnectionAwaitTest, ThrowsRefusals) {
  server_.close();
  Future<std::string> asking = ask(context_, transports_, address_);
  settleUntil(asking);
  EXPECT_EQ(errorOf(asking), std::errc::connection_refused);
  Future<std::string> nowhere = askAny(context_, transports_, {});
  EXPECT_EQ(errorOf(nowhere), std::errc::invalid_argument);
  Future<> answering = answerOnce(context_, server_);
  settleUntil(answering);
  EXPECT_EQ(errorOf(answering), TransportError::closed);
}

// Cancels `start()` after so many polls, whatever it has come to by then.
template <class Start>
void cancelAfter(int polls, Reactor& reactor, Start start) {
  auto future = start();
  for (int i = 0; i < polls; ++i) reactor.poll(Clock::duration::zero());
  const bool wasReached = future.tryCancel();
  EXPECT_NE(wasReached, future.finished()) << polls;
  while (!future.finished()) reactor.poll(Clock::duration::zero());
  EXPECT_EQ(future.cancelled(), wasReached) << polls;
}

// T82, T90
TEST_P(ConnectionAwaitTest, LeavesNoDescriptorWhenItIsCancelled) {
  const auto before = openFds();
  for (int polls = 0; polls <= 20; ++polls) {
    cancelAfter(polls, reactor_, [&] { return asFuture(context_, accept(server_)); });
    cancelAfter(polls, reactor_,
                [&] { return asFuture(context_, connect(transports_, address_)); });
    cancelAfter(polls, reactor_, [&] {
      return asFuture(context_, connectAny(transports_, std::span(&address_, 1)));
    });
    settle();
    EXPECT_EQ(openedSince(before).size(), 0U) << polls;
  }
}

Future<> echo(FutureContext&, StreamTransport stream) {
  while (auto data = co_await readOnce(stream)) co_await write(stream, *data);
}

Future<> serve(FutureContext& context, StreamServer& server, int& served) {
  for (;;) {
    Accepted client = co_await accept(server);
    ++served;
    asyncCheck(echo(context, std::move(client.stream)));
  }
}

// F45: the end of the server and of all that it serves.
TEST_P(ConnectionAwaitTest, EndsServingWhenItIsCancelled) {
  int served = 0;
  Future<> serving = serve(context_, server_, served);
  const auto before = openFds();
  {
    auto first = asFuture(context_, connect(transports_, address_));
    auto second = asFuture(context_, connect(transports_, address_));
    while (served < 2 || !first.finished() || !second.finished()) poll(Reactor::forever);
  }
  serving.tryCancel();
  settleUntil(serving);
  EXPECT_TRUE(serving.cancelled());
  while (context_.hasPendingOperations()) poll(Reactor::forever);
  EXPECT_EQ(openedSince(before).size(), 0U);
}

}  // namespace
}  // namespace kairos
