// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/tests/soak/exchanges.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "kairos/tests/soak/numbers.h"
#include "kairos/transports/connect.h"
#include "kairos/transports/stream_transport.h"

namespace kairos::soak {
namespace {

constexpr std::size_t pieceBytes = 16384;

// What is not done by then, after the time is over, is lost.
constexpr double patienceSeconds = 20;

}  // namespace

class Exchange {
 public:
  Exchange(Exchanges& all, std::uint64_t number)
      : all_(all), outgoing_(number), incoming_(number), begin_(Clock::now()) {}
  ~Exchange() { all_.reactor_.removeTimer(hold_); }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  void begin(const Address& address) {
    if (connect(all_.context_, connect_, address, {}, onConnected, this)) fail();
  }

  double milliseconds() const {
    return std::chrono::duration<double, std::milli>(Clock::now() - begin_).count();
  }

 private:
  static Exchange& of(void* udata) { return *static_cast<Exchange*>(udata); }
  static void onConnected(void* udata) { of(udata).connected(); }
  static void onWritten(void* udata) { of(udata).written(); }
  static void onRead(void* udata) { of(udata).compare(); }
  static void onHeld(void* udata) { of(udata).letGo(); }

  void fail() { all_.ended(*this, Exchanges::Outcome::failed); }

  // It leaves with a reset, so that no port number is kept for it.
  void connected() {
    if (connect_.error) return fail();
    stream_ = std::move(connect_.stream);
    const linger abort{1, 0};
    ::setsockopt(stream_.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
    if (stream_.readOnce(read_, onRead, this)) return fail();
    sendMore();
  }

  void sendMore() {
    const auto count = static_cast<std::size_t>(
        std::min<std::uint64_t>(piece_.size(), all_.options_.bytes - sent_));
    if (count == 0) return;
    sent_ += count;
    outgoing_.fill(std::span(piece_).first(count));
    if (stream_.write(write_, {piece_.data(), count}, onWritten, this)) fail();
  }

  void written() { write_.error ? fail() : sendMore(); }

  void compare() {
    if (read_.error || read_.atEnd) return fail();
    if (!incoming_.match(read_.data)) return all_.ended(*this, Exchanges::Outcome::corrupt);
    received_ += read_.bytes;
    if (received_ >= all_.options_.bytes) return hold();
    if (stream_.readOnce(read_, onRead, this)) fail();
  }

  void hold() {
    if (all_.options_.hold == Clock::duration()) return letGo();
    hold_ = all_.reactor_.addTimer(all_.options_.hold, onHeld, this);
  }

  void letGo() {
    hold_ = TimerId::none;
    const bool isMore = received_ > all_.options_.bytes;
    all_.ended(*this, isMore ? Exchanges::Outcome::corrupt : Exchanges::Outcome::ok);
  }

  Exchanges& all_;
  Numbers outgoing_;
  Numbers incoming_;
  const Clock::time_point begin_;
  ConnectOperation connect_;
  StreamTransport stream_;
  ReadOperation read_;
  WriteOperation write_;
  std::uint64_t sent_ = 0;
  std::uint64_t received_ = 0;
  TimerId hold_ = TimerId::none;
  std::array<char, pieceBytes> piece_;
};

Exchanges::Exchanges(const EchoServer& server, const Options& options)
    : server_(server), options_(options) {}

Exchanges::~Exchanges() {
  for (const Exchange* each : running_) delete each;
}

bool Exchanges::mayBegin() const {
  return options_.most > 0 ? begun_ < options_.most : !budget_->isOver();
}

void Exchanges::begin() {
  auto* const made = new Exchange(*this, ++begun_);
  running_.push_back(made);
  made->begin(server_.address(begun_));
}

void Exchanges::ended(Exchange& exchange, Outcome outcome) {
  if (outcome == Outcome::ok) ++figures_->ok;
  if (outcome == Outcome::corrupt) ++figures_->corrupt;
  if (outcome == Outcome::failed) ++figures_->errors;
  milliseconds_.push_back(static_cast<float>(exchange.milliseconds()));
  std::erase(running_, &exchange);
  delete &exchange;
}

void Exchanges::run(const Budget& budget, Figures& figures, const std::function<void()>& atTenth) {
  budget_ = &budget;
  figures_ = &figures;
  begun_ = 0;
  milliseconds_.clear();
  bool toldTenth = false;
  while (budget.spent() < budget.seconds() + patienceSeconds) {
    while (running_.size() < options_.atOnce && mayBegin()) begin();
    if (running_.empty()) break;
    reactor_.poll(std::chrono::milliseconds(100));
    if (toldTenth || !atTenth || budget.spent() < budget.seconds() / 10) continue;
    toldTenth = true;
    atTenth();
  }
  figures.lost += running_.size();
}

double Exchanges::percentile(double part) {
  if (milliseconds_.empty()) return 0;
  const auto place =
      static_cast<std::ptrdiff_t>(part * static_cast<double>(milliseconds_.size() - 1));
  std::nth_element(milliseconds_.begin(), milliseconds_.begin() + place, milliseconds_.end());
  return milliseconds_[static_cast<std::size_t>(place)];
}

}  // namespace kairos::soak
