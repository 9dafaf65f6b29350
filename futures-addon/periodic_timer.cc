// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/periodic_timer.h"

#include <algorithm>
#include <new>

#include "kairos/futures-addon/detail/deadline.h"
#include "kairos/futures-addon/error.h"

namespace kairos {

using detail::after;

PeriodicTimer::PeriodicTimer(FutureContext& context, Clock::duration period, CallbackFunc callback,
                             void* udata, PeriodicOptions options)
    : reactor_(context.reactor()),
      period_(std::max(period, Clock::duration(1))),
      callback_{callback, udata},
      options_(options),
      deadline_(after(options.now(), period_)) {
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
  deadline_ = after(deadline_, period_);
  const Clock::time_point now = options_.now();
  if (options_.late == LatePeriods::catchUp || now < deadline_) return;
  deadline_ = after(deadline_ + (now - deadline_) / period_ * period_, period_);
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
