// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation, and each system call, of a server and of those who connect to it fails in turn:
// accepting one, accepting on and on, stopping, starting again.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "kairos/tests/transports/scene.h"
#include "kairos/tests/transports/server_fixture.h"
#include "kairos/transports/connect_any.h"

namespace kairos {
namespace {

// One is accepted alone; then others, until the server is stopped, and started again.
class ServerScene : public Scene {
 public:
  ServerScene(const Stage& stage, const Address& address) : Scene(stage) {
    const bool isListening =
        !note(StreamServer::listen(context(), address, {.noDelay = true}, server_)) &&
        !note(server_.localAddress(addresses_[0]));
    if (!isListening) return;
    addresses_[1] = addresses_[0];
    if (mayFail()) startLimit();
    accept();
    dial(first_);
  }

  void close() {
    server_.close();
    reactor().removeTimer(limit_);
  }

  void expectSuccess() const {
    EXPECT_TRUE(isWell());
    EXPECT_EQ(guestCount_, guests_.size());
    EXPECT_TRUE(first_.stream.isOpen() && second_.stream.isOpen() && third_.stream.isOpen());
  }

 private:
  // A server rests as long as the OS wants it to, which may be for ever. What takes longer though
  // nothing was told may go on, on a machine that is busy.
  static constexpr std::chrono::milliseconds restMax{30};
  static constexpr int limitsMax = 100;
  void startLimit() { limit_ = reactor().addTimer(restMax, onLimit, this); }
  static void onLimit(void* udata) {
    auto& self = *static_cast<ServerScene*>(udata);
    if (!self.isWell() || ++self.limits_ == limitsMax) return self.close();
    self.startLimit();
  }

  void accept() {
    const bool isBegun =
        pulled_.begin([this](auto... with) { return server_.accept(pulled_, with...); });
    if (!isBegun) close();
  }
  void start() {
    pushed_.setEnd(isStartedAgain_ ? TransportError::closed
                                   : std::make_error_code(std::errc::operation_canceled));
    const bool isBegun =
        pushed_.begin([this](auto... with) { return server_.start(pushed_, with...); });
    if (!isBegun) close();
  }

  void dial(Act<ConnectOperation>& connected) {
    ConnectOptions options{.noDelay = true};
    if (addresses_[0].isIp()) options.local = loopback();
    const bool isBegun = connected.begin([&](auto... with) {
      return connect(context(), connected, addresses_[0], options, with...);
    });
    if (!isBegun) close();
  }
  void dialAny() {
    const bool isBegun = second_.begin(
        [this](auto... with) { return connectAny(context(), second_, addresses_, {}, with...); });
    if (!isBegun) close();
  }

  // A server rests after some errors and goes on, but not without end here.
  bool hasFailed(const AcceptOperation& operation) {
    if (!operation.error) return false;
    if (++failures_ > 5) close();
    return true;
  }
  void welcome(AcceptOperation& operation) {
    if (guestCount_ < guests_.size()) guests_[guestCount_] = std::move(operation.stream);
    ++guestCount_;
  }

  void onPulled() {
    if (hasFailed(pulled_)) return server_.isOpen() ? accept() : void();
    welcome(pulled_);
    start();
    dialAny();
  }
  void onPushed() {
    if (!pushed_.isPending()) return onStopped();
    if (hasFailed(pushed_)) return;
    welcome(pushed_);
    if (isStartedAgain_) return close();
    server_.stop();
  }
  void onStopped() {
    if (!server_.isOpen() || std::exchange(isStartedAgain_, true)) return close();
    start();
    dial(third_);
  }
  void onDialed(std::error_code error) {
    if (error) close();
  }

  // Who connects finds the server closed.
  bool mayFollow(std::error_code error) const override {
    return Scene::mayFollow(error) || error == std::errc::connection_refused ||
           error == std::errc::connection_reset || error == std::errc::no_such_file_or_directory;
  }

  StreamServer server_;
  std::array<Address, 2> addresses_;
  Act<AcceptOperation> pulled_{*this, [this] { onPulled(); }};
  Act<AcceptOperation> pushed_{*this, [this] { onPushed(); }};
  Act<ConnectOperation> first_{*this, [this] { onDialed(first_.error); }};
  Act<ConnectAnyOperation> second_{*this, [this] { onDialed(second_.error); }};
  Act<ConnectOperation> third_{*this, [this] { onDialed(third_.error); }};
  std::array<StreamTransport, 3> guests_;
  std::size_t guestCount_ = 0;
  std::size_t failures_ = 0;
  TimerId limit_ = TimerId::none;
  int limits_ = 0;
  bool isStartedAgain_ = false;
};

class TcpServerScene : public ServerScene {
 public:
  explicit TcpServerScene(const Stage& stage) : ServerScene(stage, loopback()) {}
};

const std::string serverPath = socketPath("sweep");
const Address serverAddress = pathAddress(serverPath);

class UnixServerScene : public ServerScene {
 public:
  explicit UnixServerScene(const Stage& stage) : ServerScene(stage, serverAddress) {}

  void expectSuccess() {
    ServerScene::expectSuccess();
    close();
    EXPECT_NE(::access(serverPath.c_str(), F_OK), 0) << "nothing is left of the path";
  }
};

TEST(ServerSweepTest, SurvivesTheWantOfMemory) {
  sweepAllocations<TcpServerScene>(5);
  sweepAllocations<UnixServerScene>(5);
}

// T75, T77, T87, T89, T94
TEST(ServerSweepTest, ReportsErrorsOfTheOs) {
  sweepCalls<TcpServerScene>({{SystemCall::socket, EMFILE},
                              {SystemCall::bind, EADDRNOTAVAIL},
                              {SystemCall::listen, EADDRINUSE},
                              {SystemCall::connect, ENETUNREACH},
                              {SystemCall::getsockopt, ENOBUFS},
                              {SystemCall::setsockopt, ENOPROTOOPT},
                              {SystemCall::getsockname, ENOBUFS},
                              {SystemCall::accept, EMFILE},
                              {SystemCall::accept, ENOMEM},
                              {SystemCall::accept, EINVAL},
                              {SystemCall::epollCtl, ENOMEM},
                              {SystemCall::epollCtl, ENOSPC}});
  sweepCalls<UnixServerScene>({{SystemCall::socket, ENFILE},
                               {SystemCall::bind, EACCES},
                               {SystemCall::listen, EADDRINUSE},
                               {SystemCall::connect, EACCES},
                               {SystemCall::accept, ENFILE},
                               {SystemCall::epollCtl, ENOSPC}});
}

// Nobody sees these.
TEST(ServerSweepTest, ConcealsInterruptionsAndFalseReadiness) {
  sweepCalls<TcpServerScene>({{SystemCall::connect, EINTR},
                              {SystemCall::accept, EINTR},
                              {SystemCall::accept, EAGAIN},
                              {SystemCall::accept, ECONNABORTED}},
                             1);
}

}  // namespace
}  // namespace kairos
