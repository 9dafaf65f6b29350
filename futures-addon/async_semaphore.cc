// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/async_semaphore.h"

#include "kairos/futures-addon/detail/context_access.h"
#include "kairos/futures-addon/error.h"

namespace kairos {

AsyncSemaphore::AsyncSemaphore(FutureContext& context, std::size_t size)
    : queue_(detail::ContextCoreAccess::of(context), *this), size_(size), available_(size) {
  if (size == 0) throw FutureError("A semaphore has at least one place.");
}

void AsyncSemaphore::acquire(Turn& turn, CallbackFunc callback, void* udata) {
  detail::TurnQueue::setCallback(turn, callback, udata);
  tryAcquire() ? queue_.serve(turn) : queue_.add(turn);
}

void AsyncSemaphore::release() {
  const std::size_t held = size_ - available_ - queue_.underWay() - guarded_;
  if (held == 0) throw FutureError("A semaphore is released that nobody holds.");
  handOver();
}

void AsyncSemaphore::handOver() noexcept {
  if (queue_.empty()) {
    ++available_;
  } else {
    queue_.serveFirst();
  }
}

void AsyncSemaphore::takeBack(detail::TurnQueue&, Turn&) noexcept { handOver(); }

}  // namespace kairos
