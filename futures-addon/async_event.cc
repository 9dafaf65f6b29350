// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/async_event.h"

#include "kairos/futures-addon/detail/context_access.h"

namespace kairos {

AsyncEvent::AsyncEvent(FutureContext& context) noexcept
    : queue_(detail::ContextCoreAccess::of(context), *this) {}

void AsyncEvent::fire() noexcept {
  isSet_ = true;
  while (!queue_.empty()) queue_.serveFirst();
}

void AsyncEvent::wait(Turn& turn, CallbackFunc callback, void* udata) {
  detail::TurnQueue::setCallback(turn, callback, udata);
  isSet_ ? queue_.serve(turn) : queue_.add(turn);
}

}  // namespace kairos
