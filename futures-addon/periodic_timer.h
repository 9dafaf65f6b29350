// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_PERIODIC_TIMER_H_
#define KAIROS_FUTURES_ADDON_PERIODIC_TIMER_H_

#include <cstdint>

#include "kairos/futures-addon/future_context.h"
#include "kairos/reactor/reactor.h"

namespace kairos {

// What becomes of the periods that were missed because a callback came late.
enum class LatePeriods : std::uint8_t {
  skip,     // nothing: it goes on with the next one that is in the future
  catchUp,  // each has its callback, one in a poll, until it is in time again
};

struct PeriodicOptions {
  LatePeriods late = LatePeriods::skip;
  // The reactor's clock, which is another one in a simulation.
  Clock::time_point (*now)() = Clock::now;
};

// Calls back in a fixed rhythm: each deadline is the one before plus the period, so that lateness
// does not add up.
//
//   Thread      that of the reactor
//   Ownership   Borrows the reactor, and is destroyed before it, if need be in its callback.
//   Time        Clock; a period of less than a nanosecond counts as one, one of Reactor::forever
//               never ends.
//   Errors      The constructor throws std::bad_alloc, and FutureError: no callback. Without
//               memory later, the rhythm ends.
//   Callbacks   The first runs one period after the start.
class PeriodicTimer {
 public:
  PeriodicTimer(FutureContext& context, Clock::duration period, CallbackFunc callback, void* udata,
                PeriodicOptions options = {});
  ~PeriodicTimer() { stop(); }
  PeriodicTimer(const PeriodicTimer&) = delete;
  PeriodicTimer& operator=(const PeriodicTimer&) = delete;

  // No callback follows.
  void stop() noexcept;

 private:
  static void onDue(void* udata);
  void start() noexcept;
  void advance() noexcept;

  Reactor& reactor_;
  const Clock::duration period_;
  const AsyncCallback callback_;
  const PeriodicOptions options_;
  Clock::time_point deadline_;
  TimerId timer_ = TimerId::none;
};

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_PERIODIC_TIMER_H_
