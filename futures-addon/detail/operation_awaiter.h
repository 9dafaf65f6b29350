// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_OPERATION_AWAITER_H_
#define KAIROS_FUTURES_ADDON_DETAIL_OPERATION_AWAITER_H_

#include <coroutine>

#include "kairos/futures-addon/detail/context_core.h"
#include "kairos/futures-addon/detail/coroutine.h"
#include "kairos/futures-addon/detail/future_awaiter.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/waiter.h"

namespace kairos::detail {

// What a coroutine awaits that is not a future, in the coroutine's frame: an operation whose start
// call takes a callback. The derived class has await_ready, await_suspend, await_resume and
// cancel(); its await_suspend starts the operation with resumptionOf(coroutine) as the callback,
// which resumes the coroutine right there, and then calls suspended(coroutine).
class OperationAwaiter : public KnownAwaiter, public Awaited {
 protected:
  OperationAwaiter() = default;
  ~OperationAwaiter() = default;

  // The operation has been started. May call cancel(). A coroutine without a context takes `core`.
  template <class Promise>
  void suspended(std::coroutine_handle<Promise> coroutine, ContextCore* core = nullptr) noexcept {
    Coroutine* const place = known(coroutine);
    if (place == nullptr) return;
    place->state().adopt(core);
    place->suspendedOn(this);
  }
};

// A coroutine that stands in a queue of a thing of this layer, until that lets it go on, or it is
// cancelled: whichever comes first. Both resume it in the next tick.
//
// A derived class has await_ready, which may serve it at once, and await_suspend, which puts it
// into the queue and calls wait(coroutine); its await_resume begins with throwIfCancelled().
class QueuedAwaiter : public OperationAwaiter, public Waiter {
 public:
  explicit QueuedAwaiter(ContextCore& core) noexcept : core_(core) {}
  QueuedAwaiter(const QueuedAwaiter&) = delete;
  QueuedAwaiter& operator=(const QueuedAwaiter&) = delete;

  // By the owner of the queue: it leaves that and goes on. A later request finds it served.
  void serve() noexcept {
    isServed_ = true;
    goOn();
  }

  bool cancel() noexcept final {
    if (isServed_ || isCancelled_) return isCancelled_;
    isCancelled_ = true;
    goOn();
    leftQueue();
    return true;
  }

 protected:
  ~QueuedAwaiter() = default;

  template <class Promise>
  void wait(std::coroutine_handle<Promise> coroutine) noexcept {
    WaiterAccess::setCallback(*this, resumptionOf(coroutine));
    suspended(coroutine, &core_);
  }

  bool isServed() const noexcept { return isServed_; }
  void throwIfCancelled() const {
    if (isCancelled_) throw CancelledError();
  }

 private:
  // It was cancelled, and is in the queue no more.
  virtual void leftQueue() noexcept {}

  void goOn() noexcept {
    unlink();
    core_.schedule(*this);
  }

  ContextCore& core_;
  bool isServed_ = false;
  bool isCancelled_ = false;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_OPERATION_AWAITER_H_
