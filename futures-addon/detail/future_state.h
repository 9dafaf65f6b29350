// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATE_H_
#define KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATE_H_

#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

#include "kairos/futures-addon/detail/context_core.h"
#include "kairos/futures-addon/detail/future_status.h"
#include "kairos/futures-addon/detail/link.h"
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
class FutureState : public Awaited, public Link {
 public:
  FutureState(const FutureState&) = delete;
  FutureState& operator=(const FutureState&) = delete;

  FutureStatus status() const noexcept { return status_; }
  bool isPending() const noexcept { return status_ == FutureStatus::pending; }
  ContextCore* core() const noexcept { return core_; }
  const SourceLocation& created() const noexcept { return created_; }
  const FutureTracking& tracking() const noexcept { return tracking_; }
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
    if (core_ != nullptr && !isLinked()) {
      if (core_->isOver()) return addLate(waiter);
      core_->enroll(*this);
    }
    waiters_.pushBack(waiter);
  }
  // The same for a coroutine, which sees to the end of its context itself. Requires that this is
  // pending.
  void addCoroutine(Waiter& waiter) noexcept { waiters_.pushBack(waiter); }
  // Before the same for one of another context. False: it has been cancelled by endIfOver().
  bool enrollForOther() noexcept;
  // What nobody waited for when its context ended is pending still: now somebody wants to know.
  void endIfOver() noexcept {
    if (isPending() && core_ != nullptr && core_->isOver()) abandon();
  }
  void add(AsyncCallback callback);  // throws std::bad_alloc too
  std::size_t remove(AsyncCallback callback) noexcept;

  // A coroutine that was started without a context gets one by what it awaits or by whom it is
  // handed to.
  void adopt(ContextCore* core) noexcept {
    if (core_ == nullptr && core != nullptr) becomeGuestOf(*core);
    tracking_.adopted(core);
  }

  // The result was looked at, so its error is nobody's surprise any more.
  void observe() noexcept { isObserved_ = true; }
  // Throws unless it is completed.
  void throwUnlessCompleted() {
    if (status_ != FutureStatus::completed) throwOutcome();
  }
  const std::exception_ptr& error() const noexcept { return error_; }

  // An error is reported when it happens, whoever may look at it later.
  void check() noexcept {
    if (isChecked_) return;
    isChecked_ = true;
    if (status_ == FutureStatus::failed) reportError();
  }

  bool cancel() noexcept override;
  void keepRequest() noexcept override { hasRequest_ = true; }
  bool hasRequest() const noexcept { return hasRequest_; }
  void dropRequest() noexcept { hasRequest_ = false; }

  // Its context ends: it is cancelled, if need be without being asked; then, what would not end.
  virtual void cancelForGood() noexcept { abandon(); }
  virtual void abandon() noexcept { finish(FutureStatus::cancelled, SourceLocation::current()); }

  // Which may run user code, of values and frames.
  virtual void dispose() noexcept = 0;

 protected:
  FutureState(ContextCore* core, const SourceLocation& created) noexcept
      : core_(core), created_(created) {
    tracking_.begin(*this, core);
  }
  ~FutureState() {}  // NOLINT(modernize-use-equals-default): of a union

  // Has to hear of the end of its context from now on.
  void enroll() noexcept {
    if (core_ != nullptr && !isLinked()) core_->enroll(*this);
  }

  // Ends it; who waits runs in the next drain.
  void finish(FutureStatus status, const SourceLocation& where) noexcept {
    settle(status, where);
    if (!waiters_.empty()) core_->scheduleAll(waiters_);
  }
  void fail(std::exception_ptr error, const SourceLocation& where) noexcept {
    error_ = std::move(error);
    finish(FutureStatus::failed, where);
  }
  void settle(FutureStatus status, const SourceLocation& where) noexcept {
    if (isLinked()) unlink();
    status_ = status;
    finished_ = where;
    tracking_.finished(status, where, error_);
    if (isChecked_ && status == FutureStatus::failed) reportError();
  }

  // Cancels the work itself; the default is that there is none.
  virtual bool cancelWork() noexcept {
    finish(FutureStatus::cancelled, SourceLocation::current());
    return true;
  }

  // An error that nobody has seen is reported.
  void reportUnseen() noexcept {
    if (status_ == FutureStatus::failed && !isObserved_) reportError();
  }

  // One that got its context by adopt() goes.
  void leaveHost() noexcept {
    if (isGuest_) core_->removeGuest();
  }

  [[noreturn]] void throwFinishedTwice(const SourceLocation& where) const;

  ContextCore* core_;
  LinkList<Waiter> waiters_;
  std::exception_ptr error_;
  SourceLocation created_;
  union {
    AsyncCallback cancelCallback_{};  // of a Promise, while it is pending
    SourceLocation finished_;         // afterwards
  };
  std::uint32_t references_ = 1;
  FutureStatus status_ = FutureStatus::pending;
  bool isObserved_ : 1 = false;
  bool isChecked_ : 1 = false;
  bool hasRequest_ : 1 = false;
  bool wasAsked_ : 1 = false;  // to cancel, by its callback
  bool isGuest_ : 1 = false;   // its memory is not the context's
  [[no_unique_address]] FutureTracking tracking_;

 private:
  friend class Coroutine;

  void addLate(Waiter& waiter);
  void becomeGuestOf(ContextCore& core) noexcept;
  void reportError() noexcept;
  [[noreturn]] void throwOutcome();
};

inline void ContextCore::enroll(FutureState& future) noexcept { pending_.pushBack(future); }

// A pending one is still among those that its context knows.
inline void ContextCore::condemn(FutureState& future) noexcept {
  if (future.isLinked()) future.unlink();
  condemned_.pushBack(future);
}

inline void ContextCore::destroy(FutureState& future) noexcept {
  ContextCore* const core = future.core();
  if (core == nullptr) return future.dispose();
  if (core->destroying_) return core->condemn(future);
  core->destroying_ = true;
  future.dispose();
  if (!core->condemned_.empty() || core->reactor_ == nullptr) return core->endDestroying();
  core->destroying_ = false;
}

}  // namespace kairos::detail

#endif  // KAIROS_FUTURES_ADDON_DETAIL_FUTURE_STATE_H_
