// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/detail/coroutine.h"

#include <exception>

#include "kairos/futures-addon/error.h"

namespace kairos::detail {

void onForeignResumable(void* udata) { std::coroutine_handle<>::from_address(udata).resume(); }

Coroutine* takeLoneCoroutine(FutureState& state) noexcept {
  Waiter* const waiter = state.loneWaiter();
  if (waiter == nullptr) return nullptr;
  const AsyncCallback callback = WaiterAccess::callbackOf(*waiter);
  if (callback.function != Coroutine::onResumable) return nullptr;
  waiter->unlink();
  return static_cast<Coroutine*>(callback.udata);
}

void Coroutine::onResumable(void* udata) {
  auto* next = static_cast<Coroutine*>(udata);
  do {
    next = next->resume();
  } while (next != nullptr);
}

// What is to be resumed next. An abandoned one stays suspended until its frame is destroyed.
Coroutine* Coroutine::resume() {
  if (!state_.isPending()) return nullptr;
  awaited_ = nullptr;
  isResumed_ = true;
  frame_.resume();
  isResumed_ = false;
  return state_.isPending() ? nullptr : handOver();
}

// For the first time, or with a request that was kept.
void Coroutine::prepareToWait() noexcept {
  if (!state_.word_.has(Mark::holdsItself)) {
    state_.word_.add(Mark::holdsItself);
    state_.addReference();
    state_.enroll();
  }
  if (state_.hasRequest() && requestCancelSoon(state_)) state_.dropRequest();
}

void Coroutine::endWithCurrentException() noexcept {
  try {
    throw;
  } catch (const CancelledError&) {
    outcome_ = FutureStatus::cancelled;
  } catch (...) {
    state_.keepError(std::current_exception());
    outcome_ = FutureStatus::failed;
  }
}

// Who resumed it hands over to who waits, unless that was a stranger.
void Coroutine::endedLater() noexcept {
  state_.settle(outcome_, {});
  if (isResumed_) return;
  if (Coroutine* const next = handOver()) onResumable(next);
}

// To who waits, which is returned if it can go on at once. May destroy this.
Coroutine* Coroutine::handOver() {
  Coroutine* const next = takeLoneCoroutine(state_);
  if (state_.isWaitedFor()) wakeAll();
  state_.release();
  return next;
}

void Coroutine::wakeAll() {
  if (state_.core_ != nullptr) return state_.wakeAll();
  LinkList<Waiter>& waiters = state_.waiters_;
  while (!waiters.empty()) WaiterAccess::run(waiters.popFront());
}

void Coroutine::abandonFrame() noexcept {
  state_.settle(FutureStatus::cancelled, {});
  if (state_.isWaitedFor()) wakeAll();
  state_.release();
}

}  // namespace kairos::detail
