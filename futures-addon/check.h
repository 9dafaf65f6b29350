// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_CHECK_H_
#define KAIROS_FUTURES_ADDON_CHECK_H_

#include "kairos/futures-addon/future.h"

namespace kairos {

// Lets `future` go on by itself, without waiting: if it fails, or has failed, its error goes to the
// context's unhandled-error callback in the next tick, once, whoever else may look at it, and
// however often this is called. That a future is cancelled is no error.
//   Errors    A coroutine that fails without ever having met a context ends the program
//             (std::terminate), as an exception does that leaves a thread: see asyncSpawn.
inline void asyncCheck(FutureBase future) noexcept { future.reportFailure(); }

// The same for a coroutine that was started without a context, which it gets here.
inline void asyncSpawn(FutureContext& context, FutureBase future) noexcept {
  future.attach(context);
  future.reportFailure();
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_CHECK_H_
