// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_ASYNC_SEMAPHORE_H_
#define KAIROS_FUTURES_ADDON_ASYNC_SEMAPHORE_H_

#include <coroutine>
#include <cstddef>
#include <utility>

#include "kairos/futures-addon/detail/link.h"
#include "kairos/futures-addon/detail/turn_awaiter.h"
#include "kairos/futures-addon/detail/turn_queue.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/turn.h"

namespace kairos {

// Lets `size` of those who want to go on do so at the same time. What an AsyncLock promises for
// one, this does for several: first come, first served; a place that is released is handed over.
//
//   Thread      that of the context
//   Ownership   as AsyncLock, its guards too; who releases a place by hand has to have ended before
//   Errors      The constructor throws FutureError for no places.
//   Cost        no allocation; constant, however many wait
class AsyncSemaphore final : private detail::TurnOwner {
 public:
  class Guard;

  AsyncSemaphore(FutureContext& context, std::size_t size);
  ~AsyncSemaphore();

  std::size_t size() const noexcept { return size_; }
  std::size_t available() const noexcept { return available_; }
  std::size_t waiters() const noexcept { return queue_.size(); }

  // False: no place is free.
  bool tryAcquire() noexcept {
    if (available_ == 0) return false;
    --available_;
    return true;
  }

  // Calls `callback(udata)` when it has a place, which has to be released.
  void acquire(Turn& turn, CallbackFunc callback, void* udata);

  //   Errors    FutureError: all places are free, or have guards, or are handed over to ones that
  //             do not run yet
  void release();

  // `co_await semaphore.acquire();` The place has to be released.
  auto acquire() noexcept { return AwaitCall<AcquireAwaiter, AsyncSemaphore&>(*this); }
  // `const auto guard = co_await semaphore.guard();` Releases it when it goes.
  auto guard() noexcept { return AwaitCall<GuardAwaiter, AsyncSemaphore&>(*this); }

 private:
  class AcquireAwaiter : public detail::TurnAwaiter<> {
   public:
    explicit AcquireAwaiter(AsyncSemaphore& semaphore) noexcept : semaphore_(semaphore) {}
    bool await_ready() noexcept { return semaphore_.tryAcquire(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
      wait(coroutine, semaphore_.queue_);
    }
    void await_resume() { finishOrThrow(); }

   protected:
    AsyncSemaphore& semaphore_;
  };
  class GuardAwaiter final : public AcquireAwaiter {
   public:
    using AcquireAwaiter::AcquireAwaiter;
    Guard await_resume();
  };

  void takeBack(detail::TurnQueue& queue, Turn& turn) noexcept override;
  void handOver() noexcept;

  detail::TurnQueue queue_;
  const std::size_t size_;
  std::size_t available_;
  detail::LinkList<Guard> guards_;
  std::size_t guarded_ = 0;
};

// Has a place. It may be released earlier.
class [[nodiscard]] AsyncSemaphore::Guard : private detail::Link {
 public:
  Guard(Guard&& other) noexcept { hold(other.letGo()); }
  // Releases what it had.
  Guard& operator=(Guard&& other) noexcept {
    if (this == &other) return *this;
    release();
    hold(other.letGo());
    return *this;
  }
  ~Guard() { release(); }

  void release() noexcept {
    if (AsyncSemaphore* const semaphore = letGo()) semaphore->handOver();
  }

 private:
  friend class AsyncSemaphore;
  friend class GuardAwaiter;
  friend class detail::LinkList<Guard>;
  explicit Guard(AsyncSemaphore& semaphore) noexcept { hold(&semaphore); }

  void hold(AsyncSemaphore* semaphore) noexcept {
    semaphore_ = semaphore;
    if (semaphore == nullptr) return;
    semaphore->guards_.pushBack(*this);
    ++semaphore->guarded_;
  }
  AsyncSemaphore* letGo() noexcept {
    unlink();
    if (semaphore_ != nullptr) --semaphore_->guarded_;
    return std::exchange(semaphore_, nullptr);
  }

  AsyncSemaphore* semaphore_ = nullptr;
};

inline AsyncSemaphore::~AsyncSemaphore() {
  while (!guards_.empty()) guards_.front().letGo();
}

inline AsyncSemaphore::Guard AsyncSemaphore::GuardAwaiter::await_resume() {
  finishOrThrow();
  return Guard(semaphore_);
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_ASYNC_SEMAPHORE_H_
