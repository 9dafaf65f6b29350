// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_TIMEOUT_STATES_H_
#define KAIROS_FUTURES_ADDON_DETAIL_TIMEOUT_STATES_H_

#include <exception>
#include <new>

#include "kairos/futures-addon/detail/follower.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/future.h"
#include "kairos/reactor/reactor.h"

namespace kairos::detail {

inline bool isLimit(Clock::duration limit) noexcept { return limit != Reactor::forever; }
inline bool isLimit(Clock::time_point deadline) noexcept {
  return deadline != Clock::time_point::max();
}

// A future that follows another for a limited time.
template <class State, class T, class OfState>
class Limited : public Follower<State, T, OfState> {
 public:
  template <class Time>
  void start(Time limit) {
    if (this->of_.isPending() && isLimit(limit)) startTimer(limit);
    this->follow();
  }
  void start() { this->follow(); }
  void leave() noexcept {
    this->unfollow();
    stopTimer();
  }

  void followedFinished() {
    const bool isOtherCancelled = this->of_.status() == FutureStatus::cancelled;
    static_cast<State*>(this)->end(isOtherCancelled && isTimeOver_,
                                   isOtherCancelled && isCancelled());
  }

  // A request is for the other, and is kept by both: where it is delivered in the end, the other
  // has it no more.
  Awaited* inner() noexcept override { return this->isPending() ? &this->of_ : nullptr; }
  void passRequest() noexcept override {
    wasCancelled_ = isCancelled_;
    isCancelled_ = true;
  }
  void takeRequestBack() noexcept override { isCancelled_ = wasCancelled_; }

 protected:
  using Follower<State, T, OfState>::Follower;

 private:
  template <class Time>
  void startTimer(Time limit) {
    timer_ = this->core_->reactor().addTimer(limit, onTimer, this);
    if (timer_ != TimerId::none) return;
    this->endAs(FutureStatus::cancelled);
    throw std::bad_alloc();
  }
  void stopTimer() noexcept {
    if (timer_ == TimerId::none) return;
    this->core_->reactor().removeTimer(timer_);
    timer_ = TimerId::none;
  }

  static void onTimer(void* udata) {
    auto& self = *static_cast<Limited*>(udata);
    self.timer_ = TimerId::none;
    ContextCore& core = *self.core_;
    core.drainSoon();
    if (self.of_.isPending() && !self.isCancelled()) {
      self.isTimeOver_ = true;
      requestCancelSoon(self.of_);
    }
    core.drain();
  }

  // The other was asked to end because this was: then and there, or with what both had kept.
  bool isCancelled() noexcept {
    if (this->hasRequest() && !this->of_.hasRequest()) {
      this->dropRequest();
      isCancelled_ = true;
    }
    return isCancelled_;
  }

  TimerId timer_ = TimerId::none;
  bool isTimeOver_ = false;
  bool isCancelled_ = false;
  bool wasCancelled_ = false;  // before the request that is under way
};

// Behind wait().
template <class T, bool leavesValue>
class LimitedWait final : public Limited<LimitedWait<T, leavesValue>, T, ValueState<T>> {
 public:
  static constexpr const char* kind = "wait";

  LimitedWait(ContextCore& core, const SourceLocation& created, ValueState<T>& of) noexcept
      : Limited<LimitedWait, T, ValueState<T>>(core, created, of) {}

  void end(bool isLate, bool isCancelled) {
    if (!isLate || isCancelled) return this->template endLikeOther<leavesValue>();
    this->endWithError(std::make_exception_ptr(TimeoutError()));
  }
};

template <class State, class T, class Of, class Time>
Future<T> makeLimited(Of& of, ContextCore& core, Time limit, const SourceLocation& created) {
  State& state = State::make(core, created, of);
  Future<T> future = FutureAccess::handleTo<T>(state);
  state.start(limit);
  return future;
}

template <bool leavesValue, class T, class Time>
Future<T> waitUntil(const Future<T>& future, Time limit, const SourceLocation& created) {
  return makeLimited<LimitedWait<T, leavesValue>, T>(FutureAccess::stateOf(future), coreFor(future),
                                                     limit, created);
}

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_TIMEOUT_STATES_H_
