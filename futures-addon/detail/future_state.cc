// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/detail/future_state.h"

#include "kairos/futures-addon/error.h"

namespace kairos::detail {
namespace {

// Along what is awaited, from outside to inside. Those that wait for each other have no innermost:
// it ends where it comes round again.
class WayInside {
 public:
  explicit WayInside(Awaited& outermost) noexcept : at_(&outermost), passed_(&outermost) {}

  Awaited* next() noexcept {
    Awaited* const inner = at_->inner();
    if (inner == nullptr || inner == passed_) return nullptr;
    if (++steps_ == stepsMax_) pass(*inner);
    return at_ = inner;
  }

 private:
  void pass(Awaited& place) noexcept {
    passed_ = &place;
    stepsMax_ *= 2;
    steps_ = 0;
  }

  Awaited* at_;
  const Awaited* passed_;  // nearer and nearer
  std::size_t steps_ = 0;
  std::size_t stepsMax_ = 1;
};

// Its text needs memory; without, that is the error.
std::exception_ptr brokenPromise(const SourceLocation& created) noexcept {
  try {
    return std::make_exception_ptr(BrokenPromiseError(created));
  } catch (const std::bad_alloc&) {
    return std::current_exception();
  }
}

}  // namespace

bool requestCancel(Awaited& outermost) noexcept {
  WayInside way(outermost);
  Awaited* innermost = &outermost;
  while (Awaited* const inner = way.next()) {
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
  WayInside way(outermost);
  for (Awaited* on = &outermost; on != nullptr; on = way.next()) on->keepRequest();
}

void FutureState::addLate(Waiter& waiter) {
  refuseLateWithoutContext();
  core_->schedule(waiter);
}

void FutureState::refuseLateWithoutContext() const {
  if (core_ == nullptr) {
    throw FutureError("A coroutine that has met no FutureContext is finished: see attach().");
  }
  if (core_->isOver()) throw FutureError("The FutureContext of a future has ended.");
}

bool FutureState::enrollForOther() noexcept {
  endIfOver();
  if (isPending()) enroll();
  return isPending();
}

// A coroutine that has suspended, or is about to.
void FutureState::becomeGuestOf(ContextCore& core) noexcept {
  core_ = &core;
  word_.add(Mark::guest);
  core.addGuest();
  if (isPending()) enroll();
}

void FutureState::add(AsyncCallback callback) {
  if (!isPending() || (core_ != nullptr && core_->isOver())) refuseLateWithoutContext();
  add(PooledWaiter::make(core_, this, callback));
}

std::size_t FutureState::remove(AsyncCallback callback) noexcept {
  std::size_t removed = 0;
  const auto removeEqual = [&](Waiter& waiter) {
    if (!WaiterAccess::isPooled(waiter) || WaiterAccess::callbackOf(waiter) != callback) return;
    static_cast<PooledWaiter&>(waiter).free();
    ++removed;
  };
  if (word_.has(Mark::waitedFor)) waiters_.forEach(removeEqual);
  if (!isPending() && core_ != nullptr) removed += core_->removeScheduled(*this, callback);
  return removed;
}

bool FutureState::cancel() noexcept {
  return isPending() ? cancelWork() : word_.is(FutureStatus::cancelled);
}

void FutureState::breakPromise() noexcept {
  const bool isUnknown = references_ == 1 && !isWaitedFor();
  if (!isUnknown) fail(brokenPromise(created_), {});
}

// One that was never finished may still be in a list.
void FutureState::endRest() noexcept {
  if (word_.is(FutureStatus::failed) && !word_.has(Mark::observed)) reportError();
  disenroll();
  if (word_.has(Mark::waitedFor)) waiters_.~LinkList();
  if (word_.is(FutureStatus::failed)) error_.~exception_ptr();
}

void FutureState::reportError() noexcept {
  // Like an exception that leaves a thread: the program ends, and says of what.
  if (core_ == nullptr) std::rethrow_exception(error_);
  observe();
  core_->reportUnhandled(error_, created_);
}

void FutureState::throwFinishedTwice(SourceLocation where) const {
  throw FinishedTwiceError(created_, finished_, where);
}

void FutureState::throwOutcome() {
  observe();
  if (word_.is(FutureStatus::failed)) std::rethrow_exception(error_);
  if (word_.is(FutureStatus::cancelled)) throw CancelledError();
  throw PendingError(created_);
}

}  // namespace kairos::detail
