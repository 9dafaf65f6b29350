// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_FOLLOWER_H_
#define KAIROS_FUTURES_ADDON_DETAIL_FOLLOWER_H_

#include <exception>
#include <type_traits>
#include <utility>

#include "kairos/futures-addon/detail/context_core.h"
#include "kairos/futures-addon/detail/coroutine.h"
#include "kairos/futures-addon/detail/value_state.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/future.h"

namespace kairos::detail {

// The context of a future that another one is made of.
inline ContextCore& coreFor(const FutureBase& future) {
  ContextCore* const core = coreOf(future);
  if (core == nullptr) {
    throw FutureError("A future has no FutureContext: see attach(); or that has ended.");
  }
  return *core;
}

// A future that is made of others. It holds itself until it is finished, which happens in callbacks
// of the context, so that a lone coroutine that waits for it goes on at once.
template <class State, class T>
class Derived : public PooledState<State, T> {
 public:
  void abandon() noexcept override { this->endAs(FutureStatus::cancelled); }

 protected:
  Derived(ContextCore& core, const SourceLocation& created) noexcept
      : PooledState<State, T>(core, created) {
    this->enroll();
  }
  ~Derived() { this->disenroll(); }  // one that could not be made to the end was never disposed of

  template <class... Args>
  void endWithValue(Args&&... args) {
    try {
      this->kept_.set(std::forward<Args>(args)...);
    } catch (...) {
      return endWithError(std::current_exception());
    }
    endAs(FutureStatus::completed);
  }
  void endWithError(const std::exception_ptr& error) {
    this->keepError(error);
    endAs(FutureStatus::failed);
  }

  // Leaves the others, whatever becomes of them. May destroy this.
  void endAs(FutureStatus status) {
    static_cast<State*>(this)->leave();
    this->settle(status, {});
    FutureState* const next = isCalledBack_ ? takeLoneCoroutine(*this) : nullptr;
    this->wakeAll();
    this->release();
    if (next != nullptr) Coroutine::onResumable(next);
  }

  bool cancelWork() noexcept override {
    endAs(FutureStatus::cancelled);
    return true;
  }

  bool isCalledBack_ = false;  // by the context, in a callback that ends this; not by a user
};

// One that is made of one other, of which OfState is the state.
template <class State, class T, class OfState>
class Follower : public Derived<State, T> {
 protected:
  Follower(ContextCore& core, const SourceLocation& created, OfState& of) noexcept
      : Derived<State, T>(core, created), of_(of) {
    of_.addReference();
  }
  ~Follower() { of_.release(); }

  // Calls State::followedFinished(), now or later.
  void follow() {
    if (!of_.isPending()) return static_cast<State*>(this)->followedFinished();
    WaiterAccess::setCallback(waiter_, {onFinished, this});
    WaiterAccess::trackingOf(waiter_).belongsTo(*this);
    of_.add(waiter_);
  }
  void unfollow() noexcept { waiter_.unlink(); }

  // The value is taken from the other, or left to those who have handles to that.
  template <bool leavesValue>
  void endLikeOther() {
    of_.observe();
    this->tracking_.hasSeen(of_);
    if (of_.status() == FutureStatus::failed) return this->endWithError(of_.error());
    if (of_.status() == FutureStatus::cancelled) return this->endAs(FutureStatus::cancelled);
    if constexpr (std::is_void_v<T>) {
      this->endWithValue();
    } else {
      if constexpr (leavesValue) {
        if (of_.references() > 1) return this->endWithValue(std::as_const(of_.get()));
      }
      this->endWithValue(static_cast<T&&>(of_.get()));
    }
  }

  OfState& of_;

 private:
  static void onFinished(void* udata) {
    auto& self = *static_cast<Follower*>(udata);
    self.isCalledBack_ = true;
    static_cast<State&>(self).followedFinished();
  }

  Waiter waiter_;
};

// Makes State, starts it, and gives its future.
template <class State, class T, class... Args>
Future<T> makeDerived(ContextCore& core, Args&&... args) {
  State& state = State::make(core, std::forward<Args>(args)...);
  Future<T> future = FutureAccess::handleTo<T>(state);
  state.start();
  return future;
}

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_FOLLOWER_H_
