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
    FutureState* const state = known(coroutine);
    if (state == nullptr) return;
    state->adopt(core);
    Coroutine(*state).suspendedOn(this);
  }
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_OPERATION_AWAITER_H_
