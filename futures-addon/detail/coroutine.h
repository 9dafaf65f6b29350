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
class Coroutine {
 public:
  Coroutine(const Coroutine&) = delete;
  Coroutine& operator=(const Coroutine&) = delete;

  // The callback that resumes it; `udata` is the Coroutine.
  static void onResumable(void* udata);

  // It has suspended, and onResumable will be called when what it awaits is there. nullptr: that
  // cannot be cancelled. Delivers a request that was kept.
  void suspendedOn(Awaited* awaited) noexcept {
    awaited_ = awaited;
    if (!state_.word_.hasFirstOnly(Mark::holdsItself, Mark::requested)) prepareToWait();
  }

  // A request that was kept here and at `awaited` has been delivered there.
  void resumedBy(const FutureState& awaited) noexcept {
    if (state_.hasRequest() && !awaited.hasRequest()) state_.dropRequest();
  }

  FutureState& state() const noexcept { return state_; }

 protected:
  explicit Coroutine(FutureState& state) noexcept : state_(state) {}
  ~Coroutine() = default;
  void setFrame(std::coroutine_handle<> frame) noexcept { frame_ = frame; }

  Awaited* awaited() const noexcept { return state_.isPending() ? awaited_ : nullptr; }
  // In a handler of exceptions.
  void endWithCurrentException() noexcept;
  // The body has ended, and all that was in it. Nobody can wait for one that never was suspended.
  void ended() noexcept {
    if (state_.word_.has(Mark::holdsItself)) return endedLater();
    state_.word_.setStatus(outcome_);
  }
  void abandonFrame() noexcept;

 private:
  void endedLater() noexcept;
  void prepareToWait() noexcept;
  Coroutine* resume();
  Coroutine* handOver();
  void wakeAll();

  FutureState& state_;
  std::coroutine_handle<> frame_;
  Awaited* awaited_ = nullptr;
  FutureStatus outcome_ = FutureStatus::completed;
  bool isResumed_ = false;
};

// The coroutine of this layer that waits for `state` alone, and does no more; else nullptr.
Coroutine* takeLoneCoroutine(FutureState& state) noexcept;

// How any coroutine is resumed, whatever its type.
void onForeignResumable(void* udata);

// The callback that resumes `coroutine`.
template <class Promise>
AsyncCallback resumptionOf(std::coroutine_handle<Promise> coroutine) noexcept {
  if constexpr (std::derived_from<Promise, Coroutine>) {
    return {Coroutine::onResumable, static_cast<Coroutine*>(&coroutine.promise())};
  } else {
    return {onForeignResumable, coroutine.address()};
  }
}

// nullptr: it is a coroutine of another library.
template <class Promise>
Coroutine* known(std::coroutine_handle<Promise> coroutine) noexcept {
  if constexpr (std::derived_from<Promise, Coroutine>) {
    return &coroutine.promise();
  } else {
    return nullptr;
  }
}

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_COROUTINE_H_
