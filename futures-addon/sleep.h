// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_SLEEP_H_
#define KAIROS_FUTURES_ADDON_SLEEP_H_

#include "kairos/futures-addon/future.h"
#include "kairos/reactor/reactor.h"

namespace kairos {

// Is completed when `duration` has passed, never early. Zero or less takes one poll of the reactor,
// Reactor::forever lasts until it is cancelled.
//   Errors    throws std::bad_alloc, also when there is no memory for the timer
Future<void> sleepAsync(FutureContext& context, Clock::duration duration,
                        SourceLocation created = SourceLocation::current());
Future<void> sleepAsync(FutureContext& context, Clock::time_point deadline,
                        SourceLocation created = SourceLocation::current());

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_SLEEP_H_
