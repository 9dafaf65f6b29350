// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_TURN_AWAITER_H_
#define KAIROS_FUTURES_ADDON_DETAIL_TURN_AWAITER_H_

#include <coroutine>
#include <tuple>
#include <utility>

#include "kairos/futures-addon/detail/operation_awaiter.h"
#include "kairos/futures-addon/detail/turn_queue.h"
#include "kairos/futures-addon/error.h"

namespace kairos {

// Something to be awaited that has not begun: `co_await` begins it and waits for it, in the
// coroutine's frame, without allocating. What it was made of stays until then.
template <class Awaiter, class... Args>
class [[nodiscard]] AwaitCall {
 public:
  explicit AwaitCall(Args... args) : args_(std::forward<Args>(args)...) {}

  auto operator co_await() {
    return std::apply([](auto&... args) { return Awaiter(std::forward<Args>(args)...); }, args_);
  }

 private:
  std::tuple<Args...> args_;
};

namespace detail {

// A coroutine that waits for its turn, or is cancelled: whichever comes first. Both resume it in
// the next tick. Base is Turn, or what derives from it.
//
// A derived class has await_ready, which takes what is there; await_suspend, which calls wait();
// and await_resume, which begins with finishWaiting().
template <class Base = Turn>
class TurnAwaiter : public OperationAwaiter, public Base {
 public:
  TurnAwaiter(const TurnAwaiter&) = delete;
  TurnAwaiter& operator=(const TurnAwaiter&) = delete;

  // One that was served goes on as if nobody had asked.
  bool cancel() noexcept final {
    if (this->state() == Turn::State::waiting) queue_->cancel(*this);
    return this->state() == Turn::State::cancelled;
  }

  void leaveAlone() noexcept final { this->forget(); }

 protected:
  template <class... Args>
  explicit TurnAwaiter(Args&&... args) : Base(std::forward<Args>(args)...) {}
  ~TurnAwaiter() = default;

  template <class Promise>
  void wait(std::coroutine_handle<Promise> coroutine, TurnQueue& queue) noexcept {
    WaiterAccess::setCallback(*this, resumptionOf(coroutine));
    queue_ = &queue;
    queue.add(*this);
    suspended(coroutine, &queue.core());
  }

  // Throws CancelledError. True: it has what it waited for, which it is left to take.
  bool finishWaiting() {
    TurnQueue::begin(*this);
    if (this->state() == Turn::State::cancelled) throw CancelledError();
    return this->state() != Turn::State::refused;
  }
  void finishOrThrow() {
    if (!finishWaiting())
      throw FutureError("What was waited for has been destroyed, or has ended.");
  }

 private:
  TurnQueue* queue_ = nullptr;
};

}  // namespace detail
}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_DETAIL_TURN_AWAITER_H_
