// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_SLEEP_AWAITER_H_
#define KAIROS_FUTURES_ADDON_DETAIL_SLEEP_AWAITER_H_

#include <concepts>
#include <coroutine>
#include <new>

#include "kairos/futures-addon/detail/context_core.h"
#include "kairos/futures-addon/detail/coroutine.h"
#include "kairos/futures-addon/detail/operation_awaiter.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/waiter.h"
#include "kairos/reactor/reactor.h"

namespace kairos::detail {

// A coroutine that sleeps on its own context, or is cancelled: whichever comes first. Both resume
// it in a drain.
template <class Time>
class SleepAwaiter final : public OperationAwaiter, public Waiter {
 public:
  explicit SleepAwaiter(Time until) noexcept : until_(until) {}
  SleepAwaiter(const SleepAwaiter&) = delete;
  SleepAwaiter& operator=(const SleepAwaiter&) = delete;
  ~SleepAwaiter() { stopTimer(); }

  static constexpr bool await_ready() noexcept { return false; }

  template <std::derived_from<FutureState> Promise>
  void await_suspend(std::coroutine_handle<Promise> coroutine) {
    startTimer(*known(coroutine));
    WaiterAccess::setCallback(*this, resumptionOf(coroutine));
    suspended(coroutine);
  }

  void await_resume() const {
    if (isCancelled_) throw CancelledError();
  }

  // One that is over goes on as if nobody had asked.
  bool cancel() noexcept override {
    if (timer_ == TimerId::none) return isCancelled_;
    stopTimer();
    isCancelled_ = true;
    core_->schedule(*this);
    return true;
  }

  void leaveAlone() noexcept override {
    stopTimer();
    forget();
  }

 private:
  // Nobody tells one that was abandoned of the end of its context, and so of its timer.
  void startTimer(const FutureState& coroutine) {
    core_ = coroutine.core();
    const bool isOver = core_ == nullptr || core_->isOver() || !coroutine.isPending();
    if (isOver) throw FutureError("A sleep needs a FutureContext.");
    timer_ = core_->reactor().addTimer(until_, onTimer, this);
    if (timer_ == TimerId::none) throw std::bad_alloc();
  }

  // The reactor may have gone with the context; so has the timer, then.
  void stopTimer() noexcept {
    if (timer_ == TimerId::none) return;
    if (!core_->isOver()) core_->reactor().removeTimer(timer_);
    timer_ = TimerId::none;
  }

  static void onTimer(void* udata) {
    auto& sleep = *static_cast<SleepAwaiter*>(udata);
    ContextCore& core = *sleep.core_;
    sleep.timer_ = TimerId::none;
    core.drainSoon();
    core.schedule(sleep);
    core.drain();
  }

  const Time until_;
  ContextCore* core_ = nullptr;
  TimerId timer_ = TimerId::none;
  bool isCancelled_ = false;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_SLEEP_AWAITER_H_
