// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATE_H_
#define KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATE_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <new>
#include <utility>

#include "kairos/futures-addon/detail/context_core.h"
#include "kairos/futures-addon/detail/future_status.h"
#include "kairos/futures-addon/detail/link.h"
#include "kairos/futures-addon/detail/state_word.h"
#include "kairos/futures-addon/source_location.h"
#include "kairos/futures-addon/tracking/tracking.h"
#include "kairos/futures-addon/waiter.h"

namespace kairos::detail {

// What a suspended coroutine waits for: a request to cancel travels along these to the innermost.
class Awaited {
 public:
  // What this waits for itself; nullptr: for nothing, or it runs.
  virtual Awaited* inner() noexcept { return nullptr; }

  // Asks the innermost to end. True: the request has reached it, and it will end, or decide for
  // itself; or it has been cancelled already, and who waits for it does not know yet. Runs no
  // callback but the one that is there for the request.
  virtual bool cancel() noexcept = 0;

  // A request goes by here to what this waits for; and it could not be delivered there.
  virtual void passRequest() noexcept {}
  virtual void takeRequestBack() noexcept {}

  // A request that could not be delivered went by here.
  virtual void keepRequest() noexcept {}

  // Who waits for it will never go on, and may stay for long.
  virtual void leaveAlone() noexcept {}

 protected:
  Awaited() = default;
  ~Awaited() = default;
};

// To the innermost that `outermost` waits for. False: that cannot be cancelled now.
bool requestCancel(Awaited& outermost) noexcept;
// The same; a request that cannot be delivered now is, where a coroutine waits for the next thing.
bool requestCancelSoon(Awaited& outermost) noexcept;
void keepRequestFrom(Awaited& outermost) noexcept;

// What is behind a Future, but for the value: how it ended, and who waits for that.
//
// What is rarely there (an error, who waits, a place among what is pending) takes its memory, and
// is made when it comes; a future that nobody waits for and that completes never had it.
class FutureState : public Awaited, public BareLink {
 public:
  FutureState(const FutureState&) = delete;
  FutureState& operator=(const FutureState&) = delete;

  FutureStatus status() const noexcept { return word_.status(); }
  bool isPending() const noexcept { return word_.is(FutureStatus::pending); }
  bool isCompleted() const noexcept { return word_.is(FutureStatus::completed); }
  ContextCore* core() const noexcept { return core_; }
  const SourceLocation& created() const noexcept { return created_; }
  const FutureTracking& tracking() const noexcept { return tracking_; }
  bool isWaitedFor() const noexcept { return word_.has(Mark::waitedFor) && !waiters_.empty(); }
  // Of one that is waited for.
  const LinkList<Waiter>& waiters() const noexcept { return waiters_; }

  std::uint32_t references() const noexcept { return references_; }
  void addReference() noexcept { ++references_; }
  void release() noexcept {
    if (--references_ == 0) ContextCore::destroy(*this);
  }

  // Its Promise goes, and it is pending. If anybody could learn that, it fails.
  void breakPromise() noexcept;

  // `waiter` waits for nothing. When this has finished already, it runs in the next drain.
  //   Errors    throws FutureError: its context has ended, or it is finished and has none
  void add(Waiter& waiter) {
    if (!isPending()) return addLate(waiter);
    if (core_ != nullptr && !word_.has(Mark::enrolled)) {
      if (core_->isOver()) return addLate(waiter);
      enroll();
    }
    addCoroutine(waiter);
  }
  // The same for a coroutine, which sees to the end of its context itself. Requires that this is
  // pending.
  void addCoroutine(Waiter& waiter) noexcept {
    if (!word_.has(Mark::waitedFor)) beginWaiters();
    waiters_.pushBack(waiter);
  }
  // Before the same for one of another context. False: it has been cancelled by endIfOver().
  bool enrollForOther() noexcept;
  // What nobody waited for when its context ended is pending still: now somebody wants to know.
  void endIfOver() noexcept {
    if (isPending() && core_ != nullptr && core_->isOver()) abandon();
  }
  void add(AsyncCallback callback);  // throws std::bad_alloc too
  std::size_t remove(AsyncCallback callback) noexcept;

  // Who waits, if that is one; else nullptr.
  Waiter* loneWaiter() const noexcept {
    return word_.has(Mark::waitedFor) && waiters_.hasOne() ? &waiters_.front() : nullptr;
  }

  // A coroutine that was started without a context gets one by what it awaits or by whom it is
  // handed to.
  void adopt(ContextCore* core) noexcept {
    if (core_ == nullptr && core != nullptr) becomeGuestOf(*core);
    tracking_.adopted(core);
  }

  // The result was looked at, so its error is nobody's surprise any more.
  void observe() noexcept { word_.add(Mark::observed); }
  // Throws unless it is completed.
  void throwUnlessCompleted() {
    if (!isCompleted()) throwOutcome();
  }
  // Of a failed one.
  const std::exception_ptr& error() const noexcept { return error_; }

  // An error is reported when it happens, whoever may look at it later.
  void check() noexcept {
    if (word_.has(Mark::checked)) return;
    word_.add(Mark::checked);
    if (word_.is(FutureStatus::failed)) reportError();
  }

  bool cancel() noexcept override;
  void keepRequest() noexcept override { word_.add(Mark::requested); }
  bool hasRequest() const noexcept { return word_.has(Mark::requested); }
  void dropRequest() noexcept { word_.remove(Mark::requested); }

  void disenroll() noexcept {
    if (!word_.has(Mark::enrolled)) return;
    leaveList();
    word_.remove(Mark::enrolled);
  }

  // False: nobody waits for it any more, and nothing goes on in it; it need not be enrolled.
  virtual bool goesOn() const noexcept { return true; }
  // Its context ends: it is cancelled, if need be without being asked; then, what would not end.
  virtual void cancelForGood() noexcept { abandon(); }
  virtual void abandon() noexcept { finish(FutureStatus::cancelled, SourceLocation::current()); }

  // Destroys it, by goes() first. May run user code, of values and frames, and throws nothing;
  // it does not say so, because then it could not leave the last of that to another function.
  virtual void dispose() = 0;

 protected:
  FutureState(ContextCore* core, const SourceLocation& created) noexcept
      : core_(core), created_(created) {
    tracking_.begin(*this, core);
  }
  // For one that is told later where it was created.
  explicit FutureState(ContextCore* core) noexcept : core_(core) {
    tracking_.begin(*this, core);  // without the place
  }
  ~FutureState() {}  // NOLINT(modernize-use-equals-default): of unions

  // It is to be destroyed: ends what it rarely has. Reports an error that nobody has seen.
  void goes() noexcept {
    if (!isCompleted()) endRest();
  }

  // Has to hear of the end of its context from now on.
  void enroll() noexcept {
    if (core_ == nullptr || word_.has(Mark::enrolled)) return;
    word_.add(Mark::enrolled);
    core_->enroll(*this);
  }

  // Ends it; who waits runs in the next drain.
  void finish(FutureStatus status, SourceLocation where) noexcept {
    const StateWord before = word_;
    if (before.has(Mark::enrolled)) leaveList();
    word_.finish(status, {Mark::enrolled, Mark::waitedFor});
    tell(status, where);
    if (before.has(Mark::waitedFor) && !waiters_.empty()) core_->scheduleAll(waiters_);
  }
  void fail(std::exception_ptr error, SourceLocation where) noexcept {
    keepError(std::move(error));
    finish(FutureStatus::failed, where);
  }
  // Before it is settled as failed.
  void keepError(std::exception_ptr error) noexcept {
    new (&error_) std::exception_ptr(std::move(error));
  }
  // The same in two steps; those who wait may be taken from it in between.
  void settle(FutureStatus status, SourceLocation where) noexcept {
    disenroll();
    word_.setStatus(status);
    tell(status, where);
  }
  // Requires a context, if it is waited for.
  void wakeAll() noexcept {
    if (!isWaitedFor()) return;
    word_.remove(Mark::waitedFor);
    core_->scheduleAll(waiters_);
  }

  // Cancels the work itself; the default is that there is none.
  virtual bool cancelWork() noexcept {
    finish(FutureStatus::cancelled, SourceLocation::current());
    return true;
  }

  // One that got its context by adopt() goes.
  void leaveHost() noexcept {
    if (word_.has(Mark::guest)) core_->removeGuest();
  }
  // Completed, and there is nothing else to be seen to when it goes.
  bool isPlainlyCompleted() const noexcept {
    return word_.isWithout(FutureStatus::completed, Mark::guest);
  }

  [[noreturn]] void throwFinishedTwice(SourceLocation where) const;

  struct Suspension {
    std::coroutine_handle<> frame;
    bool isResumed;    // it runs, and who resumed it sees to its end
    Awaited* awaited;  // nullptr: it runs, or waits for what cannot be cancelled
  };

  ContextCore* core_;
  std::uint32_t references_ = 1;
  StateWord word_;
  union {
    AsyncCallback cancelCallback_;  // of a Promise, if it has one, while it is pending
    Suspension suspension_;         // of a coroutine, while it is pending
    SourceLocation finished_;       // afterwards
  };
  union {
    LinkList<Waiter> waiters_;  // once it has some
  };
  SourceLocation created_;
  union {
    std::exception_ptr error_;  // once it has failed
  };
  [[no_unique_address]] FutureTracking tracking_;

 private:
  friend class Coroutine;

  void addLate(Waiter& waiter);
  void refuseLateWithoutContext() const;
  void becomeGuestOf(ContextCore& core) noexcept;
  void beginWaiters() noexcept {
    word_.add(Mark::waitedFor);
    new (&waiters_) LinkList<Waiter>;
  }
  void tell(FutureStatus status, SourceLocation where) noexcept {
    finished_ = where;
    tracking_.finished(status, where, error_);
    if (status == FutureStatus::failed && word_.has(Mark::checked)) reportError();
  }
  void endRest() noexcept;
  void reportError() noexcept;
  [[noreturn]] void throwOutcome();
};

inline void ContextCore::enroll(FutureState& future) noexcept { pending_.pushBack(future); }

inline PooledWaiter& PooledWaiter::make(ContextCore* core, FutureState* of,
                                        AsyncCallback callback) {
  WaiterAccess::requireCallback(callback.function);
  void* const memory =
      core != nullptr ? core->take(sizeof(PooledWaiter)) : allocate(sizeof(PooledWaiter));
  auto* const waiter = new (memory) PooledWaiter(core, of);
  if (of != nullptr) of->addReference();
  WaiterAccess::setCallback(*waiter, callback);
  WaiterAccess::setPooled(*waiter);
  return *waiter;
}

inline void PooledWaiter::free() noexcept {
  ContextCore* const core = core_;
  FutureState* const of = of_;
  this->~PooledWaiter();
  if (core == nullptr) {
    ::operator delete(this);
  } else {
    core->giveBack(this, sizeof(PooledWaiter));
  }
  if (of != nullptr) of->release();
}

inline void ContextCore::destroy(FutureState& future) noexcept {
  ContextCore* const core = future.core();
  if (core == nullptr) return future.dispose();
  if (core->destroying_) return core->condemn(future);
  core->destroying_ = true;
  future.dispose();
  if (core->hasToEndDestroying_) return core->endDestroying();
  core->destroying_ = false;
}

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATE_H_
