// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_ASYNC_EVENT_H_
#define KAIROS_FUTURES_ADDON_ASYNC_EVENT_H_

#include <coroutine>
#include <cstddef>

#include "kairos/futures-addon/detail/turn_awaiter.h"
#include "kairos/futures-addon/detail/turn_queue.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/turn.h"

namespace kairos {

// A flag that can be waited for. fire() sets it and lets all go on who wait; it stays set until
// clear(), and nobody waits meanwhile. fire() and clear() at once let go on those who wait now.
//
//   Thread      that of the context; from other threads see thread_signal.h
//   Ownership   as AsyncLock, but whoever it was fired for goes on, though it is destroyed
//   Cost        no allocation
class AsyncEvent final : private detail::TurnOwner {
 public:
  explicit AsyncEvent(FutureContext& context) noexcept;
  ~AsyncEvent() { queue_.keepGiven(); }

  bool isSet() const noexcept { return isSet_; }
  std::size_t waiters() const noexcept { return queue_.size(); }

  void fire() noexcept;
  void clear() noexcept { isSet_ = false; }

  // Calls `callback(udata)` when it is set, in the next tick if it is already.
  void wait(Turn& turn, CallbackFunc callback, void* udata);

  // `co_await event.wait();` Goes on at once when it is set.
  auto wait() noexcept { return AwaitCall<Awaiter, AsyncEvent&>(*this); }

 private:
  class Awaiter final : public detail::TurnAwaiter<> {
   public:
    explicit Awaiter(AsyncEvent& event) noexcept : event_(event) {}
    bool await_ready() const noexcept { return event_.isSet_; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
      TurnAwaiter::wait(coroutine, event_.queue_);
    }
    void await_resume() { finishOrThrow(); }

   private:
    AsyncEvent& event_;
  };

  void takeBack(detail::TurnQueue&, Turn&) noexcept override {}

  detail::TurnQueue queue_;
  bool isSet_ = false;
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_ASYNC_EVENT_H_
