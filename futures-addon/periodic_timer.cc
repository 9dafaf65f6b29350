// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/periodic_timer.h"

#include <algorithm>
#include <new>

#include "kairos/futures-addon/error.h"

namespace kairos {

PeriodicTimer::PeriodicTimer(FutureContext& context, Clock::duration period, CallbackFunc callback,
                             void* udata, PeriodicOptions options)
    : reactor_(context.reactor()),
      period_(std::max(period, Clock::duration(1))),
      callback_{callback, udata},
      options_(options),
      deadline_(options.now() + period_) {
  if (callback == nullptr) throw FutureError("A callback is needed.");
  start();
  if (timer_ == TimerId::none) throw std::bad_alloc();
}

void PeriodicTimer::stop() noexcept {
  reactor_.removeTimer(timer_);
  timer_ = TimerId::none;
}

void PeriodicTimer::start() noexcept { timer_ = reactor_.addTimer(deadline_, onDue, this); }

// To the next deadline, or past those that are over.
void PeriodicTimer::advance() noexcept {
  deadline_ += period_;
  if (options_.late == LatePeriods::catchUp) return;
  const Clock::duration late = options_.now() - deadline_;
  if (late >= Clock::duration::zero()) deadline_ += (late / period_ + 1) * period_;
}

// The callback may stop or destroy the timer.
void PeriodicTimer::onDue(void* udata) {
  auto& self = *static_cast<PeriodicTimer*>(udata);
  self.advance();
  self.start();
  const AsyncCallback callback = self.callback_;
  callback.function(callback.udata);
}

}  // namespace kairos
