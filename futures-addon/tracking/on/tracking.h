// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_TRACKING_ON_TRACKING_H_
#define KAIROS_FUTURES_ADDON_TRACKING_ON_TRACKING_H_

#include <concepts>
#include <cstdint>
#include <exception>
#include <utility>

#include "kairos/futures-addon/detail/future_status.h"
#include "kairos/futures-addon/detail/link.h"
#include "kairos/futures-addon/source_location.h"
#include "kairos/futures-addon/tracking/stack_trace.h"

// What is tracked of futures, for ../../diagnostics.h. The same names stand for nothing at all in
// ../off/tracking.h: a build setting chooses. Each change of a future costs O(1) here.
namespace kairos {

class FutureBase;

namespace detail {

class FutureState;
struct FutureAccess;

inline constexpr bool isTracking = true;

// Where in its body a coroutine awaits something.
using AwaitPlace = SourceLocation;

constexpr AwaitPlace placeOfAwait(AwaitPlace place = AwaitPlace::current()) noexcept {
  return place;
}

// Whose a Waiter is, if it is a future that waits.
class WaiterTracking {
 public:
  void belongsTo(FutureState& future) noexcept { future_ = &future; }
  template <class Coroutine>
  requires requires(Coroutine& coroutine) { coroutine.state(); }
  void belongsTo(Coroutine& coroutine) noexcept { future_ = &coroutine.state(); }
  FutureState* owner() const noexcept { return future_; }

 private:
  FutureState* future_ = nullptr;
};

// Where and how a future has failed, and because of which other; shared, and made once.
class Failure {
 public:
  // nullptr: there is no memory. Takes over the caller's reference to `cause`.
  static Failure* make(const char* kind, const SourceLocation& place, Failure* cause) noexcept;
  // Either may be nullptr.
  static Failure* share(Failure* failure) noexcept {
    if (failure != nullptr) ++failure->references_;
    return failure;
  }
  static void release(Failure* failure) noexcept;

  const char* kind;
  SourceLocation place;
  [[no_unique_address]] StackTrace stack;
  Failure* cause;

 private:
  Failure(const char* kindOf, const SourceLocation& at, Failure* because) noexcept
      : kind(kindOf), place(at), stack(StackTrace::current()), cause(because) {}

  unsigned references_ = 1;
};

class ContextTracking;

// Of one future.
class FutureTracking : public Link {
 public:
  FutureTracking() = default;
  ~FutureTracking();

  template <class State, class Core>
  void begin(State& future, Core* core) noexcept {
    future_ = &future;
    created_ = &future.created();
    stack_ = StackTrace::current();
    adopted(core);
  }
  template <class Core>
  void adopted(Core* core) noexcept {
    if (core != nullptr && context_ == nullptr) enter(core->tracking());
  }
  // Static texts.
  void isKind(const char* kind) noexcept { kind_ = kind; }
  void isCoroutine() noexcept {
    kind_ = "coroutine";
    isRunning_ = true;
  }

  // Access is a parameter because it is complete only where this is called.
  template <class Awaitable, class Access = FutureAccess>
  void awaits(const Awaitable& awaitable, const AwaitPlace& place) noexcept {
    awaitsAt_ = place;
    forgetSeen();
    if constexpr (std::derived_from<Awaitable, FutureBase>) hasSeen(Access::stateOf(awaitable));
  }
  void suspended() noexcept { isRunning_ = false; }
  void resumed() noexcept { isRunning_ = true; }

  // What it awaited or was made of is finished: if it fails with the same error, that is the cause.
  template <class State>
  void hasSeen(const State& other) noexcept {
    if (other.tracking().failure() != nullptr) see(other.tracking(), other.error());
  }
  // Before anybody learns of it. Without a place it ended where it awaited something last.
  void finished(FutureStatus status, const SourceLocation& where,
                const std::exception_ptr& error) noexcept;

  FutureState& future() const noexcept { return *future_; }
  const char* kind() const noexcept { return kind_; }
  std::uint64_t number() const noexcept { return number_; }
  bool isRunning() const noexcept { return isRunning_; }
  const SourceLocation& awaitsAt() const noexcept { return awaitsAt_; }
  const StackTrace& stack() const noexcept { return stack_; }
  const Failure* failure() const noexcept { return failure_; }

 private:
  friend class ContextTracking;

  void enter(ContextTracking& context) noexcept;
  void see(const FutureTracking& other, const std::exception_ptr& error) noexcept;
  void fail(const SourceLocation& where, const std::exception_ptr& error) noexcept;
  void forgetSeen() noexcept;
  const SourceLocation& placeOf(const SourceLocation& where) const noexcept;

  FutureState* future_ = nullptr;
  const SourceLocation* created_ = nullptr;
  ContextTracking* context_ = nullptr;
  const char* kind_ = "";
  std::uint64_t number_ = 0;
  bool isRunning_ = false;
  bool isFinished_ = false;
  AwaitPlace awaitsAt_;
  [[no_unique_address]] StackTrace stack_;
  Failure* failure_ = nullptr;
  Failure* seen_ = nullptr;
  std::exception_ptr seenError_;
};

// Of all futures of a context, which are in it from the time that they know of the context until
// they are finished.
class ContextTracking {
 public:
  ContextTracking() = default;
  ContextTracking(const ContextTracking&) = delete;
  ContextTracking& operator=(const ContextTracking&) = delete;
  ~ContextTracking();

  // How many there were so far.
  struct Counts {
    std::uint64_t created = 0;
    std::uint64_t completed = 0;
    std::uint64_t failed = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t dropped = 0;
  };

  const Counts& counts() const noexcept { return counts_; }

  template <class Visit>
  void forEachPending(Visit visit) const {
    pending_.forEach([&](FutureTracking& future) { visit(std::as_const(future)); });
  }

 private:
  friend class FutureTracking;

  LinkList<FutureTracking> pending_;
  Counts counts_;
};

}  // namespace detail
}  // namespace kairos

#endif  // KAIROS_FUTURES_ADDON_TRACKING_ON_TRACKING_H_
