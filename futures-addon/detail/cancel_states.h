// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_CANCEL_STATES_H_
#define KAIROS_FUTURES_ADDON_DETAIL_CANCEL_STATES_H_

#include <utility>

#include "kairos/futures-addon/detail/follower.h"
#include "kairos/futures-addon/detail/future_awaiter.h"

namespace kairos::detail {

// Behind noCancel().
template <class T, bool leavesValue>
class Uncancellable final : public Follower<Uncancellable<T, leavesValue>, T, ValueState<T>> {
 public:
  static constexpr const char* kind = "noCancel";

  Uncancellable(ContextCore& core, const SourceLocation& created, ValueState<T>& of) noexcept
      : Follower<Uncancellable, T, ValueState<T>>(core, created, of) {}

  void start() { this->follow(); }
  void leave() noexcept { this->unfollow(); }
  void followedFinished() { this->template endLikeOther<leavesValue>(); }
  void cancelForGood() noexcept override {}

 private:
  bool cancelWork() noexcept override { return false; }
};

template <bool leavesValue, class T>
Future<T> makeUncancellable(const Future<T>& future, const SourceLocation& created) {
  return makeDerived<Uncancellable<T, leavesValue>, T>(coreFor(future), created,
                                                       FutureAccess::stateOf(future));
}

// Behind noThrow().
template <class T>
class FinishedAwaiter final : public FutureAwaiter<T> {
 public:
  explicit FinishedAwaiter(Future<T> future) noexcept
      : FutureAwaiter<T>(FutureAccess::stateOf(future)), future_(std::move(future)) {}

  Future<T> await_resume() noexcept {
    this->resumed().observe();
    return std::move(future_);
  }

 private:
  Future<T> future_;
};

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_CANCEL_STATES_H_
