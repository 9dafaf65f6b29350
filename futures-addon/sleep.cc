// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/sleep.h"

#include <new>

#include "kairos/futures-addon/detail/context_core.h"
#include "kairos/futures-addon/detail/value_state.h"

namespace kairos {
namespace {

// Holds itself until it is finished.
class Sleep final : public detail::PooledState<Sleep, void> {
 public:
  static constexpr const char* kind = "sleepAsync";

  Sleep(detail::ContextCore& core, const SourceLocation& created) noexcept
      : PooledState(core, created) {
    enroll();
  }

  template <class Time>
  bool start(Time until) noexcept {
    timer_ = core()->reactor().addTimer(until, onTimer, this);
    return timer_ != TimerId::none;
  }

  void abandon() noexcept override { cancelWork(); }

 private:
  static void onTimer(void* udata) {
    auto& sleep = *static_cast<Sleep*>(udata);
    detail::ContextCore& core = *sleep.core();
    core.drainSoon();
    sleep.complete(SourceLocation::current());
    sleep.releaseKnown();
    core.drain();
  }

  bool cancelWork() noexcept override {
    core()->reactor().removeTimer(timer_);
    finish(detail::FutureStatus::cancelled, SourceLocation::current());
    release();
    return true;
  }

  TimerId timer_ = TimerId::none;
};

template <class Time>
Future<void> startSleep(FutureContext& context, Time until, const SourceLocation& created) {
  Sleep& sleep = Sleep::make(*detail::coreOf(context), created);
  Future<void> future = detail::FutureAccess::handleTo<void>(sleep);
  if (sleep.start(until)) return future;
  sleep.release();
  throw std::bad_alloc();
}

}  // namespace

Future<void> sleepAsync(FutureContext& context, Clock::duration duration, SourceLocation created) {
  return startSleep(context, duration, created);
}

Future<void> sleepAsync(FutureContext& context, Clock::time_point deadline,
                        SourceLocation created) {
  return startSleep(context, deadline, created);
}

}  // namespace kairos
