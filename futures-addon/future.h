// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_FUTURE_H_
#define KAIROS_FUTURES_ADDON_FUTURE_H_

#include <cstddef>
#include <exception>
#include <utility>

#include "kairos/futures-addon/detail/coroutine_promise.h"
#include "kairos/futures-addon/detail/future_awaiter.h"
#include "kairos/futures-addon/error.h"
#include "kairos/futures-addon/future_context.h"
#include "kairos/futures-addon/source_location.h"
#include "kairos/futures-addon/waiter.h"

namespace kairos {

namespace detail {
struct FutureAccess;
}  // namespace detail

// The result of work that may not be done yet: what all kinds of futures have. It is a handle, and
// a copy is another handle to the same result.
//
//   Thread      that of the context
//   Ownership   The work does not depend on the handles: it goes on when they have gone.
//   Errors      Throws what is named; FutureError is misuse.
//   Callbacks   Run in ticks of the context (see FutureContext), in the order added, never inside
//               the call that adds them or finishes the future.
class FutureBase {
 public:
  FutureBase() = default;  // of nothing; only isValid() may be called
  FutureBase(const FutureBase& other) noexcept : state_(other.state_) {
    if (state_ != nullptr) state_->addReference();
  }
  FutureBase(FutureBase&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  FutureBase& operator=(FutureBase other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~FutureBase() {
    if (state_ != nullptr) state_->release();
  }

  bool isValid() const noexcept { return state_ != nullptr; }

  // Exactly one of the last three, once it is finished.
  bool finished() const noexcept { return !state_->isPending(); }
  bool completed() const noexcept { return is(detail::FutureStatus::completed); }
  bool failed() const noexcept { return is(detail::FutureStatus::failed); }
  bool cancelled() const noexcept { return is(detail::FutureStatus::cancelled); }

  // Calls `callback(udata)` once when it is finished; in the next tick if it is already.
  //   Errors    FutureError: no callback; its context has ended, or it is a finished coroutine that
  //             never met one
  void addCallback(CallbackFunc callback, void* udata) { state_->add({callback, udata}); }

  // The same, without allocating.
  //   Errors    also FutureError: `waiter` waits already
  void addCallback(Waiter& waiter, CallbackFunc callback, void* udata) {
    detail::WaiterAccess::requireUsable(waiter, callback);
    detail::WaiterAccess::setCallback(waiter, {callback, udata});
    state_->add(waiter);
  }

  // Takes back all equal pairs that have not run; how many there were. One with a waiter of its own
  // is taken back by Waiter::forget().
  std::size_t removeCallback(CallbackFunc callback, void* udata) noexcept {
    return state_->remove({callback, udata});
  }

  // The error of a failed one.
  //   Errors    PendingError; CancelledError; NoErrorError: completed
  std::exception_ptr readError() const;

  // Asks the innermost operation that this waits for to end. That may take time, and whoever waits
  // in between may take the CancelledError for itself. Asked again while that error is on its way,
  // this is the same request; afterwards, another. False: nothing can be cancelled now, and nothing
  // has happened: it is finished, runs, or waits for what cannot be cancelled.
  bool tryCancel() noexcept { return !finished() && detail::requestCancel(*state_); }

  // The same; a request that cannot be delivered now is kept for the next thing that is awaited.
  void cancelSoon() noexcept { detail::requestCancelSoon(*state_); }

  // Gives a context to a coroutine that was started without one and has met none by awaiting.
  void attach(FutureContext& context) noexcept { state_->adopt(detail::coreOf(context)); }

  // Its error, if it fails, is told to the context in any case: see asyncCheck().
  void reportFailure() noexcept { state_->check(); }

  const SourceLocation& created() const noexcept { return state_->created(); }

  // Handles to the same result.
  friend bool operator==(const FutureBase& left, const FutureBase& right) noexcept {
    return left.state_ == right.state_;
  }

 protected:
  explicit FutureBase(detail::FutureState& state) noexcept : state_(&state) {}

  detail::FutureState* state_ = nullptr;

 private:
  friend struct detail::FutureAccess;

  bool is(detail::FutureStatus status) const noexcept { return state_->status() == status; }
};

// The same with a value; T may be void, a reference, or only movable.
//
// As the return type of a coroutine: its body runs in the call up to the first await of something
// that is pending, and goes on in a tick, or in the callback of a transport. It goes on when nobody
// holds its Future any more; CancelledError, thrown out of it, cancels it. Its frame is in the
// memory of the first argument that has a context: a FutureContext, a future, or an object with
// `FutureContext& futureContext()`; without one it is on the heap.
//
// Its locals go when it ends, its parameters live as long as a Future of it: what has to end with
// the work, as a stream, is moved into a local if the Future is kept.
//
// `co_await future` gives a reference to the value, `co_await std::move(future)` and that of a
// call give the value itself. Both throw the future's error.
template <class T = void>
class [[nodiscard]] Future : public FutureBase {
 public:
  using promise_type = detail::CoroutinePromise<T>;
  using Value = T;

  Future() = default;

  // The value: a reference to it, or itself when the Future is an rvalue.
  //   Errors    PendingError, CancelledError, the error of a failed one
  decltype(auto) read() const& { return state().get(); }
  decltype(auto) read() && { return state().take(); }

  auto operator co_await() const& { return detail::ReadingAwaiter<T>(state()); }
  auto operator co_await() && { return detail::TakingAwaiter<T>(state()); }

 private:
  friend struct detail::FutureAccess;
  using State = detail::ValueState<T>;

  explicit Future(State& state) noexcept : FutureBase(state) {}
  State& state() const noexcept { return static_cast<State&>(*state_); }
};

namespace detail {

// Makes handles to states, and the other way round.
struct FutureAccess {
  // The handle has a reference of its own.
  template <class T>
  static Future<T> handleTo(ValueState<T>& state) noexcept {
    state.addReference();
    return Future<T>(state);
  }
  // The handle takes over the caller's reference.
  template <class T>
  static Future<T> handOut(ValueState<T>& state) noexcept {
    return Future<T>(state);
  }
  static FutureState& stateOf(const FutureBase& future) noexcept { return *future.state_; }
  template <class T>
  static ValueState<T>& stateOf(const Future<T>& future) noexcept {
    return future.state();
  }
};

template <class T>
Future<T> CoroutinePromiseBase<T>::get_return_object(SourceLocation created) noexcept {
  this->created_ = created;
  return FutureAccess::handOut<T>(*this);
}

}  // namespace detail

}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_FUTURE_H_
