// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_PROMISE_H_
#define KAIROS_FUTURES_ADDON_PROMISE_H_

#include <concepts>
#include <exception>
#include <type_traits>
#include <utility>

#include "kairos/futures-addon/detail/value_state.h"
#include "kairos/futures-addon/future.h"

namespace kairos {

// The side that finishes a future.
//
//   Thread      that of the context
//   Ownership   Destroyed, or assigned to, before the future is finished, that fails with
//               BrokenPromiseError.
//   Errors      FinishedTwiceError, in every build; std::bad_alloc from the constructor. On a
//               cancelled future everything is a no-op: a producer need not look.
//   Callbacks   None runs inside these calls.
template <class T = void>
class Promise {
 public:
  explicit Promise(FutureContext& context, SourceLocation created = SourceLocation::current())
      : state_(&State::make(*detail::coreOf(context), created)) {}
  Promise(Promise&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  Promise& operator=(Promise&& other) noexcept {
    Promise old(std::move(other));
    std::swap(state_, old.state_);
    return *this;
  }
  ~Promise() {
    if (state_ != nullptr) state_->letGo();
  }

  Future<T> future() const noexcept { return detail::FutureAccess::handleTo<T>(*state_); }

  // False: it was cancelled before.
  template <class Value = T>
  requires(!std::is_void_v<T>) bool complete(Value&& value,
                                             SourceLocation where = SourceLocation::current()) {
    return state_->tryComplete(where, std::forward<Value>(value));
  }
  bool complete(SourceLocation where = SourceLocation::current()) requires std::is_void_v<T> {
    return state_->tryComplete(where);
  }

  // Errors    FutureError: a null pointer
  bool fail(std::exception_ptr error, SourceLocation where = SourceLocation::current()) {
    if (error == nullptr) throw FutureError("A future cannot fail without an error.");
    return state_->tryFail(where, std::move(error));
  }
  template <class Error>
  requires std::derived_from<std::remove_cvref_t<Error>, std::exception>
  bool fail(Error&& error, SourceLocation where = SourceLocation::current()) {
    return fail(std::make_exception_ptr(std::forward<Error>(error)), where);
  }

  bool cancel(SourceLocation where = SourceLocation::current()) { return state_->tryCancel(where); }

  // Calls `callback(udata)` when the future is asked to cancel, inside that call, once. It may
  // finish the future or not; without a callback the future is cancelled then. It must not throw,
  // and is forgotten when the future is finished. nullptr: no callback.
  void setCancelCallback(CallbackFunc callback, void* udata) noexcept {
    state_->setCancelCallback({callback, udata});
  }

  bool finished() const noexcept { return !state_->isPending(); }

 private:
  using State = detail::PromiseState<T>;

  State* state_;
};

// One that is completed already, with a result that is known.
template <class T>
Future<std::decay_t<T>> completedFuture(FutureContext& context, T&& value,
                                        SourceLocation created = SourceLocation::current()) {
  Promise<std::decay_t<T>> promise(context, created);
  promise.complete(std::forward<T>(value), created);
  return promise.future();
}
inline Future<void> completedFuture(FutureContext& context,
                                    SourceLocation created = SourceLocation::current()) {
  Promise<void> promise(context, created);
  promise.complete(created);
  return promise.future();
}

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_PROMISE_H_
