// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_WAITER_H_
#define KAIROS_FUTURES_ADDON_WAITER_H_

#include "kairos/futures-addon/detail/link.h"
#include "kairos/futures-addon/tracking/tracking.h"
#include "kairos/reactor/reactor.h"

namespace kairos {

namespace detail {
struct WaiterAccess;
}  // namespace detail

// One that waits for a future or another thing of this layer, and what is called then: the place in
// its queue, first there and then among what is ready to run. Nothing is allocated for it.
//
//   Ownership   The user's. It stays where it is while it waits; destroyed then, it is forgotten:
//               its callback does not run. It may be used again as soon as its callback has begun.
//   Callbacks   Run by the context, once, never inside the call that made them ready.
class Waiter : public detail::Link {
 public:
  // Until its callback begins.
  bool isWaiting() const noexcept { return isLinked(); }

  // Leaves the queue; the callback does not run.
  void forget() noexcept { unlink(); }

 protected:
  // For those who queue waiters of their own; requires that it does not wait.
  void setCallback(CallbackFunc callback, void* udata) noexcept { callback_ = {callback, udata}; }

 private:
  friend struct detail::WaiterAccess;

  AsyncCallback callback_{};
  bool isPooled_ = false;  // a PooledWaiter, which goes back when it runs
  [[no_unique_address]] detail::WaiterTracking tracking_;
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_WAITER_H_
