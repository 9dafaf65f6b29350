// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/detail/future_state.h"

#include "kairos/futures-addon/error.h"

namespace kairos::detail {

bool requestCancel(Awaited& outermost) noexcept {
  Awaited* innermost = &outermost;
  while (Awaited* const inner = innermost->inner()) {
    innermost->passRequest();
    innermost = inner;
  }
  if (innermost->cancel()) return true;
  for (Awaited* on = &outermost; on != innermost; on = on->inner()) on->takeRequestBack();
  return false;
}

bool requestCancelSoon(Awaited& outermost) noexcept {
  if (requestCancel(outermost)) return true;
  keepRequestFrom(outermost);
  return false;
}

void keepRequestFrom(Awaited& outermost) noexcept {
  for (Awaited* on = &outermost; on != nullptr; on = on->inner()) on->keepRequest();
}

void FutureState::addLate(Waiter& waiter) {
  if (core_ == nullptr) {
    throw FutureError("A coroutine that has met no FutureContext is finished: see attach().");
  }
  if (core_->isOver()) throw FutureError("The FutureContext of a finished future has ended.");
  core_->schedule(waiter);
}

// A coroutine that has suspended, or is about to.
void FutureState::becomeGuestOf(ContextCore& core) noexcept {
  core_ = &core;
  isGuest_ = true;
  core.addGuest();
  if (isPending()) enroll();
}

void FutureState::add(AsyncCallback callback) {
  PooledWaiter& waiter = PooledWaiter::make(core_, this, callback);
  try {
    add(waiter);
  } catch (...) {
    waiter.free();
    throw;
  }
}

std::size_t FutureState::remove(AsyncCallback callback) noexcept {
  std::size_t removed = 0;
  waiters_.forEach([&](Waiter& waiter) {
    if (!WaiterAccess::isPooled(waiter) || WaiterAccess::callbackOf(waiter) != callback) return;
    static_cast<PooledWaiter&>(waiter).free();
    ++removed;
  });
  if (!isPending() && core_ != nullptr) removed += core_->removeScheduled(*this, callback);
  return removed;
}

bool FutureState::cancel() noexcept {
  return isPending() ? cancelWork() : status_ == FutureStatus::cancelled;
}

void FutureState::breakPromise() noexcept {
  const bool isUnknown = references_ == 1 && waiters_.empty();
  if (!isUnknown) fail(std::make_exception_ptr(BrokenPromiseError(created_)), {});
}

void FutureState::reportError() noexcept {
  if (core_ == nullptr) std::terminate();  // like an exception that leaves a thread
  observe();
  core_->reportUnhandled(error_, created_);
}

void FutureState::throwFinishedTwice(const SourceLocation& where) const {
  throw FinishedTwiceError(created_, finished_, where);
}

void FutureState::throwOutcome() {
  observe();
  if (status_ == FutureStatus::failed) std::rethrow_exception(error_);
  if (status_ == FutureStatus::cancelled) throw CancelledError();
  throw PendingError(created_);
}

}  // namespace kairos::detail
