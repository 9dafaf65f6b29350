// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/transports/idle_limit.h"

#include "kairos/transports/detail/context.h"
#include "kairos/transports/error.h"

namespace kairos {

using detail::OperationAccess;

// Invariants: while anything is watched there is a timer: the one that has just run leaves room for
// the next. `now_` counts the parts that the timer has seen pass, and the list of the part that is
// to come next holds all that may be due in it.

IdleLimit::IdleLimit(TransportContext& context, Clock::duration limit) noexcept
    : context_(detail::ContextAccess::of(context)), limit_(limit) {
  if (context_ != nullptr) context_->add(*this);
}

IdleLimit::~IdleLimit() { completeAll(); }

std::error_code IdleLimit::watch(IdleOperation& operation, CallbackFunc callback,
                                 void* udata) noexcept {
  if (callback == nullptr || limit_ <= Clock::duration::zero()) {
    return std::make_error_code(std::errc::invalid_argument);
  }
  if (operation.isPending()) return TransportError::busy;
  if (context_ == nullptr || context_->isEnding()) return TransportError::closed;
  if (!startTimer(limit_ / partsPerLimit + Clock::duration(1))) {
    return std::make_error_code(std::errc::not_enough_memory);
  }
  OperationAccess::begin(operation, *this, {callback, udata});
  operation.touched_ = now_;
  operation.now_ = &now_;
  ++size_;
  place(operation);
  return {};
}

// A timer that runs is left as it is.
bool IdleLimit::startTimer(Clock::duration delay) noexcept {
  if (timer_ == TimerId::none) timer_ = context_->reactor().addTimer(delay, onTimer, this);
  return timer_ != TimerId::none;
}

// It is due when all parts of the limit have passed after the one in which it was touched.
void IdleLimit::place(IdleOperation& operation) noexcept {
  operation.unlink();
  lists_[(operation.touched_ + partsPerLimit + 1) % lists].pushBack(operation);
}

void IdleLimit::onTimer(void* udata) {
  auto& limit = *static_cast<IdleLimit*>(udata);
  limit.timer_ = TimerId::none;
  limit.context_->dispatch([&limit] { limit.lookAtPart(); });
}

// Nothing was touched since the part that begins only now, so that none comes into its list again.
void IdleLimit::lookAtPart() noexcept {
  auto& due = lists_[(now_ + 1) % lists];
  for (std::size_t left = looksMax; left > 0 && !due.empty(); --left) {
    auto& operation = static_cast<IdleOperation&>(due.front());
    if (now_ - operation.touched_ >= partsPerLimit) {
      complete(operation, {});
    } else {
      place(operation);
    }
  }
  if (size_ == 0) return;
  if (!due.empty()) {
    startTimer(Clock::duration::zero());
    return;
  }
  ++now_;
  startTimer(limit_ / partsPerLimit + Clock::duration(1));
}

bool IdleLimit::cancel(IdleOperation& operation) noexcept {
  if (!OperationAccess::isWaiting(operation, *this)) return false;
  complete(operation, std::make_error_code(std::errc::operation_canceled));
  return true;
}

void IdleLimit::complete(IdleOperation& operation, std::error_code error) noexcept {
  forget(operation);
  operation.error = error;
  operation.now_ = nullptr;
  OperationAccess::disown(operation);
  context_->complete(operation);
}

void IdleLimit::completeAll() noexcept {
  if (context_ == nullptr) return;
  for (auto& list : lists_) {
    while (!list.empty()) {
      complete(static_cast<IdleOperation&>(list.front()), TransportError::closed);
    }
  }
}

void IdleLimit::forget(detail::Operation&) noexcept {
  if (--size_ > 0) return;
  context_->reactor().removeTimer(timer_);
  timer_ = TimerId::none;
}

void IdleLimit::leaveContext() noexcept {
  completeAll();
  context_ = nullptr;
}

}  // namespace kairos
