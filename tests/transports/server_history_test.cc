// SPDX-License-Identifier: MIT OR Apache-2.0
// Random histories of servers, and of those who connect to them: who has connected is accepted,
// once and in order, and nobody else; want of descriptors is told once and passes.
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kairos/tests/support/process_state.h"
#include "kairos/tests/transports/history.h"
#include "kairos/tests/transports/server_fixture.h"
#include "kairos/transports/connect_any.h"

namespace kairos {
namespace {

constexpr std::size_t placesAtOnce = 3;

struct AcceptStep;

// A server from its start on, and who came.
struct Place {
  StreamServer server;
  AcceptStep* started = nullptr;  // last, by start(), and not forgotten
  Address address;
  bool keepsOrder = false;       // of those who connect; their names are numbers then
  std::vector<Address> callers;  // who was told to be connected
  std::size_t strangers = 0;     // who may be connected, without anybody to say so
  std::vector<Address> guests;   // who was accepted
  bool isCut = false;            // a guest may have been lost with an operation
  bool wantIsTold = false;       // since the last guest
};

struct AcceptStep : Step {
  AcceptStep(Place& at, bool isEndless) : place(at), isStart(isEndless) {}
  const detail::Operation& operation() const override { return accept; }
  bool isLoop() const override { return isStart; }

  Place& place;
  const bool isStart;
  std::size_t guestsSinceStop = 0;
  AcceptOperation accept;
};

struct ConnectStep : Step {
  explicit ConnectStep(Place& to) : place(to) {}
  const detail::Operation& operation() const override { return connect; }

  Place& place;
  ConnectOperation connect;
};

// To several places, each of which may see an attempt.
struct ConnectAnyStep : Step {
  const detail::Operation& operation() const override { return connect; }

  std::vector<Address> addresses;
  ConnectAnyOperation connect;
};

// No descriptor is left, or a few. poll(2) wants them to be fewer than the limit, so that none may
// have a number beyond it.
class Shortage {
 public:
  explicit Shortage(std::size_t spare) {
    const Fd last = *openFds().rbegin();
    while (unusedFd() < last) holes_.push_back(counter());
    limit_.emplace(spare);
  }

 private:
  std::vector<UniqueFd> holes_;
  std::optional<DescriptorLimit> limit_;
};

bool isReadable(Fd fd) {
  pollfd asked{fd, POLLIN, 0};
  return ::poll(&asked, 1, 0) > 0;
}

class ServerHistory final : public History {
 public:
  ServerHistory(Random& random, BackendKind backend) : History(random, backend) {
    for (Place*& each : current_) listen(each);
  }

 private:
  // ---- What is done

  void act() override {
    Place& place = anyPlace();
    switch (random_.below(20)) {
      case 0:
        return move(place);
      case 1:
        if (Step* const step = anyStep()) forget(*step);
        return;
      case 2:
        return cancelOne();
      case 3:
        return stop(place);
      case 4:
        return end(place);
      case 5:
        return hangUp();
      case 6:
        return changeShortage();
      case 7:
        return connectToAny();
      default:
        return random_.oneIn(2) ? accept(place) : connectTo(place);
    }
  }

  Place& anyPlace() { return *current_[random_.below(placesAtOnce)]; }

  void listen(Place*& current) {
    Place& place = places_.emplace_back();
    const std::string number = std::to_string(places_.size());
    ServerOptions options{.noDelay = random_.oneIn(2)};
    switch (random_.below(5)) {
      case 0:
        place.keepsOrder = true;
        place.address = abstractAddress("server-" + number);
        break;
      case 1:
        options.backlog = 1;
        place.address = abstractAddress("server-" + number);
        break;
      case 2:
        place.keepsOrder = true;
        place.address = pathAddress(socketPath("server-" + number));
        break;
      default:
        place.address = loopback();
    }
    heal();
    ok(open(place, options));
    ok(place.server.localAddress(place.address));
    current = &place;
  }

  std::error_code open(Place& place, const ServerOptions& options) {
    if (place.address.isIp() && random_.oneIn(2)) {
      UniqueFd listener = tcpListener();
      EXPECT_EQ(::listen(listener.get(), SOMAXCONN), 0);
      return StreamServer::adopt(context_, listener.release(), options, place.server);
    }
    return StreamServer::listen(context_, place.address, options, place.server);
  }

  static void move(Place& place) {
    StreamServer moved = std::move(place.server);
    place.server = std::move(moved);
  }

  void accept(Place& place) {
    auto& step = add(std::make_unique<AcceptStep>(place, random_.oneIn(2)));
    const bool isTaken = start(step, [&](CallbackFunc callback, void* udata) {
      return step.isStart ? place.server.start(step.accept, callback, udata)
                          : place.server.accept(step.accept, callback, udata);
    });
    if (isTaken && step.isStart) place.started = &step;
  }

  AcceptStep* acceptingAt(const Place& place) const {
    for (const auto& each : steps()) {
      auto* const step = dynamic_cast<AcceptStep*>(each.get());
      if (step != nullptr && &step->place == &place && step->isPending()) return step;
    }
    return nullptr;
  }

  void stop(Place& place) {
    const bool answer = place.server.stop();
    ASSERT_TRUE(!answer || place.started != nullptr);
    if (answer) cancelled(*place.started, true);
  }

  void cancelOne() {
    Step* const step = anyStep();
    if (auto* const accept = dynamic_cast<AcceptStep*>(step)) {
      cancelled(*step, accept->place.server.cancel(accept->accept));
    } else if (auto* const connect = dynamic_cast<ConnectStep*>(step)) {
      cancelled(*step, cancel(connect->connect));
    } else if (auto* const any = dynamic_cast<ConnectAnyStep*>(step)) {
      cancelled(*step, cancel(any->connect));
    }
  }

  // Another takes its place, unless there is no descriptor for it.
  void end(Place& place) {
    if (!random_.oneIn(3) || shortage_.has_value() || isEnding()) return;
    const auto at = std::find(current_.begin(), current_.end(), &place);
    ASSERT_NE(at, current_.end());
    if (random_.oneIn(2)) {
      place.server.close();
    } else {
      place.server = StreamServer();
    }
    EXPECT_FALSE(isThere(place.address));
    listen(*at);
  }

  static bool isThere(const Address& address) {
    return address.family() == Address::Family::unixPath &&
           ::access(std::string(address.unixName()).c_str(), F_OK) == 0;
  }

  void connectTo(Place& place) {
    auto& step = add(std::make_unique<ConnectStep>(place));
    ConnectOptions options{.noDelay = random_.oneIn(2)};
    if (place.address.isUnix()) options.local = nameOf(++names_);
    ++place.strangers;
    start(step, [&](CallbackFunc callback, void* udata) {
      return connect(context_, step.connect, place.address, options, callback, udata);
    });
  }

  // Numbers of one length are in order as texts.
  static Address nameOf(std::size_t number) {
    return abstractAddress("client-" + std::to_string(1000000000 + number));
  }

  void connectToAny() {
    auto& step = add(std::make_unique<ConnectAnyStep>());
    for (std::size_t left = 1 + random_.below(4); left > 0; --left) {
      Place& place = places_[random_.below(places_.size())];
      if (place.keepsOrder) continue;
      step.addresses.push_back(place.address);
      ++place.strangers;
    }
    if (step.addresses.empty()) return forget(step);
    start(step, [&](CallbackFunc callback, void* udata) {
      return connectAny(context_, step.connect, step.addresses, {}, callback, udata);
    });
  }

  void hangUp() {
    auto& streams = random_.oneIn(2) ? clients_ : accepted_;
    if (!streams.empty()) streams.erase(streams.begin());
  }

  // UBSan needs descriptors of its own.
  void changeShortage() {
    if (shortage_.has_value() || isEnding() || underSanitizerThatNeedsDescriptors())
      return shortage_.reset();
    shortage_.emplace(random_.below(3));
  }

  // ---- What comes of it

  void onDone(Step& step) override {
    if (auto* const accept = dynamic_cast<AcceptStep*>(&step)) return onAccepted(*accept);
    if (auto* const connect = dynamic_cast<ConnectStep*>(&step)) return onConnected(*connect);
    auto& any = static_cast<ConnectAnyStep&>(step);
    EXPECT_NE(any.connect.stream.isOpen(), static_cast<bool>(any.error()));
    if (any.error()) expectSensible(any.error());
    if (!any.error()) clients_.push_back(std::move(any.connect.stream));
  }

  void onAccepted(AcceptStep& step) {
    Place& place = step.place;
    EXPECT_NE(step.accept.stream.isOpen(), static_cast<bool>(step.error()));
    if (!step.error()) return welcome(step);
    if (step.isLoop() && !step.isPending()) {
      EXPECT_TRUE(step.isCancelled() || !place.server.isOpen());
      return;
    }
    if (step.isCancelled() || step.error() == TransportError::closed) return;
    expectWant(step.error());
    EXPECT_FALSE(std::exchange(place.wantIsTold, true)) << "told twice";
  }

  void welcome(AcceptStep& step) {
    Place& place = step.place;
    place.wantIsTold = false;
    EXPECT_LE(step.guestsSinceStop += step.isCancelled() ? 1u : 0u, 1u);
    if (place.keepsOrder && !place.guests.empty()) {
      EXPECT_LT(place.guests.back(), step.accept.peer) << "out of order";
    }
    place.guests.push_back(step.accept.peer);
    Address peer;
    const std::error_code gone = step.accept.stream.remoteAddress(peer);
    EXPECT_TRUE(gone || peer == step.accept.peer);
    accepted_.push_back(std::move(step.accept.stream));
  }

  void onConnected(ConnectStep& step) {
    EXPECT_NE(step.connect.stream.isOpen(), static_cast<bool>(step.error()));
    if (step.error()) return expectSensible(step.error());
    --step.place.strangers;
    Address local;
    ok(step.connect.stream.localAddress(local));
    step.place.callers.push_back(local);
    clients_.push_back(std::move(step.connect.stream));
  }

  void expectWant(std::error_code error) const {
    EXPECT_TRUE(error == std::errc::too_many_files_open ||
                (maySeeFaults() && error == std::errc::no_space_on_device))
        << error.message();
  }

  void expectSensible(std::error_code error) const {
    if (error == std::errc::operation_canceled || error == std::errc::connection_refused) return;
    if (error == std::errc::connection_reset || error == std::errc::no_such_file_or_directory) {
      return;
    }
    expectWant(error);
  }

  void onForgotten(Step& step) override {
    auto* const accept = dynamic_cast<AcceptStep*>(&step);
    if (accept == nullptr) return;
    if (accept->place.started == accept) accept->place.started = nullptr;
    if (!step.isPending()) return;
    accept->place.isCut = true;
    accept->place.wantIsTold = false;
  }

  // ---- What must hold

  void calm() override { shortage_.reset(); }

  bool mayGoOn() override {
    return std::any_of(places_.begin(), places_.end(), [this](const Place& place) {
      return place.server.isOpen() && isReadable(place.server.fd()) &&
             acceptingAt(place) != nullptr;
    });
  }

  void check() override {
    for (Place& place : places_) check(place);
    for (const auto& each : steps()) {
      auto* const connect = dynamic_cast<ConnectStep*>(each.get());
      if (connect == nullptr || !connect->isPending()) continue;
      EXPECT_TRUE(isReadable(connect->place.server.fd())) << "it could be connected";
    }
  }

  void check(Place& place) const {
    std::sort(place.callers.begin(), place.callers.end());
    std::vector<Address> guests = place.guests;
    std::sort(guests.begin(), guests.end());
    std::vector<Address> others;
    std::set_difference(guests.begin(), guests.end(), place.callers.begin(), place.callers.end(),
                        std::back_inserter(others));
    EXPECT_LE(others.size(), place.strangers) << "accepted, but never connected";
    if (acceptingAt(place) == nullptr) return;
    EXPECT_TRUE(place.server.isOpen());
    if (place.isCut) return;
    EXPECT_TRUE(
        std::includes(guests.begin(), guests.end(), place.callers.begin(), place.callers.end()))
        << "connected, but never accepted";
  }

  void dropAll() override {
    for (Place& place : places_) place.server = StreamServer();
    clients_.clear();
    accepted_.clear();
  }

  std::deque<Place> places_;
  std::array<Place*, placesAtOnce> current_{};
  std::vector<StreamTransport> clients_;
  std::vector<StreamTransport> accepted_;
  std::optional<Shortage> shortage_;
  std::size_t names_ = 0;
};

class ServerHistoryTest : public testing::TestWithParam<BackendKind> {};

INSTANTIATE_TEST_SUITE_P(Backends, ServerHistoryTest, backends(), backendName);

// T75, T76, T77, T87, T88
TEST_P(ServerHistoryTest, AcceptsThoseWhoConnectOnce) {
  playHistories<ServerHistory>(GetParam(), 20, 300);
}

}  // namespace
}  // namespace kairos
