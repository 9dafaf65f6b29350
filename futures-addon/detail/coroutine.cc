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

FutureState* takeLoneCoroutine(FutureState& state) noexcept {
  Waiter* const waiter = state.loneWaiter();
  if (waiter == nullptr) return nullptr;
  FutureState* const coroutine = coroutineOf(WaiterAccess::callbackOf(*waiter));
  if (coroutine != nullptr) waiter->unlink();
  return coroutine;
}

// What is to be resumed next. An abandoned one stays suspended until its frame is destroyed.
inline FutureState* Coroutine::resume() {
  if (!state_.isPending()) return nullptr;
  FutureState::Suspension& suspension = state_.suspension_;
  suspension.awaited = nullptr;
  state_.tracking_.resumed();
  suspension.isResumed = true;
  suspension.frame.resume();
  if (!state_.isPending()) return handOver();
  suspension.isResumed = false;
  return nullptr;
}

void Coroutine::onResumable(void* udata) {
  auto* next = static_cast<FutureState*>(udata);
  do {
    next = Coroutine(*next).resume();
  } while (next != nullptr);
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

// Of an abandoned one that a stranger has resumed it is nobody's.
void Coroutine::endWithCurrentException() noexcept {
  if (!state_.isPending()) return;
  try {
    throw;
  } catch (const CancelledError&) {
    state_.word_.add(Mark::threwCancelled);
  } catch (...) {
    state_.keepError(std::current_exception());
    state_.word_.add(Mark::threw);
  }
}

FutureStatus Coroutine::outcome() const noexcept {
  if (state_.word_.has(Mark::threw)) return FutureStatus::failed;
  if (state_.word_.has(Mark::threwCancelled)) return FutureStatus::cancelled;
  return FutureStatus::completed;
}

// It has been suspended, or has thrown. Who resumed it hands over to who waits, unless that was a
// stranger, who may also have resumed one that was abandoned: that has its end.
void Coroutine::endedOtherwise() noexcept {
  if (!state_.isPending()) return;
  if (!state_.word_.has(Mark::holdsItself)) return endedAtOnce();
  const bool isResumed = state_.suspension_.isResumed;
  state_.settle(outcome(), {});
  if (isResumed) return;
  if (FutureState* const next = handOver()) onResumable(next);
}

// Nobody can wait for it.
void Coroutine::endedAtOnce() noexcept {
  state_.word_.setStatus(outcome());
  state_.tracking_.finished(outcome(), {}, state_.error_);
}

// To who waits, which is returned if it can go on at once. May destroy this.
FutureState* Coroutine::handOver() {
  const Release atEnd{state_};
  FutureState* const next = takeLoneCoroutine(state_);
  if (state_.isWaitedFor()) wakeAll();
  return next;
}

// Without a context they run from here, or from where others do already.
void Coroutine::wakeAll() {
  if (state_.core_ != nullptr) return state_.wakeAll();
  if (!state_.word_.has(Mark::heldBack)) runAll();
}

// And who waits for those that end by it, behind them; whatever they throw, of which the first goes
// on from here. Until they run they stay where they wait, from where they may be taken back.
void Coroutine::runAll() {
  LinkList<FutureState> ended;
  state_.addReference();
  ended.pushBack(state_);
  std::exception_ptr thrown;
  for (; !ended.empty(); ended.popFront().release()) {
    LinkList<Waiter>& waiters = ended.front().waiters_;
    while (!waiters.empty()) {
      try {
        run(waiters.popFront(), ended);
      } catch (...) {
        if (thrown == nullptr) thrown = std::current_exception();
      }
    }
  }
  if (thrown != nullptr) std::rethrow_exception(thrown);
}

void Coroutine::run(Waiter& waiter, LinkList<FutureState>& ended) {
  FutureState* next = coroutineOf(WaiterAccess::callbackOf(waiter));
  if (next == nullptr) return WaiterAccess::run(waiter);
  while (next != nullptr) next = Coroutine(*next).resumeAmong(ended);
}

// If it ends by that, and several wait for it, it comes behind those that have `ended`.
FutureState* Coroutine::resumeAmong(LinkList<FutureState>& ended) {
  state_.addReference();
  state_.word_.add(Mark::heldBack);
  FutureState* const next = resume();
  state_.word_.remove(Mark::heldBack);
  if (!state_.isPending() && state_.isWaitedFor()) {
    ended.pushBack(state_);
  } else {
    state_.release();
  }
  return next;
}

// What it was given is for others, though its frame may stay.
void Coroutine::abandonFrame() noexcept {
  if (Awaited* const awaited = state_.suspension_.awaited) awaited->leaveAlone();
  state_.settle(FutureStatus::cancelled, {});
  if (state_.isWaitedFor()) wakeAll();
  state_.release();
}

}  // namespace kairos::detail
