// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_ASYNC_LOCK_H_
#define KAIROS_FUTURES_ADDON_ASYNC_LOCK_H_

#include <coroutine>
#include <cstddef>
#include <utility>

#include "kairos/futures-addon/detail/turn_awaiter.h"
#include "kairos/futures-addon/detail/turn_queue.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/turn.h"

namespace kairos {

// A lock that is held across awaits, by one at a time. No OS object: it is for the coroutines and
// callbacks of one context, not for threads.
//
// Who releases it hands it over to who has waited longest; it stays locked meanwhile, so that
// nobody can come in between. Cancelled before that, one leaves the queue; afterwards, it has the
// lock, and goes on as if it had not been asked.
//
//   Thread      that of the context
//   Ownership   Borrows the context, and is destroyed before it. Those who wait then are refused:
//               a coroutine gets a FutureError. A Guard may outlive the lock, as one does in a
//               coroutine that the end of the context ends; who releases it by hand has to have
//               ended before.
//   Cost        no allocation; constant, however many wait
class AsyncLock final : private detail::TurnOwner {
 public:
  class Guard;

  explicit AsyncLock(FutureContext& context) noexcept;
  ~AsyncLock();

  // True until it is released and nobody waits.
  bool isLocked() const noexcept { return isLocked_; }
  std::size_t waiters() const noexcept { return queue_.size(); }

  // False: it is locked.
  bool tryAcquire() noexcept { return !isLocked_ && (isLocked_ = true); }

  // Calls `callback(udata)` when the lock is held for it, and has to be released.
  void acquire(Turn& turn, CallbackFunc callback, void* udata);

  // Also what a Guard holds.
  //   Errors    FutureError: it is not locked, or handed over to one that does not run yet
  void release();

  // `co_await lock.acquire();` Has to be released.
  auto acquire() noexcept { return AwaitCall<AcquireAwaiter, AsyncLock&>(*this); }
  // `const auto guard = co_await lock.guard();` Releases it when it goes.
  auto guard() noexcept { return AwaitCall<GuardAwaiter, AsyncLock&>(*this); }

 private:
  class AcquireAwaiter : public detail::TurnAwaiter<> {
   public:
    explicit AcquireAwaiter(AsyncLock& lock) noexcept : lock_(lock) {}
    bool await_ready() noexcept { return lock_.tryAcquire(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> coroutine) noexcept {
      wait(coroutine, lock_.queue_);
    }
    void await_resume() { finishOrThrow(); }

   protected:
    AsyncLock& lock_;
  };
  class GuardAwaiter : public AcquireAwaiter {
   public:
    using AcquireAwaiter::AcquireAwaiter;
    Guard await_resume();
  };

  void takeBack(detail::TurnQueue& queue, Turn& turn) noexcept override;
  void handOver() noexcept;

  detail::TurnQueue queue_;
  Guard* guard_ = nullptr;  // of who holds it
  bool isLocked_ = false;
};

// Holds the lock. It may be released earlier, and taken again.
class [[nodiscard]] AsyncLock::Guard {
 public:
  Guard(Guard&& other) noexcept { take(other); }
  // Releases what it held.
  Guard& operator=(Guard&& other) noexcept {
    if (this == &other) return *this;
    release();
    take(other);
    return *this;
  }
  ~Guard() { release(); }

  void release() noexcept {
    if (AsyncLock* const lock = letGo()) lock->handOver();
  }

 private:
  friend class AsyncLock;
  friend class GuardAwaiter;
  explicit Guard(AsyncLock& lock) noexcept { hold(&lock); }

  void hold(AsyncLock* lock) noexcept {
    lock_ = lock;
    if (lock != nullptr) lock->guard_ = this;
  }
  AsyncLock* letGo() noexcept {
    if (lock_ != nullptr) lock_->guard_ = nullptr;
    return std::exchange(lock_, nullptr);
  }
  void take(Guard& other) noexcept { hold(other.letGo()); }

  AsyncLock* lock_ = nullptr;
};

inline AsyncLock::~AsyncLock() {
  if (guard_ != nullptr) guard_->letGo();
}

inline AsyncLock::Guard AsyncLock::GuardAwaiter::await_resume() {
  finishOrThrow();
  return Guard(lock_);
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_ASYNC_LOCK_H_
