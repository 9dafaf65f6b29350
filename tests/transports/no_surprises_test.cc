// SPDX-License-Identifier: MIT OR Apache-2.0
// What belongs to the whole process is as it was when transports were at work, with errors too.
// IX3, IX6.
#include "kairos/tests/support/no_surprises.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <optional>

#include "kairos/tests/transports/datagram_fixture.h"
#include "kairos/tests/transports/subprocess_fixture.h"
#include "kairos/transports/idle_limit.h"
#include "kairos/transports/signal_set.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/thread_queue.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

class NoSurprisesTest : public testing::Test {
 protected:
  static void ok(std::error_code error) { EXPECT_EQ(error, std::error_code()); }

  StreamTransport adopt(UniqueFd fd) {
    StreamTransport stream;
    ok(StreamTransport::adopt(loop_->context, fd.release(), stream));
    return stream;
  }

  // A reset, and a pipe that nobody reads.
  void breakStreams() {
    Pair connection = tcpPair();
    Pair pipe = pipePair();
    StreamTransport socket = adopt(std::move(connection.near));
    StreamTransport writer = adopt(std::move(pipe.far));
    resetOnClose(connection.far.get());
    connection.far.reset();
    pipe.near.reset();
    for (StreamTransport* const each : {&socket, &writer}) {
      Write write;
      ok(each->write(write, "x", Write::done, &write));
      loop_->pollUntilDone(write);
      EXPECT_TRUE(write.error);
    }
  }

  void meet() {
    StreamServer server;
    Address address;
    ok(StreamServer::listen(loop_->context, loopback(), {}, server));
    ok(server.localAddress(address));
    Accept accepted;
    Connect connected;
    ok(server.accept(accepted, Accept::done, &accepted));
    ok(connect(loop_->context, connected, address, {}, Connect::done, &connected));
    loop_->pollUntilDone(accepted);
    loop_->pollUntilDone(connected);
    server.close();
    ok(connect(loop_->context, connected, address, {}, Connect::done, &connected));
    loop_->pollUntilDone(connected);
    EXPECT_EQ(connected.error, std::errc::connection_refused);
  }

  void sendToNobody() {
    DatagramTransport transport;
    ok(DatagramTransport::bind(loop_->context, loopback(), {}, transport));
    Send send;
    ok(transport.sendTo(send, loopback().withPort(9), "x", Send::done, &send));
    loop_->pollUntilDone(send);
  }

  void wakeAndSignal() {
    ThreadQueue queue;
    ok(ThreadQueue::open(loop_->context, queue));
    Watched<PostOperation> posted;
    ok(queue.poster().post(posted, posted.done, &posted));
    loop_->pollUntilDone(posted);
    SignalSet set;
    ok(SignalSet::open(loop_->context, {SIGUSR1, SIGPIPE, SIGCHLD}, set));
    Watched<SignalOperation> signal;
    ok(set.wait(signal, signal.done, &signal));
    ::raise(SIGUSR1);
    loop_->pollUntilDone(signal);
  }

  void runChildren() {
    const char* const good[] = {"true"};
    const char* const bad[] = {"/nonexistent/program"};
    SubprocessOptions options = runs(good);
    options.directory = "/";
    options.newSession = true;
    SubprocessTransport child;
    ok(SubprocessTransport::start(loop_->context, options, child));
    Exit exit;
    ok(child.wait(exit, 30s, Exit::done, &exit));
    loop_->pollUntilDone(exit);
    EXPECT_TRUE(exit.status.isSuccess());
    EXPECT_TRUE(SubprocessTransport::start(loop_->context, runs(bad), child));
  }

  std::optional<OwnLoop> loop_;
};

TEST_F(NoSurprisesTest, AreLeftByTransports) {
  const NoSurprises none;
  loop_.emplace();
  breakStreams();
  meet();
  sendToNobody();
  wakeAndSignal();
  runChildren();
  loop_.reset();
}

}  // namespace
}  // namespace kairos
