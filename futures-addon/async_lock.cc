// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/async_lock.h"

#include "kairos/futures-addon/detail/context_access.h"
#include "kairos/futures-addon/error.h"

namespace kairos {

AsyncLock::AsyncLock(FutureContext& context) noexcept
    : queue_(detail::ContextCoreAccess::of(context), *this) {}

void AsyncLock::acquire(Turn& turn, CallbackFunc callback, void* udata) {
  detail::TurnQueue::setCallback(turn, callback, udata);
  tryAcquire() ? queue_.serve(turn) : queue_.add(turn);
}

void AsyncLock::release() {
  const bool isHeld = isLocked_ && queue_.underWay() == 0;
  if (!isHeld) throw FutureError("A lock is released that nobody holds.");
  if (guard_ != nullptr) guard_->letGo();
  handOver();
}

void AsyncLock::handOver() noexcept {
  if (queue_.empty()) {
    isLocked_ = false;
  } else {
    queue_.serveFirst();
  }
}

void AsyncLock::takeBack(detail::TurnQueue&, Turn&) noexcept { handOver(); }

}  // namespace kairos
