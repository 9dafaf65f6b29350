// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_COROUTINE_H_
#define KAIROS_FUTURES_ADDON_DETAIL_COROUTINE_H_

#include <concepts>
#include <coroutine>

#include "kairos/futures-addon/detail/future_state.h"

namespace kairos::detail {

// A coroutine that returns a Future: how it is suspended, resumed and ended.
//
// The body runs in the call that started it until it suspends for the first time. From then on it
// holds a reference to its own state, until it is finished, and is resumed by onResumable. A lone
// coroutine that waits for it goes on when it is finished, on the same stack frame that resumed it,
// so that chains of any length need no stack.
//
// All that it has is in its state, in the place of what other states have; this is a view of it.
class Coroutine {
 public:
  explicit Coroutine(FutureState& state) noexcept : state_(state) {}

  // The callback that resumes it; `udata` is the FutureState.
  static void onResumable(void* udata);

  // It begins to run.
  void begin(std::coroutine_handle<> frame) noexcept {
    state_.suspension_.frame = frame;
    state_.suspension_.awaited = nullptr;
    state_.suspension_.isResumed = false;
  }

  // It has suspended, and onResumable will be called when what it awaits is there. nullptr: that
  // cannot be cancelled. Delivers a request that was kept.
  void suspendedOn(Awaited* awaited) noexcept {
    state_.suspension_.awaited = awaited;
    state_.tracking_.suspended();
    if (!state_.word_.hasFirstOnly(Mark::holdsItself, Mark::requested)) prepareToWait();
  }

  // A request that was kept here and at `awaited` has been delivered there.
  void resumedBy(const FutureState& awaited) noexcept {
    state_.tracking_.hasSeen(awaited);
    if (state_.hasRequest() && !awaited.hasRequest()) state_.dropRequest();
  }

  Awaited* awaited() const noexcept {
    return state_.isPending() ? state_.suspension_.awaited : nullptr;
  }
  // In a handler of exceptions.
  void endWithCurrentException() noexcept;
  // The body has ended, and all that was in it. Nobody can wait for one that never was suspended.
  void ended() noexcept {
    if (state_.word_.hasAnyOf({Mark::holdsItself, Mark::threw, Mark::threwCancelled})) {
      return endedOtherwise();
    }
    state_.word_.setStatus(FutureStatus::completed);
    state_.tracking_.finished(FutureStatus::completed, {}, state_.error_);
  }
  void abandonFrame() noexcept;

 private:
  void endedOtherwise() noexcept;
  void endedAtOnce() noexcept;
  void prepareToWait() noexcept;
  FutureStatus outcome() const noexcept;
  FutureState* resume();
  FutureState* resumeAmong(LinkList<FutureState>& ended);
  FutureState* handOver();
  void wakeAll();
  void runAll();
  static void run(Waiter& waiter, LinkList<FutureState>& ended);

  FutureState& state_;
};

// The coroutine of this layer that waits for `state` alone, and does no more; else nullptr.
FutureState* takeLoneCoroutine(FutureState& state) noexcept;

// Whom `callback` resumes; nullptr: no coroutine of this layer.
inline FutureState* coroutineOf(AsyncCallback callback) noexcept {
  const bool isOurs = callback.function == Coroutine::onResumable;
  return isOurs ? static_cast<FutureState*>(callback.udata) : nullptr;
}

// How any coroutine is resumed, whatever its type.
void onForeignResumable(void* udata);

// The state of `coroutine`; nullptr: it is one of another library.
template <class Promise>
FutureState* known(std::coroutine_handle<Promise> coroutine) noexcept {
  if constexpr (std::derived_from<Promise, FutureState>) {
    return &coroutine.promise();
  } else {
    return nullptr;
  }
}

// The callback that resumes `coroutine`.
template <class Promise>
AsyncCallback resumptionOf(std::coroutine_handle<Promise> coroutine) noexcept {
  if constexpr (std::derived_from<Promise, FutureState>) {
    return {Coroutine::onResumable, known(coroutine)};
  } else {
    return {onForeignResumable, coroutine.address()};
  }
}

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_COROUTINE_H_
