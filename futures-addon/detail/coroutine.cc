// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/detail/coroutine.h"

#include <exception>

#include "kairos/futures-addon/error.h"

namespace kairos::detail {
namespace {

// Also when a callback throws.
struct Release {
  ~Release() { state.release(); }
  FutureState& state;
};

}  // namespace

void onForeignResumable(void* udata) { std::coroutine_handle<>::from_address(udata).resume(); }

Coroutine* takeLoneCoroutine(LinkList<Waiter>& waiters) noexcept {
  if (!waiters.hasOne()) return nullptr;
  const AsyncCallback callback = WaiterAccess::callbackOf(waiters.front());
  if (callback.function != Coroutine::onResumable) return nullptr;
  waiters.popFront();
  return static_cast<Coroutine*>(callback.udata);
}

void Coroutine::onResumable(void* udata) {
  auto* next = static_cast<Coroutine*>(udata);
  while (next != nullptr) next = next->resume();
}

// What is to be resumed next. An abandoned one stays suspended until its frame is destroyed.
Coroutine* Coroutine::resume() {
  if (!state_.isPending()) return nullptr;
  awaited_ = nullptr;
  state_.tracking_.resumed();
  isResumed_ = true;
  frame_.resume();
  isResumed_ = false;
  return state_.isPending() ? nullptr : handOver();
}

void Coroutine::holdItself() noexcept {
  holdsItself_ = true;
  state_.addReference();
  state_.enroll();
}

void Coroutine::deliverRequest() noexcept {
  if (requestCancelSoon(state_)) state_.dropRequest();
}

void Coroutine::endWithCurrentException() noexcept {
  try {
    throw;
  } catch (const CancelledError&) {
    outcome_ = FutureStatus::cancelled;
  } catch (...) {
    state_.error_ = std::current_exception();
    outcome_ = FutureStatus::failed;
  }
}

// Who resumed it hands over to who waits, unless that was a stranger, who may also have resumed one
// that was abandoned: that has its end.
void Coroutine::endedLater() noexcept {
  if (!state_.isPending()) return;
  state_.settle(outcome_, {});
  if (isResumed_) return;
  if (Coroutine* const next = handOver()) onResumable(next);
}

// To who waits, which is returned if it can go on at once. May destroy this.
Coroutine* Coroutine::handOver() {
  const Release atEnd{state_};
  Coroutine* const next = takeLoneCoroutine(state_.waiters_);
  if (!state_.waiters_.empty()) wakeAll();
  return next;
}

void Coroutine::wakeAll() {
  if (state_.core_ != nullptr) return state_.core_->scheduleAll(state_.waiters_);
  runAll();
}

// All of them, whatever they throw, of which the first goes on from here.
void Coroutine::runAll() {
  std::exception_ptr thrown;
  while (!state_.waiters_.empty()) {
    try {
      WaiterAccess::run(state_.waiters_.popFront());
    } catch (...) {
      if (thrown == nullptr) thrown = std::current_exception();
    }
  }
  if (thrown != nullptr) std::rethrow_exception(thrown);
}

void Coroutine::abandonFrame() noexcept {
  state_.settle(FutureStatus::cancelled, {});
  if (!state_.waiters_.empty()) wakeAll();
  state_.release();
}

}  // namespace kairos::detail
