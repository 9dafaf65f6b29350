// SPDX-License-Identifier: MIT OR Apache-2.0
// Whatever the transports open is close-on-exec from birth, not a moment later: the kernel ends a
// process that does otherwise.
#include "kairos/tests/support/close_on_exec.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "kairos/tests/transports/server_fixture.h"
#include "kairos/tests/transports/subprocess_fixture.h"
#include "kairos/transports/connect_any.h"
#include "kairos/transports/datagram_transport.h"
#include "kairos/transports/signal_set.h"
#include "kairos/transports/thread_async_event.h"
#include "kairos/transports/thread_queue.h"

namespace kairos {
namespace {

// Which step did not work, or 0.
class Steps {
 public:
  void expect(bool works) {
    ++count_;
    if (!works && failed_ == 0) failed_ = count_;
  }
  void ok(std::error_code error) { expect(!error); }
  int failed() const { return failed_; }

 private:
  int count_ = 0;
  int failed_ = 0;
};

int connectAndAccept(const Address& name) {
  Steps steps;
  OwnLoop loop;
  StreamServer server;
  Address address;
  steps.ok(StreamServer::listen(loop.context, name, {}, server));
  steps.ok(server.localAddress(address));
  Accept accepted;
  Connect connected;
  steps.ok(server.accept(accepted, Accept::done, &accepted));
  steps.ok(connect(loop.context, connected, address, {}, Connect::done, &connected));
  loop.pollUntilDone(accepted);
  loop.pollUntilDone(connected);
  steps.ok(accepted.error);
  steps.ok(connected.error);
  Watched<ConnectAnyOperation> race;
  steps.ok(server.accept(accepted, Accept::done, &accepted));
  steps.ok(connectAny(loop.context, race, {&address, 1}, {}, race.done, &race));
  loop.pollUntilDone(race);
  steps.ok(race.error);
  return steps.failed();
}

TEST(CloseOnExecTest, IsHowStreamsAndServersAreMade) {
  for (const Address& name :
       {loopback(), pathAddress(socketPath("born")), abstractAddress("born")}) {
    EXPECT_EQ(whereAllIsCloseOnExec([&name] { return connectAndAccept(name); }), "exit 0");
  }
}

TEST(CloseOnExecTest, IsHowDatagramSocketsAreMade) {
  const auto open = [] {
    Steps steps;
    OwnLoop loop;
    DatagramTransport bound;
    DatagramTransport connected;
    Address address;
    steps.ok(DatagramTransport::bind(loop.context, loopback(), {}, bound));
    steps.ok(bound.localAddress(address));
    steps.ok(DatagramTransport::connect(loop.context, address, {}, connected));
    steps.ok(DatagramTransport::bind(loop.context, Address::unixUnnamed(), {}, bound));
    return steps.failed();
  };
  EXPECT_EQ(whereAllIsCloseOnExec(open), "exit 0");
}

TEST(CloseOnExecTest, IsHowLoopsAreWokenAndToldOfSignals) {
  const auto open = [] {
    Steps steps;
    OwnLoop loop;
    ThreadAsyncEvent event;
    Watched<EventOperation> waiting;
    steps.ok(ThreadAsyncEvent::open(event));
    steps.ok(event.wait(loop.context, waiting, waiting.done, &waiting));
    ThreadQueue queue;
    steps.ok(ThreadQueue::open(loop.context, queue));
    SignalSet set;
    steps.ok(SignalSet::open(loop.context, {SIGUSR1, SIGUSR2}, set));
    return steps.failed();
  };
  EXPECT_EQ(whereAllIsCloseOnExec(open), "exit 0");
}

TEST(CloseOnExecTest, IsHowChildrenAreStarted) {
  const auto start = [] {
    Steps steps;
    OwnLoop loop;
    const char* const arguments[] = {"true"};
    SubprocessOptions options = runs(arguments);
    for (const Redirect redirect : {Redirect::pipe(), Redirect::null()}) {
      options.input = options.output = options.error = redirect;
      SubprocessTransport child;
      steps.ok(SubprocessTransport::start(loop.context, options, child));
      Exit exit;
      steps.ok(child.wait(exit, Exit::done, &exit));
      loop.pollUntilDone(exit);
      steps.expect(exit.status.isSuccess());
    }
    return steps.failed();
  };
  EXPECT_EQ(whereAllIsCloseOnExec(start), "exit 0");
}

// What the others rely on.
TEST(CloseOnExecTest, IsDemandedByTheKernel) {
  const std::function<int()> careless[] = {
      [] { return ::socket(AF_UNIX, SOCK_STREAM, 0); },
      [] { return ::dup(0); },
      [] { return ::fcntl(0, F_DUPFD, 3); },
      [] { return ::open("/dev/null", O_RDONLY); },
  };
  for (const auto& each : careless) EXPECT_EQ(whereAllIsCloseOnExec(each), "killed");
  const auto careful = [] { return ::open("/dev/null", O_RDONLY | O_CLOEXEC) < 0 ? 1 : 0; };
  EXPECT_EQ(whereAllIsCloseOnExec(careful), "exit 0");
}

}  // namespace
}  // namespace kairos
