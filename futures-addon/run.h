// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_RUN_H_
#define KAIROS_FUTURES_ADDON_RUN_H_

#include <utility>

#include "kairos/futures-addon/future.h"

namespace kairos {

namespace detail {
void runUntilFinished(FutureContext& context, const FutureBase& future);
}  // namespace detail

// Polls the reactor until `future` is finished, and the callbacks that were added to it before have
// run; gives its value, or throws its error.
//   Errors    std::system_error: what Reactor::poll() refused. It does so inside a callback
//             (operation_in_progress), and when nothing is left that could ever finish the future
//             (resource_deadlock_would_occur).
template <class T>
T waitFor(FutureContext& context, Future<T> future) {
  detail::runUntilFinished(context, future);
  return std::move(future).read();
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_RUN_H_
