// SPDX-License-Identifier: MIT OR Apache-2.0
// Each allocation, and each system call, of transports of datagrams fails in turn: of two that are
// bound, of one that is connected, of unix sockets with paths and without.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include "kairos/tests/transports/datagram_fixture.h"
#include "kairos/tests/transports/scene.h"

namespace kairos {
namespace {

// Near sends one datagram, then three at once; far answers the first.
class DatagramScene : public Scene {
 public:
  void close() {
    near_.close();
    far_.close();
  }

  void expectSuccess() const {
    EXPECT_TRUE(isWell());
    EXPECT_EQ(received_, 4u);
    EXPECT_EQ(answer_.datagrams.size(), 1u);
  }

 protected:
  explicit DatagramScene(const Stage& stage) : Scene(stage) {}

  DatagramTransport near_;
  DatagramTransport far_;

  // Both are open. `peer`: none if near is connected.
  void converse(const Address& peer) {
    peer_ = peer;
    for (Datagram& each : three_) each = {.data = "words", .peer = peer};
    receive();
    awaitAnswer();
    const bool isSent = one_.begin([this](auto... with) {
      const bool isConnected = peer_.family() == Address::Family::none;
      return isConnected ? near_.send(one_, "word", with...)
                         : near_.sendTo(one_, peer_, "word", with...);
    });
    if (!isSent) close();
  }

 private:
  void receive() {
    if (!receive_.begin([this](auto... with) { return far_.receive(receive_, with...); })) close();
  }
  void awaitAnswer() {
    if (!answer_.begin([this](auto... with) { return near_.receiveOne(answer_, with...); })) {
      close();
    }
  }

  // What was lost nobody waits for.
  void onSent(const SendOperation& sent) {
    if (sent.error) close();
  }
  void onOneSent() {
    if (one_.error) return close();
    const bool isSent =
        more_.begin([this](auto... with) { return near_.send(more_, three_, with...); });
    if (!isSent) close();
  }

  // An error of receiving may pass.
  bool isRepeated(std::error_code error) {
    const bool isAgain = error && error != TransportError::closed && ++failures_ < 5;
    if (error && !isAgain) close();
    return isAgain;
  }
  void onAnswer() {
    if (isRepeated(answer_.error)) awaitAnswer();
  }
  void onReceived() {
    if (isRepeated(receive_.error)) return receive();
    if (receive_.error) return;
    if (received_ == 0) answer(receive_.datagrams.front().peer);
    received_ += receive_.datagrams.size();
    if (received_ < 4) receive();
  }
  void answer(const Address& to) {
    answerPeer_ = to;
    const bool isSent = back_.begin([this](auto... with) {
      const bool isConnected = answerPeer_.family() == Address::Family::unixUnnamed;
      return isConnected ? far_.send(back_, "answer", with...)
                         : far_.sendTo(back_, answerPeer_, "answer", with...);
    });
    if (!isSent) close();
  }

  Address peer_;
  Address answerPeer_;
  std::array<Datagram, 3> three_;
  Act<ReceiveOperation> receive_{*this, [this] { onReceived(); }};
  Act<ReceiveOperation> answer_{*this, [this] { onAnswer(); }};
  Act<SendOperation> one_{*this, [this] { onOneSent(); }};
  Act<SendOperation> more_{*this, [this] { onSent(more_); }};
  Act<SendOperation> back_{*this, [this] { onSent(back_); }};
  std::size_t received_ = 0;
  std::size_t failures_ = 0;
};

class BoundScene : public DatagramScene {
 public:
  explicit BoundScene(const Stage& stage) : DatagramScene(stage) {
    Address address;
    const DatagramOptions options{.reuseAddress = true};
    if (note(DatagramTransport::bind(context(), loopback(), options, far_)) ||
        note(DatagramTransport::bind(context(), loopback(), {.broadcast = true}, near_)) ||
        note(far_.localAddress(address))) {
      return;
    }
    converse(address);
  }
};

class ConnectedScene : public DatagramScene {
 public:
  explicit ConnectedScene(const Stage& stage) : DatagramScene(stage) {
    Address address;
    if (note(DatagramTransport::bind(context(), loopback(), {}, far_)) ||
        note(far_.localAddress(address)) ||
        note(DatagramTransport::connect(context(), address, {}, near_))) {
      return;
    }
    converse({});
  }
};

const std::string paths[] = {socketPath("near"), socketPath("far")};
const Address addresses[] = {pathAddress(paths[0]), pathAddress(paths[1])};

class PathScene : public DatagramScene {
 public:
  explicit PathScene(const Stage& stage) : DatagramScene(stage) {
    const DatagramOptions options{.local = addresses[0]};
    if (note(DatagramTransport::bind(context(), addresses[1], {.pathMode = 0600}, far_)) ||
        note(DatagramTransport::connect(context(), addresses[1], options, near_))) {
      return;
    }
    converse({});
  }

  void expectSuccess() {
    DatagramScene::expectSuccess();
    close();
    for (const std::string& path : paths) EXPECT_NE(::access(path.c_str(), F_OK), 0);
  }
};

class AdoptedScene : public DatagramScene {
 public:
  explicit AdoptedScene(const Stage& stage) : DatagramScene(stage), ends_(datagramPair()) {
    if (adopt(ends_.near, near_) && adopt(ends_.far, far_)) converse({});
  }

 private:
  // What is not adopted stays its owner's.
  bool adopt(UniqueFd& fd, DatagramTransport& transport) {
    const bool isAdopted = !note(DatagramTransport::adopt(context(), fd.get(), {}, transport));
    if (isAdopted) fd.release();
    return isAdopted;
  }

  Pair ends_;
};

TEST(DatagramSweepTest, SurvivesTheWantOfMemory) {
  sweepAllocations<BoundScene>(4);
  sweepAllocations<ConnectedScene>(4);
  sweepAllocations<PathScene>(4);
  sweepAllocations<AdoptedScene>(4);
}

TEST(DatagramSweepTest, ReportsErrorsOfTheOs) {
  sweepCalls<BoundScene>({{SystemCall::socket, EMFILE},
                          {SystemCall::bind, EADDRINUSE},
                          {SystemCall::setsockopt, ENOPROTOOPT},
                          {SystemCall::getsockname, ENOBUFS},
                          {SystemCall::sendto, EPERM},
                          {SystemCall::sendmmsg, ENOMEM},
                          {SystemCall::recvmmsg, ENOMEM},
                          {SystemCall::epollCtl, ENOMEM},
                          {SystemCall::epollCtl, ENOSPC}});
  sweepCalls<ConnectedScene>({{SystemCall::connect, ENETUNREACH},
                              {SystemCall::sendto, EHOSTUNREACH},
                              {SystemCall::sendmmsg, EHOSTUNREACH},
                              {SystemCall::epollCtl, ENOSPC}});
  sweepCalls<PathScene>({{SystemCall::bind, EACCES},
                         {SystemCall::connect, ECONNREFUSED},
                         {SystemCall::sendto, ECONNREFUSED},
                         {SystemCall::epollCtl, ENOSPC}});
  sweepCalls<AdoptedScene>({{SystemCall::getsockopt, ENOBUFS},
                            {SystemCall::fcntl, EPERM},
                            {SystemCall::epollCtl, ENOSPC}});
}

// Nobody sees these.
TEST(DatagramSweepTest, ConcealsInterruptionsAndFalseReadiness) {
  for (const int error : {EINTR, EAGAIN, ENOBUFS}) {
    sweepCalls<BoundScene>({{SystemCall::sendto, error}, {SystemCall::sendmmsg, error}}, 1);
    sweepCalls<PathScene>({{SystemCall::sendto, error}, {SystemCall::sendmmsg, error}}, 1);
  }
  sweepCalls<BoundScene>({{SystemCall::recvmmsg, EINTR}, {SystemCall::recvmmsg, EAGAIN}}, 1);
}

}  // namespace
}  // namespace kairos
