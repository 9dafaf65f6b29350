// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_SLEEP_H_
#define KAIROS_FUTURES_ADDON_SLEEP_H_

#include "kairos/futures-addon/detail/sleep_awaiter.h"
#include "kairos/futures-addon/detail/turn_awaiter.h"
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

// `co_await sleepFor(duration);` in a coroutine that returns a Future: the same without a future,
// on the context of the coroutine, and in its frame.
//   Errors    thrown by the await: std::bad_alloc: no memory for the timer; FutureError: the
//             coroutine has met no context, or that has ended, or has given it up in its end
//   Cost      nothing but the timer
inline auto sleepFor(Clock::duration duration) noexcept {
  return AwaitCall<detail::SleepAwaiter<Clock::duration>, Clock::duration>(duration);
}
inline auto sleepUntil(Clock::time_point deadline) noexcept {
  return AwaitCall<detail::SleepAwaiter<Clock::time_point>, Clock::time_point>(deadline);
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_SLEEP_H_
