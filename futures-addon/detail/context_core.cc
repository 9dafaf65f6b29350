// SPDX-License-Identifier: MIT OR Apache-2.0
#include "kairos/futures-addon/detail/context_core.h"

#include <cassert>
#include <new>
#include <utility>

#include "kairos/futures-addon/detail/future_state.h"
#include "kairos/futures-addon/error.h"

namespace kairos::detail {
namespace {

// How often the end of a context cancels what is pending, which may start new work, before it gives
// up on it.
constexpr int endingRoundsMax = 100;

// The callback of an error that nobody has looked at.
class UnhandledError final : public Waiter {
 public:
  UnhandledError(ContextCore& core, std::exception_ptr error,
                 const SourceLocation& created) noexcept
      // NOLINTNEXTLINE(bugprone-throw-keyword-missing)
      : core_(core), error_(std::move(error)), created_(created) {
    setCallback(onReport, this);
  }

  // Gives it back untold, if it is one.
  static bool drop(Waiter& waiter) noexcept {
    if (WaiterAccess::callbackOf(waiter).function != onReport) return false;
    const Holder untold{static_cast<UnhandledError*>(&waiter)};
    return true;
  }

 private:
  static void onReport(void* udata) {
    const Holder self{static_cast<UnhandledError*>(udata)};
    self.held->core_.tellUnhandled(self.held->error_, self.held->created_);
  }

  // Gives it back, also when its error is thrown.
  struct Holder {
    ~Holder() {
      ContextCore& core = held->core_;
      held->~UnhandledError();
      core.giveBack(held, sizeof(UnhandledError));
    }
    UnhandledError* held;
  };

  ContextCore& core_;
  std::exception_ptr error_;
  SourceLocation created_;
};

}  // namespace

bool PooledWaiter::is(const FutureState& of, AsyncCallback callback) const noexcept {
  return of_ == &of && WaiterAccess::callbackOf(*this) == callback;
}

void WaiterAccess::refuseWaiting() { throw FutureError("A waiter waits for one thing at a time."); }

void WaiterAccess::refuseNothing() { throw FutureError("A callback is needed."); }

// A timer that was added once leaves room for one, so that starting it can hardly fail later.
ContextCore::ContextCore(Reactor& reactor) noexcept : reactor_(&reactor) {
  reactor.removeTimer(reactor.addTimer(Clock::duration::zero(), onTimer, this));
}

ContextCore::~ContextCore() = default;

void ContextCore::deleteIfUnused() noexcept {
  if (reactor_ == nullptr && !isUsed()) delete this;
}

// Without memory for a timer, the next callback that drains makes up for it.
void ContextCore::startTimer() noexcept {
  if (ending_) return;
  timer_ = reactor_->addTimer(Clock::duration::zero(), onTimer, this);
  isDrainComing_ = timer_ != TimerId::none;
}

void ContextCore::onTimer(void* udata) {
  auto& core = *static_cast<ContextCore*>(udata);
  core.timer_ = TimerId::none;
  core.drain();
}

void ContextCore::runFirst() { WaiterAccess::run(batch_.popFront()); }

// When a callback throws, what has not run is the first to run in the next drain.
void ContextCore::drain() {
  struct Scope {
    explicit Scope(ContextCore& core) : core_(core) {
      core_.draining_ = core_.isDrainComing_ = true;
    }
    ~Scope() {
      core_.draining_ = false;
      core_.ready_.takeBefore(core_.batch_);
      core_.tidyTimer();
    }
    ContextCore& core_;
  };
  const Scope scope(*this);
  batch_.takeBehind(ready_);
  while (!batch_.empty()) runFirst();
}

// A drain that the timer did not start leaves it with nothing to do.
void ContextCore::tidyTimer() noexcept {
  isDrainComing_ = timer_ != TimerId::none;
  if (!ready_.empty()) return drainLater();
  if (!isDrainComing_) return;
  reactor_->removeTimer(timer_);
  timer_ = TimerId::none;
  isDrainComing_ = false;
}

std::size_t ContextCore::removeScheduled(const FutureState& future,
                                         AsyncCallback callback) noexcept {
  std::size_t removed = 0;
  const auto removeEqual = [&](Waiter& waiter) {
    if (!WaiterAccess::isPooled(waiter)) return;
    auto& pooled = static_cast<PooledWaiter&>(waiter);
    if (!pooled.is(future, callback)) return;
    pooled.free();
    ++removed;
  };
  batch_.forEach(removeEqual);
  ready_.forEach(removeEqual);
  return removed;
}

// Those that nobody waits for any more leave only here, and when the context ends.
bool ContextCore::hasPending() noexcept {
  for (; !pending_.empty(); pending_.front().disenroll()) {
    if (pending_.front().goesOn()) return true;
  }
  return false;
}

void ContextCore::condemn(FutureState& future) noexcept {
  future.disenroll();
  condemned_.pushBack(future);
  hasToEndDestroying_ = true;
}

void ContextCore::endDestroying() noexcept {
  while (!condemned_.empty()) condemned_.popFront().dispose();
  destroying_ = false;
  hasToEndDestroying_ = reactor_ == nullptr;
  deleteIfUnused();
}

void ContextCore::reportUnhandled(std::exception_ptr error,
                                  const SourceLocation& created) noexcept {
  if (reactor_ == nullptr) return;
  void* const memory = take(sizeof(UnhandledError));
  schedule(*new (memory) UnhandledError(*this, std::move(error), created));
}

void ContextCore::tellUnhandled(std::exception_ptr error, const SourceLocation& created) {
  if (unhandledErrorCallback.function == nullptr) {
    if (ending_) return;
    std::rethrow_exception(error);
  }
  struct Told {  // until the callback has returned, or thrown
    ~Told() { error = nullptr; }
    std::exception_ptr& error;
  };
  const Told told{unhandledError};
  unhandledError = std::move(error);
  unhandledErrorCreated = created;
  unhandledErrorCallback.function(unhandledErrorCallback.udata);
}

void ContextCore::end() noexcept {
  assert(!draining_ && "A FutureContext is destroyed inside a callback.");
  ending_ = true;
  endRounds(&FutureState::cancelForGood);
  refusing_ = true;
  pool_.close();
  endRounds(&FutureState::abandon);
  dropReady();
  if (timer_ != TimerId::none) reactor_->removeTimer(timer_);
  reactor_ = nullptr;
  hasToEndDestroying_ = true;
  deleteIfUnused();
}

// What there is after the last round.
void ContextCore::dropReady() noexcept {
  while (!ready_.empty()) {
    Waiter& waiter = ready_.popFront();
    if (!UnhandledError::drop(waiter)) WaiterAccess::drop(waiter);
  }
}

// What does not end when it is asked by `how` is cancelled where it stands.
void ContextCore::endRounds(void (FutureState::*how)() noexcept) noexcept {
  for (int round = 0; round < endingRoundsMax && (hasPending() || hasReady()); ++round) {
    endPending(how);
    if (!hasReady()) endPending(&FutureState::abandon);
    drain();
  }
}

void* ContextCore::takeUnlessRefusing(std::size_t size) {
  if (refusing_) throw FutureError("A FutureContext that has ended takes no new work.");
  return pool_.take(size);
}

// Each once: what is begun meanwhile is for the next round.
void ContextCore::endPending(void (FutureState::*how)() noexcept) noexcept {
  LinkList<FutureState> ended;
  ended.takeBehind(pending_);
  while (!ended.empty()) {
    FutureState& future = ended.front();
    if (!future.goesOn()) {
      future.disenroll();
      continue;
    }
    ended.popFront();
    pending_.pushBack(future);
    (future.*how)();
  }
}

}  // namespace kairos::detail
