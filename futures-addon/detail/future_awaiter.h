// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_FUTURE_AWAITER_H_
#define KAIROS_FUTURES_ADDON_DETAIL_FUTURE_AWAITER_H_

#include <coroutine>

#include "kairos/futures-addon/detail/coroutine.h"
#include "kairos/futures-addon/detail/coroutine_promise.h"
#include "kairos/futures-addon/waiter.h"

namespace kairos::detail {

// A coroutine that waits for a future, and makes sure of it meanwhile.
template <class T>
class FutureAwaiter : public KnownAwaiter {
 public:
  explicit FutureAwaiter(ValueState<T>& state) noexcept : future_(state) { future_.addReference(); }
  FutureAwaiter(const FutureAwaiter&) = delete;
  FutureAwaiter& operator=(const FutureAwaiter&) = delete;
  ~FutureAwaiter() { future_.release(); }

  bool await_ready() const noexcept { return !future_.isPending(); }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
    WaiterAccess::setCallback(waiter_, resumptionOf(coroutine));
    future_.add(waiter_);
    coroutine_ = known(coroutine);
    if (coroutine_ == nullptr) return;
    coroutine_->state().adopt(future_.core());
    coroutine_->suspendedOn(&future_);
  }

 protected:
  ValueState<T>& resumed() noexcept {
    if (coroutine_ != nullptr) coroutine_->resumedBy(future_);
    return future_;
  }

 private:
  ValueState<T>& future_;
  Waiter waiter_;
  Coroutine* coroutine_ = nullptr;
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
