// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_FUTURE_AWAITER_H_
#define KAIROS_FUTURES_ADDON_DETAIL_FUTURE_AWAITER_H_

#include <concepts>
#include <coroutine>
#include <new>

#include "kairos/futures-addon/detail/coroutine.h"
#include "kairos/futures-addon/detail/coroutine_promise.h"
#include "kairos/futures-addon/waiter.h"

namespace kairos::detail {

// A coroutine that waits for a future, and holds on to it while it is suspended.
template <class T>
class FutureAwaiter : public KnownAwaiter {
 public:
  explicit FutureAwaiter(ValueState<T>& state) noexcept : future_(state) {}
  FutureAwaiter(const FutureAwaiter&) = delete;
  FutureAwaiter& operator=(const FutureAwaiter&) = delete;
  ~FutureAwaiter() {
    if (hasWaited_) stopWaiting();
  }

  bool await_ready() const noexcept { return !future_.isPending(); }

  // False: it is finished after all.
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
    if (isElsewhere(coroutine) && !future_.enrollForOther()) return false;
    hasWaited_ = true;
    future_.addReference();
    new (&waiter_) Waiter;
    WaiterAccess::setCallback(waiter_, resumptionOf(coroutine));
    if constexpr (std::derived_from<Promise, FutureState>) {
      WaiterAccess::trackingOf(waiter_).belongsTo(static_cast<FutureState&>(coroutine.promise()));
      future_.addCoroutine(waiter_);
      FutureState& state = coroutine.promise();
      state.adopt(future_.core());
      Coroutine(state).suspendedOn(&future_);
    } else {
      future_.addCoroutine(waiter_);
    }
    return true;
  }

 protected:
  ValueState<T>& resumed() noexcept {
    if (hasWaited_) endWaiting();
    return future_;
  }

 private:
  void endWaiting() noexcept {
    FutureState* const coroutine = coroutineOf(WaiterAccess::callbackOf(waiter_));
    if (coroutine != nullptr) Coroutine(*coroutine).resumedBy(future_);
  }
  // Its coroutine does not hear of the end of the future's context.
  template <class Promise>
  bool isElsewhere(std::coroutine_handle<Promise> coroutine) const noexcept {
    if constexpr (std::derived_from<Promise, FutureState>) {
      return static_cast<const FutureState&>(coroutine.promise()).core() != future_.core();
    } else {
      return true;
    }
  }
  void stopWaiting() noexcept {
    waiter_.~Waiter();
    future_.release();
  }

  ValueState<T>& future_;
  bool hasWaited_ = false;
  union {
    Waiter waiter_;  // while it has
  };
};

// Gives a reference to the value.
template <class T>
class ReadingAwaiter final : public FutureAwaiter<T> {
 public:
  using FutureAwaiter<T>::FutureAwaiter;
  decltype(auto) await_resume() { return this->resumed().get(); }
};

// Gives the value.
template <class T>
class TakingAwaiter final : public FutureAwaiter<T> {
 public:
  using FutureAwaiter<T>::FutureAwaiter;
  decltype(auto) await_resume() { return this->resumed().take(); }
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_FUTURE_AWAITER_H_
