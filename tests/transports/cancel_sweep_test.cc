// SPDX-License-Identifier: MIT OR Apache-2.0
// Operations of each kind are cancelled, closed or destroyed after each number of polls: each ends
// once, or not at all if it was destroyed, and nothing is left.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <memory>
#include <set>
#include <vector>

#include "kairos/tests/transports/datagram_fixture.h"
#include "kairos/tests/transports/subprocess_fixture.h"
#include "kairos/transports/connect_any.h"
#include "kairos/transports/signal_set.h"
#include "kairos/transports/thread_async_event.h"

namespace kairos {
namespace {

constexpr std::size_t stepsMax = 12;

enum class End { cancel, close, destroyTransport, destroyOperations };

// One of each kind, all under way at once, in a context of their own.
class Bustle {
 public:
  explicit Bustle(Reactor& reactor) : context_(reactor) {
    Address address;
    ok(StreamServer::listen(context_, loopback(), {}, server_));
    ok(server_.localAddress(address));
    addresses_ = {address, address};
    ok(DatagramTransport::bind(context_, loopback(), {}, datagrams_));
    ok(datagrams_.localAddress(address));
    ok(SubprocessTransport::start(context_, runs(sleep_), child_));
    ok(SignalSet::open(context_, {SIGUSR2}, signals_));
    ok(ThreadAsyncEvent::open(event_));
    start(address);
  }

  void end(End how) {
    switch (how) {
      case End::cancel:
        return cancelAll();
      case End::close:
        server_.close();
        datagrams_.close();
        child_.close();
        return signals_.close();
      case End::destroyTransport:
        server_ = StreamServer();
        datagrams_ = DatagramTransport();
        child_ = SubprocessTransport();
        signals_ = SignalSet();
        return;
      case End::destroyOperations:
        destroyed_ = true;
        all_.reset();
    }
  }

  // Those that were destroyed do not count.
  void expectOnce() const {
    if (destroyed_) return;
    expectOnce(all_->accept);
    expectOnce(all_->connect);
    expectOnce(all_->any);
    expectOnce(all_->receive);
    expectOnce(all_->send);
    expectOnce(all_->exit);
    expectOnce(all_->signal);
    expectOnce(all_->wait);
  }

  // What is still pending ends with the context.
  void finish() {
    if (!destroyed_) cancelAll();
  }

 private:
  struct All {
    Watched<AcceptOperation> accept;
    Watched<ConnectOperation> connect;
    Watched<ConnectAnyOperation> any;
    Watched<ReceiveOperation> receive;
    Watched<SendOperation> send;
    Watched<ExitOperation> exit;
    Watched<SignalOperation> signal;
    Watched<EventOperation> wait;
  };

  static void ok(std::error_code error) { ASSERT_EQ(error, std::error_code()); }

  template <class Operation>
  static void expectOnce(const Watched<Operation>& operation) {
    EXPECT_FALSE(operation.isPending());
    EXPECT_EQ(operation.completions(), 1u);
  }

  void start(const Address& to) {
    All& all = *all_;
    ok(server_.accept(all.accept, all.accept.done, &all.accept));
    ok(connect(context_, all.connect, addresses_[0], {}, all.connect.done, &all.connect));
    ok(connectAny(context_, all.any, addresses_, {}, all.any.done, &all.any));
    ok(datagrams_.receive(all.receive, all.receive.done, &all.receive));
    ok(datagrams_.sendTo(all.send, to, "x", all.send.done, &all.send));
    ok(child_.wait(all.exit, all.exit.done, &all.exit));
    ok(signals_.wait(all.signal, all.signal.done, &all.signal));
    ok(event_.wait(context_, all.wait, all.wait.done, &all.wait));
  }

  void cancelAll() {
    All& all = *all_;
    server_.cancel(all.accept);
    cancel(all.connect);
    cancel(all.any);
    datagrams_.cancel(all.receive);
    datagrams_.cancel(all.send);
    child_.cancel(all.exit);
    signals_.cancel(all.signal);
    event_.cancel(all.wait);
  }

  static constexpr std::array<const char*, 2> sleep_ = {"sleep", "1000"};
  std::vector<Address> addresses_;
  std::unique_ptr<All> all_ = std::make_unique<All>();
  bool destroyed_ = false;
  TransportContext context_;
  StreamServer server_;
  DatagramTransport datagrams_;
  SubprocessTransport child_;
  SignalSet signals_;
  ThreadAsyncEvent event_;
};

class CancelSweepTest : public RealTimeTest {
 protected:
  void sweep(End how) {
    for (std::size_t step = 0; step < stepsMax && !HasFailure(); ++step) {
      SCOPED_TRACE(testing::Message() << "after " << step << " polls");
      const std::set<Fd> before = openFds();
      {
        Bustle bustle(reactor_);
        for (std::size_t i = 0; i < step; ++i) poll();
        bustle.end(how);
        for (std::size_t i = 0; i < stepsMax; ++i) poll();
        bustle.finish();
        for (std::size_t i = 0; i < stepsMax; ++i) poll();
        bustle.expectOnce();
      }
      EXPECT_EQ(openedSince(before), std::set<Fd>());
      EXPECT_TRUE(hasNoChildren());
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Backends, CancelSweepTest, backends(), backendName);

// T82, T90
TEST_P(CancelSweepTest, MayBeCancelledAtEachStep) { sweep(End::cancel); }
TEST_P(CancelSweepTest, MayBeClosedAtEachStep) { sweep(End::close); }
TEST_P(CancelSweepTest, MayLoseTheTransportAtEachStep) { sweep(End::destroyTransport); }
TEST_P(CancelSweepTest, MayBeDestroyedAtEachStep) { sweep(End::destroyOperations); }

}  // namespace
}  // namespace kairos
