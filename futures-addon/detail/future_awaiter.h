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

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
    hasWaited_ = true;
    future_.addReference();
    new (&waiter_) Waiter;
    WaiterAccess::setCallback(waiter_, resumptionOf(coroutine));
    if constexpr (std::derived_from<Promise, Coroutine>) {
      coroutine_ = &coroutine.promise();
      WaiterAccess::trackingOf(waiter_).belongsTo(*coroutine_);
      future_.addCoroutine(waiter_);
      coroutine_->state().adopt(future_.core());
      coroutine_->suspendedOn(&future_);
    } else {
      future_.add(waiter_);
    }
  }

 protected:
  ValueState<T>& resumed() noexcept {
    if (coroutine_ != nullptr) coroutine_->resumedBy(future_);
    return future_;
  }

 private:
  void stopWaiting() noexcept {
    waiter_.~Waiter();
    future_.release();
  }

  ValueState<T>& future_;
  Coroutine* coroutine_ = nullptr;
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
