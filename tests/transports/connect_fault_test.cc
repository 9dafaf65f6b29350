// SPDX-License-Identifier: MIT OR Apache-2.0
// Each system call that servers and connecting make fails, at each moment: the error reaches the
// user, or none is needed; nothing is lost or left behind, and afterwards all works.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <ostream>
#include <string>
#include <tuple>
#include <vector>

#include "kairos/tests/support/system_calls.h"
#include "kairos/tests/transports/server_fixture.h"
#include "kairos/transports/connect_any.h"

namespace kairos {
namespace {

using namespace std::chrono_literals;

using ConnectAny = Watched<ConnectAnyOperation>;

// A server that accepts on and on, and two clients that are answered.
class Meeting {
 public:
  Meeting(TransportContext& context, const Address& address) : context_(context) {
    accepted_.setThen([this] { welcome(); });
    if (note(StreamServer::listen(context_, address, {.noDelay = true}, server_))) return;
    if (note(server_.localAddress(address_))) return;
    if (note(server_.start(accepted_, Accept::done, &accepted_))) return;
    dial();
  }

  bool isOver() const { return !one_.isPending() && !any_.isPending(); }
  std::size_t guests() const { return guests_.size(); }
  const std::vector<std::error_code>& errors() const { return errors_; }

  // Each callback ran once, and has told an error or brought a stream.
  void expectResults() const {
    EXPECT_TRUE(isOver());
    if (!isStarted_) return;
    EXPECT_EQ(one_.completions(), 1u);
    EXPECT_EQ(any_.completions(), 1u);
    EXPECT_NE(one_.stream.isOpen(), static_cast<bool>(one_.error));
    EXPECT_NE(any_.stream.isOpen(), static_cast<bool>(any_.error));
  }

 private:
  bool note(std::error_code error) {
    if (error) errors_.push_back(error);
    return static_cast<bool>(error);
  }

  void dial() {
    addresses_.assign(2, address_);
    one_.setThen([this] { note(one_.error); });
    any_.setThen([this] { note(any_.error); });
    const ConnectOptions options{.local = loopback(), .noDelay = true, .reusePort = true};
    EXPECT_FALSE(connect(context_, one_, address_, options, Connect::done, &one_));
    EXPECT_FALSE(connectAny(context_, any_, addresses_, {}, ConnectAny::done, &any_));
    isStarted_ = true;
  }

  void welcome() {
    if (!note(accepted_.error)) guests_.push_back(std::move(accepted_.stream));
  }

  TransportContext& context_;
  StreamServer server_;
  Address address_;
  std::vector<Address> addresses_;
  Accept accepted_;
  Connect one_;
  ConnectAny any_;
  std::vector<StreamTransport> guests_;
  std::vector<std::error_code> errors_;
  bool isStarted_ = false;
};

struct CallError {
  const char* name;
  SystemCall call;
  int error;
  bool isReported;  // when no other attempt makes up for it
};

std::ostream& operator<<(std::ostream& out, const CallError& error) { return out << error.name; }

constexpr CallError callErrors[] = {
    {"socket_EMFILE", SystemCall::socket, EMFILE, true},
    {"socket_ENOBUFS", SystemCall::socket, ENOBUFS, true},
    {"socket_EAFNOSUPPORT", SystemCall::socket, EAFNOSUPPORT, true},
    {"bind_EADDRINUSE", SystemCall::bind, EADDRINUSE, true},
    {"bind_EACCES", SystemCall::bind, EACCES, true},
    {"listen_EADDRINUSE", SystemCall::listen, EADDRINUSE, true},
    {"connect_ENETUNREACH", SystemCall::connect, ENETUNREACH, true},
    {"connect_EADDRNOTAVAIL", SystemCall::connect, EADDRNOTAVAIL, true},
    {"connect_EINTR", SystemCall::connect, EINTR, false},
    {"getsockopt_ENOBUFS", SystemCall::getsockopt, ENOBUFS, true},
    {"setsockopt_ENOPROTOOPT", SystemCall::setsockopt, ENOPROTOOPT, true},
    {"getsockname_ENOBUFS", SystemCall::getsockname, ENOBUFS, true},
    {"accept_EINTR", SystemCall::accept, EINTR, false},
    {"accept_ECONNABORTED", SystemCall::accept, ECONNABORTED, false},
    {"accept_EAGAIN", SystemCall::accept, EAGAIN, false},
    {"accept_EMFILE", SystemCall::accept, EMFILE, true},
    {"accept_ENOMEM", SystemCall::accept, ENOMEM, true},
    {"accept_EBADF", SystemCall::accept, EBADF, true},
    {"accept_EINVAL", SystemCall::accept, EINVAL, true},
};

using Param = std::tuple<BackendKind, CallError>;

class ConnectFaultTest : public testing::TestWithParam<Param> {
 protected:
  // Nothing here takes as long as that.
  void settle(const Meeting& meeting) {
    const auto since = time_.elapsed();
    while (time_.elapsed() - since < 1s) {
      const PollResult result = reactor_.poll(100ms);
      ASSERT_EQ(result.error, std::error_code());
      if (result.callbacks == 0 && meeting.isOver()) break;
    }
  }

  // What the clients know to be connected may be on its way to the server.
  void awaitGuests(const Meeting& meeting) {
    while (meeting.guests() < 2 && !HasFailure()) {
      ASSERT_EQ(reactor_.poll(Reactor::forever).error, std::error_code());
    }
  }

  void expectAllWell() {
    Meeting meeting(context_, loopback());
    settle(meeting);
    meeting.expectResults();
    EXPECT_TRUE(meeting.errors().empty());
    awaitGuests(meeting);
    EXPECT_EQ(meeting.guests(), 2u);
  }

  void meet(const CallError& what, std::size_t nth, std::size_t times) {
    failCalls(what.call, what.error, times, nth - 1);
    Meeting meeting(context_, loopback());
    settle(meeting);
    meeting.expectResults();
    for (const std::error_code& error : meeting.errors()) {
      EXPECT_EQ(error.value(), what.error) << error.message();
      EXPECT_TRUE(what.isReported);
    }
    if (meeting.errors().empty() && times == 1) awaitGuests(meeting);
  }

  // Until no call is left that can fail.
  void sweep(std::size_t times) {
    const CallError& what = std::get<CallError>(GetParam());
    const auto before = openFds();
    std::size_t nth = 1;
    for (bool happened = true; happened && !HasFailure(); ++nth) {
      SCOPED_TRACE(testing::Message() << what.name << ", call " << nth);
      meet(what, nth, times);
      happened = hasFailed(what.call);
      failCalls(what.call, 0, 0);
      expectAllWell();
      reactor_.poll(0ms);
      EXPECT_EQ(openedSince(before), std::set<Fd>());
    }
    EXPECT_GT(nth, 2u) << "the call is made";
  }

  VirtualTime time_{std::get<BackendKind>(GetParam()).open};
  Reactor reactor_{detail::ReactorAccess::create(time_.open())};
  TransportContext context_{reactor_};
};

std::string faultName(const testing::TestParamInfo<Param>& info) {
  return std::string(std::get<BackendKind>(info.param).name) + "_" +
         std::get<CallError>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Faults, ConnectFaultTest,
                         testing::Combine(backends(), testing::ValuesIn(callErrors)), faultName);

// T77, T87, T89, T94
TEST_P(ConnectFaultTest, IsSurvivedAtEachCall) { sweep(1); }

// T75, T94: more often than a server asks at once for the next newcomer.
TEST_P(ConnectFaultTest, IsSurvivedManyTimesFromEachCallOn) { sweep(100); }

class AnyAddressTest : public ServerTest {};

INSTANTIATE_TEST_SUITE_P(Backends, AnyAddressTest, backends(), backendName);

// T80
TEST_P(AnyAddressTest, IsThatOfIpv6WhereThereIsIpv6) {
  ok(StreamServer::listenAny(context_, 0, {}, server_));
  ok(server_.localAddress(address_));
  EXPECT_EQ(address_.withPort(0), parseAddress("[::]:0"));
  for (const Address& host : {loopback(), parseAddress("[::1]:0")}) {
    Connect connected;
    dial(connected, host.withPort(address_.port()));
    settleUntilDone(connected);
    ok(connected.error);
  }
}

// T80
TEST_P(AnyAddressTest, IsThatOfIpv4WhereThereIsNone) {
  const auto before = openFds();
  const std::pair<SystemCall, int> absences[] = {{SystemCall::socket, EAFNOSUPPORT},
                                                 {SystemCall::bind, EADDRNOTAVAIL}};
  for (const auto& [call, error] : absences) {
    failCalls(call, error);
    ok(StreamServer::listenAny(context_, 0, {}, server_));
    ok(server_.localAddress(address_));
    EXPECT_EQ(address_.withPort(0), parseAddress("0.0.0.0:0"));
  }
  server_.close();
  failCalls(SystemCall::listen, EADDRINUSE);
  EXPECT_EQ(StreamServer::listenAny(context_, 0, {}, server_), std::errc::address_in_use);
  EXPECT_EQ(openedSince(before), std::set<Fd>());
}

class ConnectCallsTest : public ServerTest {};

INSTANTIATE_TEST_SUITE_P(Backends, ConnectCallsTest, backends(), backendName);

// T89
TEST_P(ConnectCallsTest, AreNotRepeatedWhenInterrupted) {
  listen(loopback());
  const SystemCallCount calls;
  failCalls(SystemCall::connect, EINTR);
  Connect connected;
  dial(connected);
  EXPECT_TRUE(connected.isPending());
  settleUntilDone(connected);
  EXPECT_EQ(connected.error, std::error_code());
  EXPECT_EQ(calls[SystemCall::connect], 1u);
}

// T93: POSIX says nothing of a socket on which connect() has failed.
TEST_P(ConnectCallsTest, AreMadeOnASocketOfItsOwnForEachAttempt) {
  listen(loopback());
  const Address dead = address_;
  listen(loopback());
  const std::vector<Address> addresses{dead, dead, address_};
  ConnectAny connected;
  const SystemCallCount calls;
  ok(connectAny(context_, connected, addresses, {.attemptDelay = Reactor::forever},
                ConnectAny::done, &connected));
  settleUntilDone(connected);
  EXPECT_EQ(connected.error, std::error_code());
  EXPECT_EQ(calls[SystemCall::connect], 3u);
  EXPECT_EQ(calls[SystemCall::socket], 3u);
}

// IT10: the error of a socket is told once by the OS.
TEST_P(ConnectCallsTest, AskForAnErrorOnce) {
  listen(loopback());
  server_.close();
  const SystemCallCount calls;
  Connect connected;
  dial(connected);
  settleUntilDone(connected);
  EXPECT_EQ(connected.error, std::errc::connection_refused);
  EXPECT_LE(calls[SystemCall::getsockopt], 1u);
}

}  // namespace
}  // namespace kairos
