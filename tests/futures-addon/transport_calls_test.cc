// SPDX-License-Identifier: MIT OR Apache-2.0
// Datagrams, processes and signals in coroutines.
#include <csignal>
#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/futures-addon/transport_fixture.h"
#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/server_fixture.h"

namespace kairos {
namespace {

// Processes and signals take the time they take.
class TransportCallsTest : public testing::Test {
 protected:
  ~TransportCallsTest() override { EXPECT_FALSE(futures_.hasPendingOperations()); }

  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()); }
  void poll() { ok(reactor_.poll(seconds(10)).error); }
  void pollUntil(const FutureBase& future) {
    while (!future.finished() && !HasFailure()) poll();
  }
  template <class Call>
  auto start(Call call) {
    return asFuture(futures_, std::move(call));
  }

  Reactor reactor_;
  FutureContext futures_{reactor_};
  TransportContext transports_{reactor_};
};

Future<> answer(FutureContext&, DatagramTransport& transport) {
  for (;;) {
    const auto datagrams = co_await receive(transport);
    EXPECT_EQ(co_await send(transport, datagrams), datagrams.size());
  }
}

Future<std::string> ask(FutureContext&, DatagramTransport& transport, std::string_view question) {
  co_await send(transport, question);
  co_return std::string((co_await receiveOne(transport)).data);
}

TEST_F(TransportCallsTest, ExchangeDatagrams) {
  DatagramTransport server;
  ok(DatagramTransport::bind(transports_, loopback(), {}, server));
  Address address;
  ok(server.localAddress(address));
  DatagramTransport client;
  ok(DatagramTransport::connect(transports_, address, {}, client));
  Future<> answering = answer(futures_, server);
  for (const char* question : {"one", "two", ""}) {
    Future<std::string> asking = ask(futures_, client, question);
    pollUntil(asking);
    EXPECT_EQ(asking.read(), question);
  }
  auto toServer = start(sendTo(client, address, "three"));
  pollUntil(toServer);
  EXPECT_EQ(toServer.read(), 1U);
  EXPECT_TRUE(answering.tryCancel());
  pollUntil(answering);
  EXPECT_TRUE(answering.cancelled());
}

TEST_F(TransportCallsTest, ThrowsWhatASendIsRefusedFor) {
  DatagramTransport nobody;
  ok(DatagramTransport::bind(transports_, loopback(), {}, nobody));
  auto sending = start(send(nobody, "to nobody"));
  pollUntil(sending);
  EXPECT_EQ(errorOf(sending), TransportError::notConnected);
  auto receiving = start(noThrow(receiveOne(nobody)));
  nobody.close();
  pollUntil(receiving);
  EXPECT_EQ(receiving.read().error, TransportError::closed);
}

Future<std::pair<std::string, ExitStatus>> run(FutureContext&, TransportContext& transports,
                                               const char* command) {
  SubprocessTransport process;
  const auto arguments = shellArguments(command);
  const auto error = SubprocessTransport::start(
      transports, {.arguments = arguments, .output = {.kind = Redirect::Kind::pipe}}, process);
  if (error) throw std::system_error(error);
  std::string output(co_await readToEnd(process.output()));
  const ExitStatus status = co_await waitForExit(process);
  co_return std::pair(std::move(output), status);
}

TEST_F(TransportCallsTest, RunsAProcessToItsEnd) {
  auto running = run(futures_, transports_, "echo hello; exit 3");
  pollUntil(running);
  EXPECT_EQ(running.read().first, "hello\n");
  EXPECT_EQ(running.read().second, (ExitStatus{.code = 3}));
}

TEST_F(TransportCallsTest, WaitsForAProcessNoLongerThanAsked) {
  if (underValgrind()) GTEST_SKIP() << "valgrind does not know pidfd_send_signal";
  SubprocessTransport process;
  const auto arguments = shellArguments("exec sleep 1000");
  ok(SubprocessTransport::start(transports_, {.arguments = arguments}, process));
  auto late = start(waitForExit(process, milliseconds(1)));
  auto cancelled = start(waitForExit(process));
  pollUntil(late);
  EXPECT_EQ(errorOf(late), std::errc::timed_out);
  EXPECT_TRUE(cancelled.tryCancel());
  pollUntil(cancelled);
  EXPECT_TRUE(process.isRunning());
  ok(process.kill());
  auto ended = start(waitForExit(process));
  pollUntil(ended);
  EXPECT_EQ(ended.read(), (ExitStatus{.signal = SIGKILL}));
}

TEST_F(TransportCallsTest, WaitsForSignals) {
  SignalSet signals;
  ok(SignalSet::open(transports_, {SIGUSR1, SIGUSR2}, signals));
  auto cancelled = start(nextSignal(signals));
  EXPECT_TRUE(cancelled.tryCancel());
  pollUntil(cancelled);
  auto first = start(nextSignal(signals));
  ASSERT_EQ(::raise(SIGUSR2), 0);
  pollUntil(first);
  EXPECT_EQ(first.read().number, SIGUSR2);
  EXPECT_EQ(first.read().sender, ::getpid());
}

}  // namespace
}  // namespace kairos
