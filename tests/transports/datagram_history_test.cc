// SPDX-License-Identifier: MIT OR Apache-2.0
// Random histories of datagrams: what arrives was sent, as it was, in order, and from where it
// says; what does not arrive was refused, or there was no room for it.
#include <gtest/gtest.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kairos/tests/transports/datagram_fixture.h"
#include "kairos/tests/transports/history.h"

namespace kairos {
namespace {

constexpr std::size_t endpointsAtOnce = 5;
constexpr std::size_t udpBytesMax = 65507;

struct SendStep;

// A transport from its start on.
struct Endpoint {
  DatagramTransport transport;
  Address address{};
  std::optional<Address> remote{};  // it is connected
  bool isUnix = false;
  std::size_t bytesMax = 0;
  std::size_t sendsBegun = 0;
  std::size_t received = 0;
  bool isCut = false;  // something may have been lost with an operation

  // What the last receive has shown, and how it was.
  std::vector<std::string_view> shown{};
  std::vector<std::string> shownAs{};

  bool takesFrom(const Endpoint& other) const { return !remote || *remote == other.address; }
};

// A datagram of a send that was begun.
struct Sent {
  Address to;
  const Endpoint* receiver;  // null: nobody is there to have it
  std::string_view bytes;
  bool isSent = false;  // the OS has taken it
  bool isPast = false;  // it was received, or one that was sent later
};

struct SendStep : Step {
  explicit SendStep(Endpoint& of) : endpoint(of), number(of.sendsBegun++) {}
  const detail::Operation& operation() const override { return send; }

  Endpoint& endpoint;
  const std::size_t number;
  std::vector<Sent*> sent;
  std::vector<Datagram> datagrams;
  SendOperation send;
};

struct ReceiveStep : Step {
  ReceiveStep(Endpoint& of, bool one) : endpoint(of), isOne(one) {}
  const detail::Operation& operation() const override { return receive; }

  Endpoint& endpoint;
  const bool isOne;
  ReceiveOperation receive;
};

bool isReady(Fd fd, short events) {
  pollfd asked{fd, events, 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & events) != 0;
}

// What the OS had no room for.
std::size_t droppedAt(Fd fd) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> numbers{};
  socklen_t size = sizeof numbers;
  EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_MEMINFO, numbers.data(), &size), 0);
  return numbers[SK_MEMINFO_DROPS];
}

// What others have not received yet takes more than a quarter of its buffer: then Linux does not
// call a unix socket writable (unix_writable() in net/unix/af_unix.c), whoever is to have the next.
bool isFilledByOthers(Fd fd) {
  int unread = 0;
  int size = 0;
  socklen_t bytes = sizeof size;
  EXPECT_EQ(::ioctl(fd, SIOCOUTQ, &unread), 0);
  EXPECT_EQ(::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &bytes), 0);
  return unread > size / 4;
}

class DatagramHistory final : public History {
 public:
  DatagramHistory(Random& random, BackendKind backend) : History(random, backend) {
    noise_.resize(2 * udpBytesMax);
    for (char& byte : noise_) byte = static_cast<char>(random_.below(256));
    for (Endpoint*& each : current_) open(each);
  }

 private:
  // ---- What is done

  void act() override {
    Endpoint& endpoint = *current_[random_.below(endpointsAtOnce)];
    switch (random_.below(16)) {
      case 0:
        return move(endpoint);
      case 1:
        if (Step* const step = anyStep()) forget(*step);
        return;
      case 2:
        return cancelOne();
      case 3:
        return end(endpoint);
      default:
        return random_.oneIn(2) ? receive(endpoint) : send(endpoint);
    }
  }

  void open(Endpoint*& current) {
    Endpoint& made = endpoints_.emplace_back();
    static constexpr std::size_t sizes[] = {1, 10, 700, 65535};
    made.bytesMax = sizes[random_.below(std::size(sizes))];
    made.isUnix = random_.oneIn(2);
    const Endpoint* const other = anyOpen(made.isUnix);
    const bool isTaken = other != nullptr && other->isUnix && other->remote;
    if (other != nullptr && !isTaken && random_.oneIn(2)) made.remote = other->address;
    heal();
    ok(open(made));
    ok(made.transport.localAddress(made.address));
    if (!made.isUnix && random_.oneIn(3)) {
      const int least = 1;
      ::setsockopt(made.transport.fd(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    }
    current = &made;
  }

  std::error_code open(Endpoint& made) {
    const Address local = made.isUnix ? Address::unixUnnamed() : loopback();
    const DatagramOptions options{.local = local, .bytesMax = made.bytesMax};
    if (!made.remote) return DatagramTransport::bind(context_, local, options, made.transport);
    return DatagramTransport::connect(context_, *made.remote, options, made.transport);
  }

  // Any but those that are over, or null.
  const Endpoint* anyOpen(bool isUnix) {
    const Endpoint* const chosen = current_[random_.below(endpointsAtOnce)];
    const bool fits = chosen != nullptr && chosen->isUnix == isUnix && chosen->transport.isOpen();
    return fits ? chosen : nullptr;
  }

  static void move(Endpoint& endpoint) {
    DatagramTransport moved = std::move(endpoint.transport);
    endpoint.transport = std::move(moved);
  }

  void cancelOne() {
    Step* const step = anyStep();
    if (auto* const send = dynamic_cast<SendStep*>(step)) {
      cancelled(*step, send->endpoint.transport.cancel(send->send));
    } else if (auto* const receive = dynamic_cast<ReceiveStep*>(step)) {
      cancelled(*step, receive->endpoint.transport.cancel(receive->receive));
    }
  }

  // Another takes its place.
  void end(Endpoint& endpoint) {
    if (!random_.oneIn(3) || isEnding()) return;
    if (random_.oneIn(2)) {
      endpoint.transport.close();
    } else {
      endpoint.transport = DatagramTransport();
      endpoint.shown.clear();
    }
    open(*std::find(current_.begin(), current_.end(), &endpoint));
  }

  void receive(Endpoint& endpoint) {
    auto& step = add(std::make_unique<ReceiveStep>(endpoint, random_.oneIn(2)));
    expectShown(endpoint);
    const bool isTaken = start(step, [&](CallbackFunc callback, void* udata) {
      return step.isOne ? endpoint.transport.receiveOne(step.receive, callback, udata)
                        : endpoint.transport.receive(step.receive, callback, udata);
    });
    if (isTaken) endpoint.shown.clear();
  }

  void send(Endpoint& endpoint) {
    auto& step = add(std::make_unique<SendStep>(endpoint));
    const bool isSingle = random_.oneIn(2);
    for (std::size_t left = isSingle ? 1 : random_.below(random_.oneIn(10) ? 200 : 5); left > 0;
         --left) {
      addDatagram(step);
    }
    start(step, [&](CallbackFunc callback, void* udata) {
      if (!isSingle) return endpoint.transport.send(step.send, step.datagrams, callback, udata);
      const Datagram& only = step.datagrams[0];
      if (only.peer == Address()) {
        return endpoint.transport.send(step.send, only.data, callback, udata);
      }
      return endpoint.transport.sendTo(step.send, only.peer, only.data, callback, udata);
    });
  }

  void addDatagram(SendStep& step) {
    Endpoint& from = step.endpoint;
    const Endpoint& chosen = *current_[random_.below(endpointsAtOnce)];
    const bool isToRemote = random_.oneIn(3) || chosen.isUnix != from.isUnix;
    Sent& sent = sent_.emplace_back();
    sent.to = isToRemote ? from.remote.value_or(Address()) : chosen.address;
    sent.receiver = receiverAt(sent.to, from);
    sent.bytes = std::string_view(noise_).substr(random_.below(udpBytesMax), someSize());
    underWay_[{from.address, sent.to}].push_back(&sent);
    step.sent.push_back(&sent);
    step.datagrams.push_back({.data = sent.bytes, .peer = isToRemote ? Address() : chosen.address});
  }

  const Endpoint* receiverAt(const Address& address, const Endpoint& from) const {
    for (const Endpoint* each : current_) {
      if (each->address == address && each->takesFrom(from)) return each;
    }
    return nullptr;
  }

  std::size_t someSize() {
    if (random_.oneIn(40)) return udpBytesMax - 1 + random_.below(4);
    return random_.below(random_.oneIn(10) ? 3000 : 40);
  }

  // ---- What comes of it

  void onDone(Step& step) override {
    if (auto* const receive = dynamic_cast<ReceiveStep*>(&step)) return onReceived(*receive);
    auto& send = static_cast<SendStep&>(step);
    note(send);
    EXPECT_TRUE(send.error() || send.send.sent == send.sent.size());
    if (send.isCancelled()) return;
    for (const auto& each : steps()) {
      const auto* const other = dynamic_cast<const SendStep*>(each.get());
      if (other == nullptr || &other->endpoint != &send.endpoint || !other->isPending()) continue;
      EXPECT_TRUE(other->isCancelled() || other->number > send.number) << "out of order";
    }
    if (send.error()) expectReason(send);
  }

  void onForgotten(Step& step) override {
    if (!step.isPending()) return;
    if (auto* const send = dynamic_cast<SendStep*>(&step)) return note(*send);
    static_cast<ReceiveStep&>(step).endpoint.isCut = true;
  }

  static void note(SendStep& step) {
    ASSERT_LE(step.send.sent, step.sent.size());
    for (std::size_t i = 0; i < step.send.sent; ++i) step.sent[i]->isSent = true;
  }

  void expectReason(const SendStep& step) {
    const std::error_code error = step.error();
    if (error == TransportError::closed) return;
    if (maySeeFaults() && error == std::errc::no_space_on_device) return;
    ASSERT_LT(step.send.sent, step.sent.size());
    const Sent& refused = *step.sent[step.send.sent];
    if (error == std::errc::not_connected) {
      // Linux disconnects a unix socket when it finds its peer gone.
      EXPECT_TRUE(refused.to == Address() || (step.endpoint.isUnix && step.endpoint.remote));
    } else if (error == std::errc::message_size) {
      EXPECT_GT(refused.bytes.size(), udpBytesMax);
      EXPECT_FALSE(step.endpoint.isUnix);
    } else if (error == std::errc::connection_refused) {
      EXPECT_TRUE(step.endpoint.isUnix || step.endpoint.remote);
    } else {
      EXPECT_EQ(error, std::errc::operation_not_permitted) << error.message();
      EXPECT_TRUE(step.endpoint.isUnix) << "it is connected to another";
    }
  }

  void onReceived(ReceiveStep& step) {
    Endpoint& endpoint = step.endpoint;
    const auto& datagrams = step.receive.datagrams;
    EXPECT_NE(datagrams.empty(), !step.error());
    if (step.error()) return expectReason(step);
    EXPECT_TRUE(!step.isOne || datagrams.size() == 1);
    endpoint.shown.clear();
    endpoint.shownAs.clear();
    endpoint.received += datagrams.size();
    for (const Datagram& each : datagrams) {
      expectSent(endpoint, each);
      endpoint.shown.push_back(each.data);
      endpoint.shownAs.emplace_back(each.data);
    }
  }

  void expectReason(const ReceiveStep& step) const {
    const std::error_code error = step.error();
    if (step.isCancelled() || error == TransportError::closed) return;
    if (maySeeFaults() && error == std::errc::no_space_on_device) return;
    EXPECT_TRUE(error == std::errc::connection_refused || error == std::errc::connection_reset)
        << error.message();
    EXPECT_TRUE(step.endpoint.remote) << "a report without a connection";
  }

  // The next that was sent from there to here, or a later one.
  void expectSent(const Endpoint& endpoint, const Datagram& datagram) {
    EXPECT_LE(datagram.data.size(), endpoint.bytesMax);
    auto& sent = underWay_[{datagram.peer, endpoint.address}];
    while (!sent.empty()) {
      const std::string_view bytes = sent.front()->bytes;
      sent.pop_front();
      if (bytes.substr(0, endpoint.bytesMax) != datagram.data) continue;
      if (datagram.isTruncated == (bytes.size() > endpoint.bytesMax)) return;
    }
    ADD_FAILURE() << datagram.data.size() << " bytes that were not sent, or not now";
  }

  // ---- What must hold

  static void expectShown(const Endpoint& endpoint) {
    for (std::size_t i = 0; i < endpoint.shown.size(); ++i) {
      EXPECT_EQ(endpoint.shown[i], endpoint.shownAs[i]) << "changed before the next receive";
    }
  }

  bool isReceiving(const Endpoint& endpoint) const {
    return std::any_of(steps().begin(), steps().end(), [&endpoint](const auto& each) {
      const auto* const step = dynamic_cast<const ReceiveStep*>(each.get());
      return step != nullptr && &step->endpoint == &endpoint && step->isPending();
    });
  }

  bool mayGoOn() override {
    return std::any_of(current_.begin(), current_.end(), [this](const Endpoint* each) {
      return isReady(each->transport.fd(), POLLIN) && isReceiving(*each);
    });
  }

  void check() override {
    for (const auto& each : steps()) {
      const auto* const step = dynamic_cast<const SendStep*>(each.get());
      if (step != nullptr && step->isPending()) expectToWait(*step);
    }
    for (const Endpoint* each : current_) {
      expectShown(*each);
      if (mayLoseNothing(*each) && isReceiving(*each)) expectNoLoss(*each);
    }
  }

  // Linux throws away what a unix socket has received when that finds its peer gone.
  bool mayLoseNothing(const Endpoint& endpoint) const {
    if (endpoint.isCut || !endpoint.transport.isOpen()) return false;
    if (!endpoint.isUnix || !endpoint.remote) return true;
    return std::any_of(current_.begin(), current_.end(), [&endpoint](const Endpoint* each) {
      return each->address == *endpoint.remote && each->transport.isOpen();
    });
  }

  // For want of room, which only a unix peer has that does not receive.
  void expectToWait(const SendStep& step) const {
    EXPECT_TRUE(step.endpoint.isUnix && step.endpoint.transport.isOpen());
    for (const auto& each : steps()) {
      const auto* const other = dynamic_cast<const SendStep*>(each.get());
      const bool isBefore = other != nullptr && other->isPending() &&
                            &other->endpoint == &step.endpoint && other->number < step.number;
      if (isBefore) return;
    }
    if (isFilledByOthers(step.endpoint.transport.fd())) return;
    const Address& to = step.sent[step.send.sent]->to;
    EXPECT_TRUE(std::any_of(current_.begin(), current_.end(), [&](const Endpoint* each) {
      return each->address == to && !isReceiving(*each);
    })) << "there is room for it";
  }

  void expectNoLoss(const Endpoint& endpoint) const {
    const auto sent = std::count_if(sent_.begin(), sent_.end(), [&](const Sent& each) {
      return each.receiver == &endpoint && each.isSent;
    });
    const std::size_t dropped = endpoint.isUnix ? 0 : droppedAt(endpoint.transport.fd());
    EXPECT_LE(static_cast<std::size_t>(sent), endpoint.received + dropped);
  }

  void dropAll() override {
    for (Endpoint& each : endpoints_) {
      each.transport = DatagramTransport();
      each.shown.clear();
    }
  }

  std::deque<Endpoint> endpoints_;
  std::string noise_;
  std::deque<Sent> sent_;
  // From whom, and to whom; what came, or what was sent after it, is not there any more.
  std::map<std::pair<Address, Address>, std::deque<Sent*>> underWay_;
  std::array<Endpoint*, endpointsAtOnce> current_{};
};

class DatagramHistoryTest : public testing::TestWithParam<BackendKind> {};

INSTANTIATE_TEST_SUITE_P(Backends, DatagramHistoryTest, backends(), backendName);

// T98, T99, T100, T102, T103, T112, T116, T118
TEST_P(DatagramHistoryTest, DeliversInOrderWhatWasSent) {
  playHistories<DatagramHistory>(GetParam(), 20, 300);
}

}  // namespace
}  // namespace kairos
