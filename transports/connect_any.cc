// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/connect_any.h"

#include <algorithm>
#include <utility>

#include "kairos/transports/detail/context.h"
#include "kairos/transports/error.h"

namespace kairos {
namespace detail {

void ConnectRace::start(TransportContext& context, std::span<const Address> addresses,
                        const ConnectAnyOptions& options, AsyncCallback callback) noexcept {
  OperationAccess::begin(operation_, *this, callback);
  transportContext_ = &context;
  context_ = ContextAccess::of(context);
  context_->add(*this);
  addresses_ = addresses;
  options_ = options;
  next_ = {};
  isIpv6sTurn_ = addresses.front().isIpv6();
  upcoming_ = next();
  if (upcoming_ == nullptr) {
    return finish(std::make_error_code(std::errc::address_family_not_supported));
  }
  attemptNext();
}

bool ConnectRace::mayAttempt(const Address& address) const noexcept {
  const Address& local = options_.each.local;
  return address.isIpv6() == isIpv6sTurn_ &&
         (local.family() == Address::Family::none ||
          local.sockaddrData()->sa_family == address.sockaddrData()->sa_family);
}

const Address* ConnectRace::nextOfFamily() noexcept {
  std::size_t& next = next_[isIpv6sTurn_ ? 1 : 0];
  while (next < addresses_.size()) {
    const Address& address = addresses_[next++];
    if (mayAttempt(address)) return &address;
  }
  return nullptr;
}

// The families take turns, as long as both have addresses left.
const Address* ConnectRace::next() noexcept {
  for (int turn = 0; turn < 2; ++turn) {
    const Address* const found = nextOfFamily();
    isIpv6sTurn_ = !isIpv6sTurn_;
    if (found != nullptr) return found;
  }
  return nullptr;
}

// Two sockets do not share a name unless both say so.
bool ConnectRace::mayOverlap() const noexcept {
  const Address& local = options_.each.local;
  const bool isFixed = local.isIp() ? local.port() != 0 : local.family() != Address::Family::none;
  return !isFixed || (local.isIp() && options_.each.reusePort);
}

bool ConnectRace::isAttempting() const noexcept {
  return std::any_of(attempts_.begin(), attempts_.end(),
                     [](const auto& attempt) { return attempt.has_value(); });
}

// The next address waits for its delay, or for one of the attempts to fail.
void ConnectRace::attemptNext() noexcept {
  context_->reactor().removeTimer(std::exchange(delay_, TimerId::none));
  if (upcoming_ == nullptr) return;
  if (const auto error = attempt(*upcoming_)) return finish(error);
  upcoming_ = next();
  if (upcoming_ != nullptr && mayOverlap()) startDelay();
}

// There is room: no delay is started, and nothing has failed, while there is none.
std::error_code ConnectRace::attempt(const Address& address) noexcept {
  const auto room = std::find(attempts_.begin(), attempts_.end(), std::nullopt);
  Attempt& made = room->emplace(*this);
  return connect(*transportContext_, made, address, options_.each, onAttemptDone, &made);
}

void ConnectRace::startDelay() noexcept {
  const auto isRoom = [](const auto& attempt) { return !attempt.has_value(); };
  if (std::none_of(attempts_.begin(), attempts_.end(), isRoom)) return;
  delay_ = context_->reactor().addTimer(options_.attemptDelay, onDelayOver, this);
  if (delay_ == TimerId::none) finish(std::make_error_code(std::errc::not_enough_memory));
}

void ConnectRace::onDelayOver(void* udata) {
  auto& race = *static_cast<ConnectRace*>(udata);
  race.delay_ = TimerId::none;
  race.context_->dispatch([&race] { race.attemptNext(); });
}

void ConnectRace::onAttemptDone(void* udata) {
  auto& attempt = *static_cast<Attempt*>(udata);
  ConnectRace& race = attempt.race;
  const std::error_code error = attempt.error;
  if (!error) race.operation_.stream = std::move(attempt.stream);
  std::find_if(race.attempts_.begin(), race.attempts_.end(), [&attempt](const auto& each) {
    return each.has_value() && &*each == &attempt;
  })->reset();
  if (error) return race.failed(error);
  race.finish({});
}

void ConnectRace::failed(std::error_code error) noexcept {
  if (upcoming_ != nullptr) return attemptNext();
  if (!isAttempting()) finish(error);
}

void ConnectRace::finish(std::error_code error) noexcept {
  Context& context = *context_;
  dismiss();
  OperationAccess::disown(operation_);
  operation_.error = error;
  context.complete(operation_);
}

// Leaves nothing behind.
void ConnectRace::dismiss() noexcept {
  if (context_ == nullptr) return;
  unlink();
  context_->reactor().removeTimer(std::exchange(delay_, TimerId::none));
  for (auto& attempt : attempts_) attempt.reset();
  context_ = nullptr;
}

void ConnectRace::forget(Operation&) noexcept { dismiss(); }

void ConnectRace::leaveContext() noexcept { finish(TransportError::closed); }

}  // namespace detail

std::error_code connectAny(TransportContext& context, ConnectAnyOperation& operation,
                           std::span<const Address> addresses, const ConnectAnyOptions& options,
                           CallbackFunc callback, void* udata) noexcept {
  const auto isNone = [](const Address& each) { return each.family() == Address::Family::none; };
  if (callback == nullptr || addresses.empty() ||
      std::any_of(addresses.begin(), addresses.end(), isNone)) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  if (operation.isPending()) return TransportError::busy;
  const detail::Context* const inner = detail::ContextAccess::of(context);
  if (inner == nullptr) return std::make_error_code(std::errc::not_enough_memory);
  if (inner->isEnding()) return TransportError::closed;
  operation.stream = StreamTransport();
  operation.race_.start(context, addresses, options, {callback, udata});
  return {};
}

bool cancel(ConnectAnyOperation& operation) noexcept {
  if (!operation.race_.isWaiting()) return false;
  operation.race_.finish(std::make_error_code(std::errc::operation_canceled));
  return true;
}

}  // namespace kairos
